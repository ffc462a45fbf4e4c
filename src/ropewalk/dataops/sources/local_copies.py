"""Copies of files that the engine cannot read where they lie: at an address, packed otherwise, or not in UTF-8."""

from __future__ import annotations

import bz2
import codecs
import gzip
import lzma
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast
from urllib.parse import urlsplit

from ropewalk.dataops.sources.declarations import FilesSource
from ropewalk.dataops.sources.errors import InvalidFile
from ropewalk.dataops.sources.found_files import FoundFile
from ropewalk.dataops.sources.local_files import LocalFiles
from ropewalk.dataops.sources.records import sweep_folders
from ropewalk.dataops.sources.remote_files import Remote
from ropewalk.errors import Place
from ropewalk.pipeline import Task

PREFIX = "files-"
BLOCK = 1 << 20
# What is unpacked here, as the engine does not know it.
_UNPACKERS: dict[str, Callable[[Path], object]] = {".bz2": bz2.open, ".xz": lzma.open}


@contextmanager
def local_copies(
    source: FilesSource, arriving: Sequence[FoundFile], task: Task, remote: Remote | None
) -> Iterator[LocalFiles]:
    """Yield where the `arriving` files lie; the copies go away with the block, also those of killed processes.

    Raises:
        InvalidFile: a file cannot be unpacked, or is not written in the declared encoding.
        RopewalkError: a file cannot be fetched.
    """
    root, state = task.workspace.root, task.workspace.state
    plain = LocalFiles(root)
    if remote is None and not any(_is_copied(source, file.path) for file in arriving):
        yield plain
        return
    state.mkdir(parents=True, exist_ok=True)
    sweep_folders(state, PREFIX)
    with tempfile.TemporaryDirectory(prefix=f"{PREFIX}{os.getpid()}-", dir=state) as folder:
        copies: dict[str, Path] = {}
        for number, file in enumerate(arriving):
            # A folder each, as two files may have one name, and the ending tells the format.
            own = Path(folder, str(number))
            own.mkdir()
            path = plain.path(file.path)
            if remote is not None:
                task.report(number, len(arriving), f"fetching {file.path}")
                path = own / _file_name(file.path)
                remote.fetch(file, path)
            copies[file.path] = _plain_copy(source, file.path, path, own)
        yield LocalFiles(root, copies)


def _is_copied(source: FilesSource, path: str) -> bool:
    return PurePosixPath(path.lower()).suffix in _UNPACKERS or not _is_utf8(source)


def _is_utf8(source: FilesSource) -> bool:
    return codecs.lookup(source.encoding).name in {"utf-8", "ascii", "utf-8-sig"}


def _plain_copy(source: FilesSource, shown: str, path: Path, folder: Path) -> Path:
    """Return a file that the engine reads: `path` itself, or a copy of it in `folder`."""
    try:
        if (packed := path.suffix.lower()) in _UNPACKERS or (packed == ".gz" and not _is_utf8(source)):
            unpacked = folder / path.stem
            with (
                cast("BinaryIO", _UNPACKERS.get(packed, gzip.open)(path)) as stream,
                unpacked.open("wb") as made,
            ):
                shutil.copyfileobj(stream, made, BLOCK)
            path = unpacked
        return path if _is_utf8(source) else _recoded(source, path, folder)
    except (OSError, EOFError, lzma.LZMAError) as error:
        raise InvalidFile(f"not readable: {error}", place=Place(shown)) from error
    except UnicodeDecodeError as error:
        raise InvalidFile(
            f"the file is not {source.encoding}: {error.reason}", place=Place(shown), hint="check encoding"
        ) from error


def _recoded(source: FilesSource, path: Path, folder: Path) -> Path:
    made = folder / f"utf8-{path.name}"
    with (
        path.open(encoding=source.encoding, newline="") as stream,
        made.open("w", encoding="utf-8", newline="") as recoded,
    ):
        shutil.copyfileobj(stream, recoded, BLOCK)
    return made


def _file_name(address: str) -> str:
    # The ending tells the format, and what it is packed with.
    return PurePosixPath(urlsplit(address).path).name or "file"
