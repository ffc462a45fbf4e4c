"""A folder of its own for each execution, on the disk of the object store, gone when the execution ends."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

ABANDONED_S = 24 * 3600


@contextmanager
def scratch_folder(state: Path) -> Iterator[Path]:
    """Yield a new folder below `state` and remove it, with what is in it, at the end."""
    parent = state / "staging"
    parent.mkdir(mode=0o700, exist_ok=True)
    _sweep(parent)
    # The process is in the name, so that what a killed one left can be told from what is in use.
    with tempfile.TemporaryDirectory(
        prefix=f"{os.getpid()}-", dir=parent, ignore_cleanup_errors=True
    ) as folder:
        yield Path(folder)


def _sweep(parent: Path) -> None:
    oldest = time.time() - ABANDONED_S
    for folder in parent.iterdir():
        # Two processes may sweep at once, and only one of them finds a folder there.
        with suppress(OSError):
            # Process numbers are used again, and mean nothing outside of a container: age has to agree.
            if folder.stat().st_mtime < oldest and not _is_running(folder.name.partition("-")[0]):
                shutil.rmtree(folder, ignore_errors=True)


def _is_running(process: str) -> bool:
    try:
        os.kill(int(process), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    return True
