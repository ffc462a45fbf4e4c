"""Where tests keep what is gone with them: in memory, where nobody waits for a disk."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

MEMORY = Path("/dev/shm")
# A whole run, with its servers, keeps less than half of this at a time.
NEEDED_BYTES = 3_000_000_000


def folder_in_memory(needed_bytes: int = NEEDED_BYTES) -> Path | None:
    """Return the folder in memory, or None on a machine that has none or has no room in it."""
    is_there = MEMORY.is_dir() and os.access(MEMORY, os.W_OK)
    return MEMORY if is_there and shutil.disk_usage(MEMORY).free > needed_bytes else None
