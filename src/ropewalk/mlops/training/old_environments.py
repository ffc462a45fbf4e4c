"""Training's part in collecting garbage: environments of steps that no step has used for long."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from ropewalk.pipeline import Kept, Swept, Workspace

_NAME = re.compile(r"[0-9a-f]{32}")


def sweep_environments(workspace: Workspace, kept: Kept) -> Swept:
    """Remove the environments that were used last before `kept.before_ms`; a step that needs one builds it again."""
    count = size = 0
    for folder in sorted((workspace.state / "environments").glob("*/")):
        if _NAME.fullmatch(folder.name) and _is_old(folder, kept):
            freed = _size(folder)
            if kept.is_dry or _remove(folder, kept):
                count, size = count + 1, size + freed
    return Swept("environments of steps", count, size)


def _is_old(folder: Path, kept: Kept) -> bool:
    # Each use touches it.
    return folder.stat().st_mtime * 1000 < kept.before_ms


def _remove(folder: Path, kept: Kept) -> bool:
    # Out of the way first: half an environment must never be found in its place.
    going = folder.with_name(f"gone-{folder.name}")
    shutil.rmtree(going, ignore_errors=True)
    folder.rename(going)
    if not _is_old(going, kept):
        # A step has come for it between looking and moving.
        going.rename(folder)
        return False
    shutil.rmtree(going, ignore_errors=True)
    return True


def _size(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*"))
