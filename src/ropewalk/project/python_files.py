"""The Python files of one project, each read and hashed once, and parsed only when its bytes are new."""

from __future__ import annotations

import ast
import sys
from functools import cache
from pathlib import Path

import msgspec
from blake3 import blake3

from ropewalk.errors import Place
from ropewalk.project.errors import InvalidPython
from ropewalk.project.parse_cache import STATE_FOLDER, ParseCache, content_digest
from ropewalk.project.signatures import Signature, read_signatures
from ropewalk.project.summaries import Summary, summarise

CACHE_FILE = "parsed-python.bin"
STEPS_FOLDER = "steps"
SOURCES_FOLDER = "sources"
# What decides how a file is read; counted by its bytes, so that no one has to remember to raise a number.
READERS = ("effects", "scopes", "signatures", "summaries", "syntax")


class PythonFile(msgspec.Struct, frozen=True, array_like=True):
    """What was read from one file: the steps or sources it declares, and its statements."""

    steps: tuple[Signature, ...]
    summary: Summary
    sources: tuple[Signature, ...] = ()


class PythonFiles:
    """Reads the Python files of the project at `root`, by their path relative to it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._cache = ParseCache(root / STATE_FOLDER / CACHE_FILE, _version(), PythonFile)
        self._read: dict[str, PythonFile] = {}

    def read(self, path: str) -> PythonFile:
        """Return what the file at `path` says.

        Raises:
            InvalidPython: it does not parse, cannot be read, or declares a step wrongly.
        """
        if path not in self._read:
            self._read[path] = self._parse(path)
        return self._read[path]

    def save(self) -> None:
        """Keep what was read for the next plan."""
        self._cache.save()

    def _parse(self, path: str) -> PythonFile:
        try:
            content = (self.root / path).read_bytes()
        except OSError as error:
            raise InvalidPython(f"cannot be read: {error.strerror}", place=Place(path)) from error
        # Only below steps/ does a function that returns a Model declare anything, and only below sources/ @source.
        folder = path.partition("/")[0]
        key = content_digest(content) + {STEPS_FOLDER: "s", SOURCES_FOLDER: "o"}.get(folder, "")
        return self._cache.get(key, lambda: _parse(content, path, folder))


def parse_python(content: bytes, path: str) -> ast.Module:
    """Parse the content of the file at `path`, which is only named.

    Raises:
        InvalidPython: it is not Python.
    """
    try:
        # Bytes, not text: Python itself finds the file's declared encoding.
        return ast.parse(content, filename=path)
    except SyntaxError as error:
        place = Place(path, error.lineno, error.offset)
        raise InvalidPython(f"not valid Python: {error.msg}", place=place) from error
    except (ValueError, RecursionError) as error:
        raise InvalidPython(f"not valid Python: {error}", place=Place(path)) from error


def _parse(content: bytes, path: str, folder: str) -> PythonFile:
    tree = parse_python(content, path)
    # Before the summary, which leaves out what only a signature shows.
    steps = tuple(read_signatures(tree, path)) if folder == STEPS_FOLDER else ()
    sources = tuple(read_signatures(tree, path, "source")) if folder == SOURCES_FOLDER else ()
    return PythonFile(steps, summarise(tree), sources)


@cache
def _version() -> str:
    code = blake3()
    for name in READERS:
        code.update(Path(__file__).with_name(f"{name}.py").read_bytes())
    return f"{sys.version_info.major}.{sys.version_info.minor} {code.hexdigest()[:16]}"
