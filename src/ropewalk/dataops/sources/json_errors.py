"""Where a JSON file is broken: DuckDB counts its lines in blocks of its own, a person in those of the file."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

from ropewalk.dataops.sources.declarations import format_suffix
from ropewalk.dataops.sources.errors import InvalidFile
from ropewalk.errors import Place

# One record stands on each line of these.
LINE_SUFFIXES = frozenset({".ndjson", ".jsonl"})


def find_json_error(path: str, root: Path) -> InvalidFile:
    """Return what is wrong with the JSON file at `path`, with the line and column at which it stops being JSON."""
    try:
        text = _read(root / path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return InvalidFile("the file is not UTF-8", place=Place(path), detail=str(error))
    except (OSError, EOFError) as error:
        return InvalidFile(f"not readable: {error}", place=Place(path))
    # The whole file is read once more, in Python: this runs only when it is broken.
    if format_suffix(path) in LINE_SUFFIXES:
        return _first_bad_line(path, text)
    found = _try(text)
    place = Place(path, found.lineno, found.colno) if found else Place(path)
    return InvalidFile(
        f"not valid JSON: {found.msg if found else 'one record per line is read from .ndjson'}", place=place
    )


def _first_bad_line(path: str, text: str) -> InvalidFile:
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip() and (found := _try(line)):
            return InvalidFile(f"not valid JSON: {found.msg}", place=Place(path, number, found.colno))
    return InvalidFile("not valid newline-delimited JSON", place=Place(path))


def _read(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes()) if path.suffix.lower() == ".gz" else path.read_bytes()


def _try(text: str) -> json.JSONDecodeError | None:
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return error
    return None
