"""The folder in which a step puts files for its product; the harness says where it is."""

from __future__ import annotations

import os
from pathlib import Path

# One step per process, so one folder per process. Outside of a run there is none.
_staging: list[Path] = []


def use_staging(folder: Path) -> None:
    """Let `fresh_folder` make its folders below `folder`, on the disk of the object store."""
    _staging[:] = [folder]


def fresh_folder() -> Path:
    """Return a new empty folder: below the staging folder of the step that runs, or a temporary one in a test."""
    if _staging:
        folder = _staging[0] / f"made-{os.urandom(8).hex()}"
        folder.mkdir(parents=True)
        return folder
    # Most of what it imports is of no use to a step's process, each of which would pay for it.
    import tempfile

    return Path(tempfile.mkdtemp(prefix="ropewalk-"))
