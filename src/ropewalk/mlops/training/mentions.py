"""Files that the project's code names in plain text, where what opens them tells nobody.

DuckDB, Arrow, LightGBM and others open files by themselves, and no event tells of `Path("x").exists()`. What their callers
write down, in a text, in SQL, or as a constant path of a module, is found after the step ran: of modules that are
loaded and use such a library or ask such a question. A name that is put together inside a function is not found.
"""

from __future__ import annotations

import glob
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from ropewalk.mlops.training.audit import note_asked, note_named
from ropewalk.processes import is_projects

_UNSEEN = re.compile(
    r"\b(duckdb|pyarrow|polars|lightgbm|xgboost|catboost|h5py|cv2|torch|tensorflow|netCDF4|rasterio|fiona|fastparquet|"
    r"ctypes|relation|sql|exists|is_file|isfile|stat|getsize|getmtime)\b"
)
_ASKS = re.compile(r"\b(exists|is_file|isfile)\b")
# A name of a file has an ending, and is no sentence.
_FILE = re.compile(r"[\w@%+,./*?\[\]{}~-]{1,200}\.\w{1,10}")
_QUOTED = re.compile(r"'([^'\n]{1,200})'")
# A pattern over more files than this is a folder of data, which is what sources are for.
MOST = 500


def note_mentions(root: Path, state: Path) -> None:
    """Write down the files of the project that code loaded in this process names, as `record_reads` writes down others.

    Code below `state` is the engine's, and no file there is named by anybody.
    """
    absent, folders = set[str](), set[str]()

    def named() -> list[str]:
        found = []
        for text, asks in _texts(root, state):
            here = _files(root, text)
            found += here
            if glob.has_magic(text):
                folders.update(folder for folder in _searched(text) if (root / folder).is_dir())
            elif asks and not here:
                absent.add(text)
        return found

    note_named(named)
    note_asked(absent, folders)


def _texts(root: Path, state: Path) -> Iterator[tuple[str, bool]]:
    """Yield each text that may name a file, and whether its module asks for files that may not be there."""
    for module in list(sys.modules.values()):
        path = Path(getattr(module, "__file__", None) or "")
        if path.suffix != ".py" or not is_projects(path, root) or path.is_relative_to(state):
            continue
        source = _source(path)
        if _UNSEEN.search(source):
            asks = _ASKS.search(source) is not None
            yield from ((text, asks) for text in _written(source))
            values = [value for value in vars(module).values() if isinstance(value, Path)]
            yield from ((str(value), asks) for value in values)


def _source(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        # The step may have deleted it.
        return ""


def _written(source: str) -> Iterator[str]:
    # Only few modules are looked into, and each step would pay for it.
    import ast

    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        # What was loaded stood there before the step wrote another file over it.
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            for text in (node.value, *_QUOTED.findall(node.value)):
                if _FILE.fullmatch(text):
                    yield text


def _searched(pattern: str) -> list[str]:
    """Return the folder in which another file may come to fit a pattern; not those that it leaves open itself."""
    folder = pattern.rpartition("/")[0] or "."
    return [] if glob.has_magic(folder) else [folder]


def _files(root: Path, text: str) -> list[str]:
    path = str(root / text)
    found = glob.glob(path, recursive=True)[:MOST] if glob.has_magic(path) else [path]  # noqa: PTH207  # takes any text
    return [name for name in found if Path(name).is_file()]
