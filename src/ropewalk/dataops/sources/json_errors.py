"""Where a JSON file is broken: DuckDB counts its lines in blocks of its own, a person in those of the file."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO, cast

import duckdb

from ropewalk.dataops.sources.declarations import format_suffix
from ropewalk.dataops.sources.errors import InvalidFile, RecordTooLarge
from ropewalk.dataops.sources.local_files import LocalFiles
from ropewalk.dataops.sources.quarantine import Reject
from ropewalk.errors import Place

# One record stands on each line of these.
LINE_SUFFIXES = frozenset({".ndjson", ".jsonl"})


# Decoding more than this to say where a file is broken would cost more than it tells.
LARGEST_READ = 256 << 20


_TOO_LARGE = re.compile(r'"?maximum_object_size"? of (\d+) bytes exceeded')


def too_large(text: str, shown: str) -> RecordTooLarge | None:
    """Return the error for a record that DuckDB's error `text` calls too large, or None when it is about something else."""
    if (limit := _TOO_LARGE.search(text)) is None:
        return None
    return RecordTooLarge(
        f"a record has more than {int(limit[1]):,} bytes",
        place=Place(shown),
        hint="raise max_record, or check the file: it may not have one record on each line",
    )


def find_json_error(shown: str, files: LocalFiles) -> InvalidFile:
    """Return what is wrong with the JSON file known as `shown`, with the line and column at which it stops being JSON."""
    path = files.path(shown)
    try:
        # Read once more, in Python: this runs only when the file is broken.
        if format_suffix(shown) in LINE_SUFFIXES:
            return _first_bad_line(path, shown)
        if path.stat().st_size > LARGEST_READ:
            return InvalidFile("not valid JSON", place=Place(shown))
        with open_json(path) as stream:
            text = stream.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return InvalidFile("the file is not UTF-8", place=Place(shown), detail=str(error))
    except (OSError, EOFError) as error:
        return InvalidFile(f"not readable: {error}", place=Place(shown))
    found = json_mistake(text)
    place = Place(shown, found.lineno, found.colno) if found else Place(shown)
    return InvalidFile(
        f"not valid JSON: {found.msg if found else 'one record per line is read from .ndjson'}", place=place
    )


@dataclass(frozen=True)
class JSONEvidence:
    """What is known of the rows of JSON files beside their values: the lines of newline-delimited ones."""

    files: LocalFiles

    def rejects(self, connection: duckdb.DuckDBPyConnection) -> Sequence[Reject]:
        """Return the lines that are no records; of other JSON there are none."""
        return [reject for rejects in self.files.rejects.values() for reject in rejects]

    def lines(self, file: str, records: Sequence[int], rejects: Sequence[Reject]) -> Mapping[int, int]:
        """Return the line of each record, where there is one record on each."""
        if format_suffix(file) not in LINE_SUFFIXES:
            return {}
        wanted = set(records)
        with open_json(self.files.path(file)) as stream:
            # Empty lines are no records.
            filled = (number for number, line in enumerate(stream, start=1) if line.strip())
            counted = enumerate(islice(filled, max(wanted, default=0)), start=1)
            return {record: number for record, number in counted if record in wanted}


def refuse_cut_array(shown: str, files: LocalFiles) -> None:
    """Refuse a JSON file whose array is never closed: the engine takes its whole records and says nothing.

    Raises:
        InvalidFile: the file was cut off; the error names the line and column where it ends.
    """
    if format_suffix(shown) in LINE_SUFFIXES:
        return
    begins, ends = _edges(files.path(shown))
    if begins.startswith(b"[") and not ends.endswith(b"]"):
        raise find_json_error(shown, files)


def _edges(path: Path) -> tuple[bytes, bytes]:
    """Return the first and the last bytes of a file without the space around them; only those are kept."""
    begins = ends = b""
    try:
        with open_json(path) as stream:
            while block := stream.read(1 << 20):
                begins = begins or block.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
                ends = block.rstrip()[-1:] or ends
    except (OSError, EOFError):
        # What cannot be unpacked is told by the engine's own reading of it.
        return b"", b""
    return begins, ends


def _first_bad_line(path: Path, shown: str) -> InvalidFile:
    with open_json(path) as stream:
        for number, line in enumerate(stream, start=1):
            if line.strip() and (found := json_mistake(line.rstrip(b"\r\n").decode("utf-8-sig"))):
                return InvalidFile(f"not valid JSON: {found.msg}", place=Place(shown, number, found.colno))
    return InvalidFile("not valid newline-delimited JSON", place=Place(shown))


@contextmanager
def open_json(path: Path) -> Iterator[BinaryIO]:
    """Yield the bytes of a file, unpacked where Python can."""
    with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as stream:
        yield cast("BinaryIO", stream)


def json_mistake(text: str) -> json.JSONDecodeError | None:
    """Return what keeps `text` from being JSON, or None when it is."""
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return error
    except RecursionError:
        return json.JSONDecodeError("nested too deeply", text, 0)
    return None
