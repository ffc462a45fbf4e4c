"""The company's systems: what lands when, the same on every machine and every call."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import duckdb
import pytest
import systems

YEAR = 336_776


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A landing folder at the end of the year; tests that change it take a copy."""
    landing = tmp_path_factory.mktemp("company") / "landing"
    systems.advance(landing, systems.LAST_MONTH)
    return landing


def digests(landing: Path) -> dict[str, str]:
    return {
        path.relative_to(landing).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(landing.rglob("*"))
        if path.is_file()
    }


def rows(query: str) -> list[tuple[object, ...]]:
    with duckdb.connect() as connection:
        return connection.execute(query).fetchall()


def test_landing_is_byte_stable(landed: Path, tmp_path: Path) -> None:
    """In steps or at once, in any folder, the same bytes land."""
    for month in (systems.FIRST_MONTH, systems.LAST_MONTH):
        systems.advance(tmp_path / "it's here", month)

    assert digests(tmp_path / "it's here") == digests(landed)


def test_advancing_again_touches_nothing(landed: Path) -> None:
    """What has landed is not written again."""
    before = {path: path.stat().st_mtime_ns for path in landed.rglob("*")}

    systems.advance(landed, systems.LAST_MONTH)

    assert {path: path.stat().st_mtime_ns for path in landed.rglob("*")} == before


def test_what_is_missing_lands_again(landed: Path, tmp_path: Path) -> None:
    """A drop that was lost comes back as it was, and the rest stays."""
    landing = tmp_path / "landing"
    shutil.copytree(landed, landing)
    (landing / "flights" / "2013-03.csv").unlink()

    systems.advance(landing, systems.LAST_MONTH)

    assert digests(landing) == digests(landed)


def test_the_clock_never_goes_back(landed: Path) -> None:
    """Asking for an earlier month leaves the clock and the drops where they are."""
    before = digests(landed)

    assert systems.advance(landed, systems.FIRST_MONTH) == systems.LAST_MONTH
    assert digests(landed) == before


def test_it_starts_when_july_is_over(tmp_path: Path) -> None:
    """At first there are the departures and the arrivals up to July, also when an earlier month is asked for."""
    reached = systems.advance(tmp_path, 1)

    assert reached == systems.clock(tmp_path) == 7
    for kind in ("flights", "arrivals"):
        assert [path.name for path in sorted((tmp_path / kind).iterdir())] == [
            f"2013-{month:02}.csv" for month in range(1, 8)
        ]


def test_arrivals_land_a_month_later(tmp_path: Path) -> None:
    """When September is over its departures are there, and its arrivals are not."""
    drops = systems._drops(tmp_path, 9)

    assert tmp_path / "flights" / "2013-09.csv" in drops
    assert max(path.name for path in drops if path.parent.name == "arrivals") == "2013-08.csv"


def test_every_flight_lands_once(landed: Path) -> None:
    """All flights of the year have one row in either system, under one id that is theirs alone."""
    query = f"""
        SELECT count(*), count(DISTINCT flights.flight_id), count(arrivals.flight_id)
        FROM '{landed}/flights/*.csv' AS flights
        LEFT JOIN '{landed}/arrivals/*.csv' AS arrivals USING (flight_id)
    """

    assert rows(query) == [(YEAR, YEAR, YEAR)]


def test_the_mess_stays_in(landed: Path) -> None:
    """Missing values stay NA, and times local hhmm beside an hour in UTC."""
    text = (landed / "flights" / "2013-01.csv").read_text(encoding="utf-8")

    assert ",NA,NA\n" in text
    assert (
        "2013-01-01-UA-1545-EWR,2013,1,1,515,819,UA,1545,N14228,EWR,IAH,1400,2013-01-01T10:00:00Z,517,2\n"
        in text
    )


def test_departures_tell_no_outcome(landed: Path) -> None:
    """The drop of departures has no column of the arrival."""
    header = (landed / "flights" / "2013-01.csv").read_text(encoding="utf-8").partition("\n")[0]

    assert not {"arr_time", "arr_delay", "air_time"} & set(header.split(","))


def test_the_fleet_register(landed: Path) -> None:
    """Planes are in SQLite, those without a year of construction among them."""
    with closing(sqlite3.connect(landed / "planes.db")) as database:
        planes = database.execute("SELECT count(*), count(year) FROM planes").fetchone()

    assert planes == (3322, 3252)


def test_a_drop_is_whole_or_absent(tmp_path: Path) -> None:
    """What fails while writing leaves no file under the drop's name."""

    def fail(part: Path) -> None:
        part.write_text("half", encoding="utf-8")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        systems._write_whole(tmp_path / "drop.csv", fail)

    assert not (tmp_path / "drop.csv").exists()


@pytest.mark.parametrize(
    ("cause", "raised"), [(KeyboardInterrupt(), KeyboardInterrupt), (ValueError(), RuntimeError)]
)
def test_an_interrupt_stays_an_interrupt(
    tmp_path: Path, cause: BaseException, raised: type[BaseException]
) -> None:
    """Ctrl-C during a query stops the demo as Ctrl-C, and any other trouble stays what it is."""

    def write(database: duckdb.DuckDBPyConnection, path: Path) -> None:
        raise RuntimeError("Query interrupted") from cause

    with pytest.raises(raised):
        systems._land({tmp_path / "drop.csv": write})


def test_without_the_data_package_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A missing package is named with how to get it."""
    monkeypatch.setattr(systems, "PACKAGE", "no_such_package")

    with pytest.raises(systems.NoData, match="pip install"):
        systems.advance(tmp_path, 7)
