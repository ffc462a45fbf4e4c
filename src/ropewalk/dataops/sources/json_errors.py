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


def refuse_cut_array(path: str, root: Path) -> None:
    """Refuse a JSON file whose array is never closed: the engine takes its whole records and says nothing.

    Raises:
        InvalidFile: the file was cut off; the error names the line and column where it ends.
    """
    if format_suffix(path) in LINE_SUFFIXES:
        return
    begins, ends = _edges(root / path)
    if begins.startswith(b"[") and not ends.endswith(b"]"):
        raise find_json_error(path, root)


def _edges(path: Path) -> tuple[bytes, bytes]:
    """Return the first and the last bytes of a file without the space around them; only those are kept."""
    is_packed = path.suffix.lower() == ".gz"
    begins = ends = b""
    try:
        with gzip.open(path) if is_packed else path.open("rb") as stream:
            while block := stream.read(1 << 20):
                begins = begins or block.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
                ends = block.rstrip()[-1:] or ends
    except (OSError, EOFError):
        # What cannot be unpacked is told by the engine's own reading of it.
        return b"", b""
    return begins, ends


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
