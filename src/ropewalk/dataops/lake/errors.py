"""What can go wrong in the lake, and the one place where DuckDB's errors become ours.

RopewalkError
├── InvalidInput
│   ├── InvalidTableName     RW122  not `schema.table`
│   ├── InvalidQuery         RW123  SQL that does not parse, bind or compute
│   ├── QueryNotAllowed      RW124  more than one statement, not a SELECT, or a function that reads files
│   └── InvalidSnapshot      RW194  what names neither a pin nor a snapshot nor a time
├── NotFound
│   ├── TableMissing         RW220  a table the lake does not have
│   ├── SnapshotMissing      RW221  a snapshot the lake does not have
│   ├── PinMissing           RW223  a pin that nobody made
│   └── ChangesMissing       RW224  a table was made anew: what changed in it cannot be told
├── Conflict
│   ├── LakeBusy             RW320  another process is writing
│   ├── PinTaken             RW321  a name that another pin has
│   └── StorageTaken         RW322  a place that is to be filled has files already
├── Failed
│   ├── LakeFailed           RW420  the engine broke for a reason that is not the query's
│   ├── QueryTimeout         RW421  a query ran longer than allowed
│   ├── QueryTooLarge        RW437  a query needed more memory than it was allowed
│   ├── ParcelDamaged        RW422  a table brought from elsewhere is not what was packed
│   ├── FileDamaged          RW424  a file of the lake is gone or is not what was written
│   ├── LakeDamaged          RW425  what the lake has is not what its catalogue and its pins say
│   └── ExportFailed         RW426  what was exported is not what the lake has, or cannot be written
└── Unavailable
    ├── ExtensionMissing     RW620  an extension of the engine is not installed
    ├── StorageUnreachable   RW626  the storage of the lake's data does not answer, or refuses
    └── CatalogUnreachable   RW627  the server that keeps the lake's catalogue does not answer
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import duckdb

from ropewalk.errors import (
    Conflict,
    Failed,
    InvalidInput,
    NotFound,
    Place,
    RopewalkError,
    Unavailable,
    nearest,
)
from ropewalk.settings import without_password

# DuckDB says in the text what it does not say in the type; these read it, and are tested against the engine.
_LINE = re.compile(r"^LINE (\d+): (.*)\n( *)\^", re.MULTILINE)
_MISSING_TABLE = re.compile(
    r"Table with name \"?(?P<name>[^\s\"!]+)\"? does not exist( at version (?P<snapshot>\d+))?"
)
_MISSING_COLUMN = re.compile(
    r'(?:Referenced column "(?P<a>[^"]+)"|does not have a column named "(?P<b>[^"]+)"|column (?P<c>\S+) does not exist)'
)
_CANDIDATES = re.compile(r"Candidate bindings:[ :]*(.*)")
_MISSING_SNAPSHOT = re.compile(r"No snapshot found at version (\d+)")
_SUGGESTED = re.compile(r'Did you mean "([^"]+)"')
EXPIRED = "what no environment needs is removed by `ropewalk gc`"
# DuckLake names its files after a UUID.
_LAKE_FILE = re.compile(r"(?:s3://|/)[^\s'\"]*ducklake-[0-9a-f-]{36}(?:-delete)?\.parquet")
_DAMAGED = re.compile(
    r"magic bytes|too small to be a Parquet|TProtocolException|footer|[Cc]orrupt|[Dd]ecompress|Failed to read|"
    r"Invalid Input Error: .*parquet",
    re.DOTALL,
)
_NO_HTTP = re.compile(
    r"HTTP (?:GET|PUT|POST|HEAD|DELETE)|Could not (?:establish|connect)|Connection error for HTTP"
)
_NO_SERVER = re.compile(
    r"Unable to connect to Postgres|connection to server|server closed the connection|SSL SYSCALL"
)
_UNSUPPORTED = re.compile(r"unsupported type (.+)")


class InvalidTableName(InvalidInput):
    """A table's name is not `schema.table`."""

    code = "RW122"


class InvalidQuery(InvalidInput):
    """A query does not parse, names something that does not exist, or cannot be computed."""

    code = "RW123"


