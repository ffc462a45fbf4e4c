"""Making an object appear as a file elsewhere: as a clone of its blocks, as a second name, or as a copy."""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import shutil
from pathlib import Path

from ropewalk.pipeline.object_errors import said_clearly

# From linux/fs.h: let the file at the descriptor share the blocks of another; either may change, the other stays.
FICLONE = 0x40049409
READ_ONLY = 0o444


class Linker:
    """Places objects, and remembers between which devices blocks cannot be shared."""

    def __init__(self) -> None:
        self._unable: set[tuple[int, int]] = set()

    def place(self, source: Path, target: Path) -> None:
        """Let the object at `source` appear at `target`, read-only, in place of what is there.

        Whoever looks sees what was there before or the whole object.

        Raises:
            StoreFull: there is no room for a copy.
            StoreReadOnly: the target's folder cannot be written.
        """
        with said_clearly(target.parent):
            target.parent.mkdir(parents=True, exist_ok=True)
            # The usual case first: nothing there yet, and a second name is one system call.
            if not self._can_clone(source, target.parent) and _link(source, target):
                return
            # Never through `target` itself: it may be a link to another object, which writing to it would change.
            beside = target.with_name(f".link-{secrets.token_hex(8)}")
            try:
                if not self._clone(source, beside) and not _link(source, beside):
                    shutil.copyfile(source, beside)
                    beside.chmod(READ_ONLY)
                beside.replace(target)
            finally:
                # Renaming one name of a file to another name of the same file leaves both.
                beside.unlink(missing_ok=True)

    def _can_clone(self, source: Path, folder: Path) -> bool:
        return (source.stat().st_dev, folder.stat().st_dev) not in self._unable

    def _clone(self, source: Path, target: Path) -> bool:
        if not self._can_clone(source, target.parent):
            return False
        devices = source.stat().st_dev, target.parent.stat().st_dev
        try:
            with source.open("rb") as original, target.open("xb") as copy:
                fcntl.ioctl(copy.fileno(), FICLONE, original.fileno())
                os.fchmod(copy.fileno(), READ_ONLY)
        except OSError as error:
            target.unlink(missing_ok=True)
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise
            self._unable.add(devices)
            return False
        return True


def _link(source: Path, target: Path) -> bool:
    """Give the file a second name; False where that is not possible, or the name is taken."""
    try:
        target.hardlink_to(source)
    except OSError as error:
        # Another device, somebody else's file, too many names: a copy does as well.
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.ENOENT):
            raise
        return False
    return True


def shows(target: Path, source: Path) -> bool:
    """Return whether `target` is the object at `source` already."""
    try:
        there, wanted = target.lstat(), source.stat()
    except OSError:
        return False
    return (there.st_ino, there.st_dev) == (wanted.st_ino, wanted.st_dev)
