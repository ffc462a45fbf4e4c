"""Who sees personal data: what is masked in a project's tables, and the key that its hashes are made with."""

from __future__ import annotations

import os
import secrets
import tempfile
from dataclasses import replace
from pathlib import Path

from ropewalk.access import sees_personal
from ropewalk.dataops.contracts.kept import read_contracts
from ropewalk.dataops.contracts.personal import named_masks
from ropewalk.dataops.definitions import read_glossary
from ropewalk.dataops.lake import Masks
from ropewalk.pipeline import Workspace

KEY_FILE = "mask.key"


def declared_masks(workspace: Workspace, *, is_for_others: bool = False) -> Masks | None:
    """Return what contracts and the glossary mask; None for those with the right to see all.

    `is_for_others` asks what others may see, whatever right whoever asks has.

    What follows from it along lineage is for `dataops.privacy` to say. A contract that cannot be read is an error here: what it would have called personal must not be shown meanwhile.

    Raises:
        InvalidProjectFile: a contract or the glossary is wrong.
    """
    if sees_personal(workspace.settings) and not is_for_others:
        return None
    contracts = read_contracts(workspace.root)
    tables = {table: contract.masks for table, contract in contracts.items()}
    names = named_masks(read_glossary(workspace.root))
    described = {
        table: frozenset(column.name.lower() for column in contract.columns)
        for table, contract in contracts.items()
    }
    found = Masks({**tables}, {**names}, described=described)
    # Projects without personal data need no key, and get none.
    return replace(found, key=mask_key(workspace)) if found else found


def mask_key(workspace: Workspace) -> str:
    """Return the key of the project's hashes: the setting's, else one that was made at random and is kept."""
    return workspace.settings.mask_key or _kept_key(workspace.state / KEY_FILE)


def _kept_key(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except FileNotFoundError:
        pass
    # Written whole under another name, which only its owner may read, and put there unless somebody was first.
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=KEY_FILE)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as stream:
            stream.write(secrets.token_hex(32))
        Path(path).hardlink_to(name)
    except FileExistsError:
        pass
    finally:
        Path(name).unlink()
    return path.read_text(encoding="ascii")
