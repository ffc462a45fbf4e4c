"""Lines of newline-delimited JSON that are no records: which, why, and copies of the files without them."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import duckdb

from ropewalk.dataops.lake import literal
from ropewalk.dataops.sources.errors import InvalidFile
from ropewalk.dataops.sources.json_errors import json_mistake, open_json, too_large
from ropewalk.dataops.sources.local_files import LocalFiles
from ropewalk.dataops.sources.quarantine import Reject
from ropewalk.dataops.sources.records import sweep_folders
from ropewalk.errors import Place

PREFIX = "lines-"
# What the engine takes for nothing at all between two records.
SPACE = b" \t\r\n\v\f"
_PACKED = ".zst"


@contextmanager
def sifted_lines(files: LocalFiles, paths: Sequence[str], state: Path, largest: int) -> Iterator[LocalFiles]:
    """Yield the `files` with copies of those of `paths` that have lines which are no records; the lines are `rejects`.

    In a copy such a line is empty, so that all others stand where they stood. Without `paths` the files are as they were.

    Raises:
        InvalidFile: a file is not UTF-8, or cannot be read line by line.
        RecordTooLarge: a line has more than `largest` bytes.
    """
    if not paths:
        yield files
        return
    sweep_folders(state, PREFIX)
    with tempfile.TemporaryDirectory(prefix=f"{PREFIX}{os.getpid()}-", dir=state) as folder:
        copies, rejects = dict(files.copies), dict[str, Sequence[Reject]]()
        for number, shown in enumerate(paths):
            broken = _broken_records(files.path(shown), shown, largest)
            if broken:
                copies[shown] = Path(folder, f"{number}.ndjson")
                rejects[shown] = _sift(files.path(shown), shown, broken, copies[shown])
        yield replace(files, copies=copies, rejects=rejects)


def _broken_records(path: Path, shown: str, largest: int) -> frozenset[int]:
    """Return which of the file's records, from 1, are no objects: the engine that will read them is the judge."""
    options = f"format = 'newline_delimited', ignore_errors = true, maximum_object_size = {largest}"
    judged = f"SELECT row_number() OVER () AS record, json_type(json) AS kind FROM read_json_objects({literal(str(path))}, {options})"
    try:
        with duckdb.connect() as connection:
            found = connection.execute(
                f"SELECT record FROM ({judged}) WHERE coalesce(kind NOT IN ('OBJECT', 'NULL'), true)"
            ).fetchall()
    except duckdb.Error as error:
        raise too_large(str(error), shown) or InvalidFile(
            "not readable line by line", place=Place(shown), detail=str(error).splitlines()[0]
        ) from error
    return frozenset(int(record) for (record,) in found)


def _sift(path: Path, shown: str, broken: frozenset[int], copy: Path) -> list[Reject]:
    """Write the file without its broken records, and return those."""
    if path.suffix.lower() == _PACKED:
        # Only the engine can look into it, and it tells no line.
        raise InvalidFile("not valid JSON", place=Place(shown), hint="unpack the file to see the line")
    rejects, record = list[Reject](), 0
    with open_json(path) as stream, copy.open("wb") as kept:
        for number, line in enumerate(stream, start=1):
            record += bool(line.strip(SPACE))
            is_broken = record in broken and bool(line.strip(SPACE))
            kept.write(line[len(line.rstrip(b"\n")) :] if is_broken else line)
            if is_broken:
                rejects.append(_reject(line.strip(SPACE), shown, number, record))
    if len(rejects) != len(broken):
        # The engine counts otherwise than we do, so nobody knows which lines it means.
        raise InvalidFile("not valid newline-delimited JSON", place=Place(shown))
    return rejects


def _reject(line: bytes, shown: str, number: int, record: int) -> Reject:
    try:
        text = line.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # Others may be wrong that do not show it.
        hint = "encoding: latin-1, or another"
        raise InvalidFile("the file is not UTF-8", place=Place(shown, number), hint=hint) from error
    mistake = json_mistake(text)
    reason = f"not JSON: {mistake.msg}" if mistake else "not a JSON object"
    return Reject(shown, number, record, reason, None, None, json.dumps(text))
