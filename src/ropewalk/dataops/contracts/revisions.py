"""The contracts of a project as a Git revision has them, without touching the checkout."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from ropewalk.dataops.contracts.errors import ContractMissing
from ropewalk.dataops.contracts.files import FOLDER
from ropewalk.dataops.contracts.kept import read_contracts
from ropewalk.dataops.contracts.values import Contract
from ropewalk.project import CommitMissing, commits_between, export_commit


def contracts_at(root: Path, revision: str) -> Mapping[str, Contract]:
    """Return the contract of each table that has one in `revision`, by the table's name in lower case.

    Raises:
        ContractMissing: there is no such revision.
        InvalidProjectFile: a contract of it is wrong.
    """
    # A revision that is not here is told apart from one that has no contracts.
    if not _is_there(root, revision):
        raise ContractMissing(
            f"{revision!r} is neither a revision of this repository nor, with another one, a contract's file",
            hint="`ropewalk contract diff main`, or OLD.odcs.yaml NEW.odcs.yaml",
        )
    with tempfile.TemporaryDirectory(prefix="ropewalk-contracts-") as name:
        folder = Path(name).resolve()
        try:
            # The contracts alone, where the checkout has the folder too; a repository may be large.
            alone = (root / FOLDER).is_dir()
            into = folder / FOLDER if alone else folder
            into.mkdir(exist_ok=True)
            export_commit(root / FOLDER if alone else root, revision, into)
        except CommitMissing:
            return {}
        return read_contracts(folder)


def _is_there(root: Path, revision: str) -> bool:
    # To Git these would be an option, a range, or HEAD.
    if not revision or revision.startswith("-") or ".." in revision:
        return False
    try:
        commits_between(root, revision, revision)
    except CommitMissing:
        return False
    return True