class QueryNotAllowed(InvalidInput):
    """A query does more than read tables of the lake."""

    code = "RW124"


class InvalidSnapshot(InvalidInput):
    """A text names neither a pin nor a snapshot nor a time."""

    code = "RW194"


class TableMissing(NotFound):
    """The lake has no table of that name."""

    code = "RW220"


class SnapshotMissing(NotFound):
    """The lake has no snapshot of that number."""

    code = "RW221"


class PinMissing(NotFound):
    """There is no pin of that name."""

    code = "RW223"


class ChangesMissing(NotFound):
    """What changed in a table between two snapshots cannot be told, as it was made anew in between."""

    code = "RW224"


class LakeBusy(Conflict):
    """Another process holds the lake's one writer lease."""

    code = "RW320"
    may_pass = True


class PinTaken(Conflict):
    """Another pin has that name."""

    code = "RW321"


class StorageTaken(Conflict):
    """A place that is to be filled has files already."""

    code = "RW322"


class LakeFailed(Failed):
    """The engine broke for a reason that is not the query's."""

    code = "RW420"


class QueryTimeout(Failed):
    """A query ran longer than it was allowed to."""

    code = "RW421"


class QueryTooLarge(Failed):
    """A query needed more memory than it was allowed."""

    code = "RW437"


class ParcelDamaged(Failed):
    """A table that was brought from elsewhere does not hold the rows that were packed."""

    code = "RW422"


class FileDamaged(Failed):
    """A data file of the lake is gone, or is not what was written."""

    code = "RW424"


class LakeDamaged(Failed):
    """What the lake has is not what its catalogue and its pins say."""

    code = "RW425"


class ExportFailed(Failed):
    """What was exported is not what the lake has, or cannot be written."""

    code = "RW426"


class ExtensionMissing(Unavailable):
    """An extension of the engine is not installed, or is of another version."""

    code = "RW620"


class StorageUnreachable(Unavailable):
    """The storage that has the lake's data does not answer, or refuses."""

    code = "RW626"


class CatalogUnreachable(Unavailable):
    """The server that keeps the lake's catalogue does not answer."""

    code = "RW627"


# What these say is about the query that a person wrote; all other errors are about the engine or the disk.
_INPUT_ERRORS = (
    duckdb.ParserException,
    duckdb.BinderException,
    duckdb.CatalogException,
    duckdb.ConversionException,
    duckdb.InvalidInputException,
    duckdb.OutOfRangeException,
    duckdb.NotImplementedException,
    duckdb.TypeMismatchException,
    duckdb.ConstraintException,
    duckdb.PermissionException,
)


def translate_error(
    error: duckdb.Error,
    tables: tuple[str, ...] = (),
    path: str = "query",
    first_line: int = 1,
    columns: Iterable[str] = (),
) -> RopewalkError:
    """Return DuckDB's `error` as ours, with its place in the SQL and the nearest valid name.

    Args:
        error: what DuckDB raised.
        tables: the names that a table could have had.
        path: the file that the SQL stands in.
        first_line: the line of that file at which the SQL starts.
        columns: the names that a column could have had; the engine does not know those of views.
    """
    text = str(error)
    place = _place(text, path, first_line)
    if isinstance(error, duckdb.InterruptException | duckdb.OutOfMemoryException):
        return _limit_reached(error)
    if match := _MISSING_TABLE.search(text):
        return _table_missing(match["name"], text, tables, place)
    if match := _MISSING_SNAPSHOT.search(text):
        return SnapshotMissing(
            f"the lake has no snapshot {match[1]}",
            hint=EXPIRED,
        )
    if not isinstance(error, _INPUT_ERRORS) or _LAKE_FILE.search(text):
        return _outside(error, text) or _failed(text)
    if match := _UNSUPPORTED.search(text):
        return InvalidQuery(
            f"the lake cannot keep a column of type {match[1]}",
            place=place,
            hint="cast it to a type such as VARCHAR",
        )
    return InvalidQuery(
        _sentence(text), place=place, nearest=_nearest_column(text, columns), detail=_excerpt(text)
    )


