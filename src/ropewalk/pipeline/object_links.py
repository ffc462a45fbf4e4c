"""Making an object appear as a file elsewhere: as a clone of its blocks, as a second name, or as a copy."""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import shutil
import stat
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path, PurePosixPath

from ropewalk.pipeline.object_errors import UnsafePath, said_clearly
from ropewalk.pipeline.stat_cache import StatCache

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


def shows(target: Path, source: Path, digest: str, known: StatCache | None = None) -> bool:
    """Return whether `target` is the object at `source` already: the same file, or known to have the same bytes."""
    try:
        there, wanted = target.lstat(), source.stat()
    except OSError:
        return False
    if (there.st_ino, there.st_dev) == (wanted.st_ino, wanted.st_dev):
        return True
    # A copy counts only while it is read-only, as all that is placed: one that may be written would come to differ.
    is_like = stat.S_ISREG(there.st_mode) and there.st_size == wanted.st_size and not there.st_mode & 0o222
    return is_like and known is not None and known.digest(target) == digest


def checked_names(names: Iterable[str]) -> list[PurePosixPath]:
    """Return the names as paths below a folder.

    Raises:
        UnsafePath: one leads out of it, or is no file's name.
    """
    return [_checked(name) for name in names]


def _checked(name: str) -> PurePosixPath:
    path = PurePosixPath(name)
    # Lists of files come from other machines too.
    if not path.parts or path.is_absolute() or ".." in path.parts or "\0" in name:
        raise UnsafePath(
            f"{name!r} is not the name of a file below a folder",
            hint="names are relative, with `/` between folders, and none of them is `..`",
        )
    return path


def make_folders(folder: Path, names: Iterable[PurePosixPath]) -> None:
    """Make the folders that files of these names need below `folder`.

    Raises:
        UnsafePath: one of them is there, and is a link that leads elsewhere.
        StoreReadOnly: they cannot be made.
    """
    wanted = {parent for name in names for parent in name.parents}
    with said_clearly(folder):
        # Parents have fewer parts, so each is there before what is in it.
        for parent in sorted(wanted, key=lambda path: len(path.parts)):
            place = folder / parent
            place.mkdir(parents=True, exist_ok=True)
            if parent.parts and place.is_symlink():
                raise UnsafePath(f"{place} is a link that leads out of {folder}", hint="remove it")


def clear_others(folder: Path, manifest: Mapping[PurePosixPath, str]) -> int:
    """Remove what is below `folder` and not in the manifest, and return how many files that were."""
    wanted_folders = {folder / parent for name in manifest for parent in name.parents}
    wanted = {folder / name for name in manifest}
    removed = 0
    with said_clearly(folder):
        for root, folders, files in os.walk(folder, topdown=False):
            for name in files:
                removed += _clear(Path(root, name), wanted)
            for name in folders:
                place = Path(root, name)
                # A link to a folder is no folder, whatever it leads to.
                if place.is_symlink():
                    removed += _clear(place, wanted)
                elif place not in wanted_folders:
                    with suppress(OSError):
                        place.rmdir()
    return removed


def _clear(place: Path, wanted: set[Path]) -> int:
    if place in wanted and not place.is_symlink():
        return 0
    place.unlink(missing_ok=True)
    return 1
