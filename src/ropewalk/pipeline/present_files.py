"""The files below a folder that others may be at work in."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from stat import S_ISREG


def files_below(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Yield each regular file below `folder` with its state; what goes away meanwhile is left out."""
    for path in folder.rglob("*"):
        # Asked once: between two questions somebody else may have removed it.
        try:
            stat = path.stat()
        except FileNotFoundError:
            continue
        if S_ISREG(stat.st_mode):
            yield path, stat