def _failed(text: str) -> LakeFailed:
    is_full = "No space left on device" in text
    hint = "make room where the state folder is, then run again: nothing was changed" if is_full else None
    # Often the sentence is all that the engine had to tell.
    detail = None if text.rstrip().endswith(_sentence(text)) else text
    return LakeFailed(_sentence(text), hint=hint, detail=detail)


def _outside(error: duckdb.Error, text: str) -> RopewalkError | None:
    """Return the error about what keeps the lake's files and catalogue, or None when it is about something else."""
    if damaged := _file_damaged(error, text):
        return damaged
    if isinstance(error, duckdb.HTTPException) or _NO_HTTP.search(text):
        return StorageUnreachable(
            f"the storage of the lake's data cannot be used: {_sentence(text)}",
            hint="check ROPEWALK_STORAGE, the network and the credentials (AWS_ACCESS_KEY_ID, AWS_ENDPOINT_URL)",
        )
    if _NO_SERVER.search(text):
        return CatalogUnreachable(
            "the server that keeps the lake's catalogue does not answer",
            hint="check that it runs and that this machine may connect to it, and try again",
            detail=without_password(text),
        )
    return None


def _file_damaged(error: duckdb.Error, text: str) -> FileDamaged | None:
    file = _LAKE_FILE.search(text)
    is_gone = "No such file" in text or (isinstance(error, duckdb.HTTPException) and " 404" in text)
    if not file or not (is_gone or _DAMAGED.search(text)):
        return None
    return FileDamaged(
        f"the file {file[0]} of the lake is {'gone' if is_gone else 'damaged'}",
        hint="`ropewalk lake verify` says which tables need it; take it from a backup",
        detail=None if is_gone else _sentence(text),
    )


def _limit_reached(error: duckdb.Error) -> RopewalkError:
    if isinstance(error, duckdb.InterruptException):
        return QueryTimeout("the query was stopped before it had finished")
    return QueryTooLarge(
        "the query needed more memory than it is allowed",
        hint="aggregate before collecting, ask for fewer columns, or allow more (--memory)",
    )


def _table_missing(name: str, text: str, tables: tuple[str, ...], place: Place | None) -> TableMissing:
    close = nearest(name, tables) or nearest(name.rpartition(".")[2], [t.rpartition(".")[2] for t in tables])
    full = next((t for t in tables if t == close or t.endswith(f".{close}")), None)
    suggested = _SUGGESTED.search(text)
    fallback = suggested[1] if suggested and not tables else None
    return TableMissing(f"there is no table {name!r}", place=place, nearest=full or fallback)


def _nearest_column(text: str, columns: Iterable[str]) -> str | None:
    found = _MISSING_COLUMN.search(text)
    if found is None:
        suggested = _SUGGESTED.search(text)
        return suggested[1] if suggested else None
    candidates = _CANDIDATES.search(text)
    valid = re.findall(r'"([^"]+)"', candidates[1]) if candidates else columns
    return nearest(next(name for name in found.groups() if name), valid)


def _place(text: str, path: str, first_line: int) -> Place | None:
    found = _LINE.search(text)
    if found is None:
        return None
    # A long line is shown from its middle, after "...": then only the line is certain.
    column = len(found[3]) - len(f"LINE {found[1]}: ") + 1
    shortened = found[2].startswith("...")
    return Place(path, int(found[1]) + first_line - 1, None if shortened else column)


def _sentence(text: str) -> str:
    """Return the first paragraph of DuckDB's message without its class name."""
    first = text.split("\n\n", maxsplit=1)[0].split("\nLINE ", maxsplit=1)[0]
    for follow_up in ("\nCandidate bindings", "\n\tCandidate functions", "\nDid you mean"):
        first = first.split(follow_up, maxsplit=1)[0]
    return re.sub(r"^[A-Z][A-Za-z ]* Error: ", "", first).replace("\n", " ").strip()


def _excerpt(text: str) -> str | None:
    """Return the line of SQL that DuckDB shows, with its caret below."""
    found = _LINE.search(text)
    if found is None:
        return None
    prefix = len(f"LINE {found[1]}: ")
    return f"{found[2]}\n{found[3][prefix:]}^"
