"""Who sees personal data: what is masked in a project's tables, and the key that its hashes are made with."""

from __future__ import annotations

import os
import secrets
import tempfile
from pathlib import Path

from ropewalk.dataops.contracts.kept import read_contracts
from ropewalk.dataops.contracts.personal import named_masks
from ropewalk.dataops.definitions import read_glossary
from ropewalk.dataops.lake import Masks
from ropewalk.pipeline import Workspace

KEY_FILE = "mask.key"
CLEAR = "clear"


def project_masks(workspace: Workspace) -> Masks | None:
    """Return what is masked for whoever asks through `workspace`; None for those with the right to see all.

    A contract that cannot be read is an error here: what it would have called personal must not be shown meanwhile.

    Raises:
        InvalidProjectFile: a contract or the glossary is wrong.
    """
    if workspace.settings.personal_data == CLEAR:
        return None
    tables = {table: contract.masks for table, contract in read_contracts(workspace.root).items()}
    names = named_masks(read_glossary(workspace.root))
    found = Masks({**tables}, {**names})
    # Projects without personal data need no key, and get none.
    return Masks(found.tables, found.names, mask_key(workspace)) if found else found


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
