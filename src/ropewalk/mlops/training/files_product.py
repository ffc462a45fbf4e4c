"""Files that a step made, kept as objects: a manifest of paths and digests, and the bytes behind them.

The manifest is written one way only, so its digest is the digest of the whole tree: equal paths, equal bytes and
equal executable bits make equal content.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ropewalk.mlops.training.errors import DamagedFiles, UnkeptFiles
from ropewalk.pipeline import ObjectStore, StoredObject

VERSION = 1
EXECUTABLE = 0o100
BLOCK = 1 << 20


@dataclass(frozen=True)
class KeptFile:
    """One file of a tree: its path below it, the object that holds its bytes, and whether it can be executed."""

    path: str
    digest: str
    size: int
    is_executable: bool = False


@dataclass(frozen=True)
class Manifest:
    """A tree of files in the order of their paths.

    Attributes:
        is_file: the step returned a single file rather than a folder.
    """

    files: tuple[KeptFile, ...]
    is_file: bool = False

    @property
    def size(self) -> int:
        """The bytes of all files together."""
        return sum(file.size for file in self.files)

    def to_bytes(self) -> bytes:
        """Return the manifest as it is stored; equal trees give equal bytes."""
        rows = [[file.path, file.digest, file.size, file.is_executable] for file in self.files]
        content = {"files": rows, "is_file": self.is_file, "version": VERSION}
        return json.dumps(content, sort_keys=True, separators=(",", ":")).encode()


def keep_files(path: Path, objects: ObjectStore, staging: Path) -> tuple[Manifest, StoredObject]:
    """Store the file or folder at `path` and return its manifest with the object that holds that.

    What lies below `staging` is moved rather than copied: nobody else will look for it there.

    Raises:
        UnkeptFiles: something in it is no file, or leads out of it.
    """
    # Through links, or a temporary folder that is reached by one would lie outside of itself.
    top = path.resolve()
    if not top.exists():
        raise UnkeptFiles(f"there is no file or folder {path}")
    is_file = top.is_file()
    found = [_Found(top.name, top)] if is_file else list(_walk(top))
    is_movable = top.is_relative_to(staging.resolve())
    # Links first, because what they lead to moves away.
    ordered = sorted(found, key=lambda item: not item.is_link)
    files = (_keep(item, objects, move=is_movable and not item.is_link) for item in ordered)
    manifest = Manifest(tuple(sorted(files, key=lambda file: file.path)), is_file)
    return manifest, objects.put_bytes(manifest.to_bytes())


def read_manifest(digest: str, objects: ObjectStore) -> Manifest:
    """Return the manifest with this digest.

    Raises:
        ObjectMissing: it is not in the store.
        DamagedFiles: it is no manifest, or names a path that leads out of its tree.
    """
    content = objects.path(digest).read_bytes()
    try:
        described = json.loads(content)
        files = tuple(KeptFile(str(p), str(d), int(s), bool(x)) for p, d, s, x in described["files"])
        manifest = Manifest(files, is_file=bool(described["is_file"]))
    except (ValueError, KeyError, TypeError) as error:
        raise DamagedFiles(f"object {digest} is no list of files: {error}") from error
    for file in manifest.files:
        # A manifest may come from another machine, and what it says decides where is written.
        parts = PurePosixPath(file.path).parts
        if not parts or ".." in parts or file.path.startswith("/") or "\0" in file.path:
            raise DamagedFiles(f"object {digest} names the path {file.path!r}, which leads out of its folder")
    return manifest


def holds_files(digest: str, objects: ObjectStore) -> bool:
    """Return whether the manifest with this digest, and all bytes that it names, are in the store."""
    if not objects.has(digest):
        return False
    return all(objects.has(file.digest) for file in read_manifest(digest, objects).files)


def place_files(manifest: Manifest, objects: ObjectStore, folder: Path) -> Path:
    """Write the files into the new `folder` as read-only copies, and return the path that the step returned.

    On file systems that can share blocks between files a copy costs nothing.

    Raises:
        ObjectMissing: a file's bytes are not in the store.
    """
    folder.mkdir(parents=True)
    for file in manifest.files:
        copy_file(file, objects, folder / file.path)
    return folder / manifest.files[0].path if manifest.is_file else folder


def copy_file(file: KeptFile, objects: ObjectStore, target: Path) -> None:
    """Write a read-only copy of one file to `target`.

    Raises:
        ObjectMissing: its bytes are not in the store.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    mode = 0o555 if file.is_executable else 0o444
    with objects.path(file.digest).open("rb") as source:
        made = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        try:
            _copy(source.fileno(), made, file.size)
            # The mode above is subject to the process's mask.
            os.fchmod(made, mode)
        finally:
            os.close(made)


def _copy(source: int, target: int, size: int) -> None:
    left = size
    # In the kernel, which shares the blocks instead of copying them where the file system can. Other systems do not
    # have the call, and some pairs of file systems refuse it: what is left then is copied by hand.
    with suppress(AttributeError, OSError):
        while left > 0 and (done := os.copy_file_range(source, target, left)):
            left -= done
    while block := os.read(source, BLOCK):
        rest = memoryview(block)
        while rest:
            rest = rest[os.write(target, rest) :]


@dataclass(frozen=True)
class _Found:
    """A file of the tree: its path below it, and where its bytes are, behind a link perhaps."""

    name: str
    file: Path
    is_link: bool = False


def _walk(top: Path) -> Iterator[_Found]:
    """Yield each file below `top`.

    Raises:
        UnkeptFiles: something in it is no file, or leads out of it.
    """
    pending = [top]
    while pending:
        folder = pending.pop()
        for entry in sorted(os.scandir(folder), key=lambda found: found.name):
            path = Path(entry.path)
            if entry.is_dir(follow_symlinks=False):
                pending.append(path)
            else:
                yield _Found(path.relative_to(top).as_posix(), _file(path, top), path.is_symlink())


def _file(path: Path, top: Path) -> Path:
    """Return the file that `path` stands for.

    Raises:
        UnkeptFiles: it is no file, a link that leads nowhere or out of the folder, or has a name that is no text.
    """
    shown = path.relative_to(top).as_posix()
    try:
        shown.encode()
    except UnicodeEncodeError:
        raise UnkeptFiles(f"the name {shown!r} is not text in UTF-8", hint="rename the file") from None
    # Unlike `Path.resolve` this takes links that lead to themselves for what they are: nothing.
    file = Path(os.path.realpath(path))
    if path.is_symlink() and not (file.is_file() and file.is_relative_to(top)):
        raise UnkeptFiles(
            f"{shown} is a link to {path.readlink()}, which is no file of the same folder",
            hint="copy what it stands for into the folder",
        )
    if not file.is_file():
        raise UnkeptFiles(f"{shown} is neither a file nor a folder", hint="remove it before the step returns")
    return file


def _keep(found: _Found, objects: ObjectStore, *, move: bool) -> KeptFile:
    is_executable = bool(stat.S_IMODE(found.file.stat().st_mode) & EXECUTABLE)
    stored = objects.put_file(found.file, move=move)
    return KeptFile(found.name, stored.digest, stored.size, is_executable)
