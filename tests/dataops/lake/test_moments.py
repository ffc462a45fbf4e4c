"""Moments as people write them, snapshots as the lake tells them, and pins in its books."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from ropewalk.dataops.lake import (
    InvalidSnapshot,
    Lake,
    PinMissing,
    PinTaken,
    SnapshotMissing,
    TableMissing,
    find_pin,
    moment_fact,
    moment_of_table,
    moment_tables,
)
from ropewalk.errors import RopewalkError


@pytest.fixture
def versions(lake: Lake) -> list[int]:
    """Write two versions of a table, and another table between them; return the snapshots of the first."""
    first = lake.write("mart.t", "SELECT 1 AS n", "one")
    lake.write("mart.Other", "SELECT 1 AS n", "other")
    return [first, lake.write("mart.t", "SELECT 2 AS n", "two")]


def iso(lake: Lake, number: int) -> str:
    """Return the time of a snapshot, as a person would write it, half a millisecond late."""
    told = next(info for info in lake.snapshots() if info.number == number)
    return datetime.fromtimestamp((told.time_ms + 1) / 1000, UTC).isoformat()


def test_a_number_means_all_tables_of_then(lake: Lake, versions: list[int]) -> None:
    """Tables that came later are not among them; the lake's books never are."""
    first, last = versions

    assert moment_tables(lake, str(first)) == {"mart.t": first}
    assert moment_tables(lake, str(last)) == {"mart.Other": last, "mart.t": last}


def test_a_time_means_what_was_the_newest_then(lake: Lake, versions: list[int]) -> None:
    """With or without a zone: then it is UTC."""
    first, last = versions
    told = iso(lake, first)

    assert moment_of_table(lake, "mart.t", told) in range(first, last)
    assert moment_tables(lake, told) == moment_tables(lake, told.replace("+00:00", ""))
    assert moment_of_table(lake, "MART.T", "2999-01-01") == last
    with pytest.raises(SnapshotMissing, match=r"no snapshot of 1999-01-01 00:00:00\+00:00 or before"):
        moment_tables(lake, "1999-01-01")


def test_a_pin_means_what_it_names(lake: Lake, versions: list[int]) -> None:
    """Each table at its own snapshot, and no table that it does not name."""
    lake.pin("mixed", {"mart.t": versions[0], "mart.Other": versions[1]})
    lake.pin("one", {"mart.t": versions[0]})

    assert moment_tables(lake, "mixed") == {"mart.Other": versions[1], "mart.t": versions[0]}
    with pytest.raises(TableMissing, match=r"no table 'mart\.other' at one"):
        moment_of_table(lake, "mart.other", "one")


@pytest.mark.parametrize(
    "moment", ["", "mixd", "-1", "1.5", "²", "yesterday", "2026-13-01", "a'; DROP TABLE x"]
)
def test_what_is_no_moment(lake: Lake, versions: list[int], moment: str) -> None:
    """Anything else is refused, with the pin that may have been meant."""
    lake.pin("mixed", {"mart.t": versions[0]})

    with pytest.raises(InvalidSnapshot) as refused:
        moment_tables(lake, moment)

    assert refused.value.nearest == ("mixed" if moment == "mixd" else None)


def test_snapshots_that_are_not_there(lake: Lake, versions: list[int]) -> None:
    """A number of the future, and one that was expired, is told as missing."""
    lake.expire([versions[0]], 0)

    for moment in ("999", "1"):
        with pytest.raises(SnapshotMissing, match=f"no snapshot {moment}"):
            moment_tables(lake, moment)


def test_the_fact_of_a_pin_is_its_content(lake: Lake, versions: list[int]) -> None:
    """A pin that is given to other rows has another fact, one that is given to equal rows has not."""
    lake.pin("p", {"mart.t": versions[0]})
    before = moment_fact(lake, "mart.t", "p")
    lake.unpin("p")
    lake.pin("p", {"mart.t": versions[1]})
    other = moment_fact(lake, "MART.T", "p")
    lake.unpin("p")
    again = lake.write("mart.t", "SELECT 1 AS n", "as before")
    lake.pin("p", {"mart.t": again})

    assert before == moment_fact(lake, "mart.t", "p") != other
    assert moment_fact(lake, "mart.t", "12345") == "snapshot 12345"
    assert moment_fact(lake, "mart.t", "2999-01-01") == f"snapshot {lake.snapshot()}"


def test_tables_that_were_dropped_and_named_anew(lake: Lake, versions: list[int]) -> None:
    """What was there then is told by its name of then."""
    with lake.transaction("rename") as transaction:
        transaction.connection.execute("ALTER TABLE lake.mart.t RENAME TO renamed")
        transaction.drop("mart.Other")

    assert moment_tables(lake, str(lake.snapshot())) == {"mart.renamed": lake.snapshot()}
    assert set(moment_tables(lake, str(versions[1]))) == {"mart.Other", "mart.t"}


def test_snapshots_tell_what_each_changed(lake: Lake, versions: list[int]) -> None:
    """Made, changed, dropped: each is told with the table's name, the newest first."""
    with lake.transaction("delete", author="ada") as transaction:
        transaction.connection.execute("DELETE FROM lake.mart.t")
    with lake.transaction("drop") as transaction:
        transaction.drop("mart.Other")

    told = [(info.message, info.author, info.tables) for info in lake.snapshots(limit=5)]
    assert told == [
        ("drop", "ropewalk", ("mart.Other",)),
        ("delete", "ada", ("mart.t",)),
        ("two", "ropewalk", ("mart.t",)),
        ("other", "ropewalk", ("mart.Other",)),
        ("one", "ropewalk", ("mart.t",)),
    ]
    assert [info.message for info in lake.snapshots("MART.other")] == ["drop", "other"]
    assert lake.snapshots("mart.none") == []


def test_who_opened_the_lake_signs(lake: Lake) -> None:
    """Author and message are made by whom the lake belongs to, and an author who is named wins."""
    with Lake(lake.folder, sign=lambda message: ("Ada", f"{message} (run 7)")) as signed:
        signed.write("mart.t", "SELECT 1 AS n", "load")
        signed.pin("p", {"mart.t": signed.snapshot()})
        with signed.transaction("by hand", author="Grace") as transaction:
            transaction.replace("mart.t", "SELECT 2 AS n")
        told = [(info.author, info.message) for info in signed.snapshots(limit=3)]

        assert told == [("Grace", "by hand (run 7)"), ("Ada", "pin p (run 7)"), ("Ada", "load (run 7)")]
        assert signed.pins()[0].author == "Ada"


def test_words_with_quotes_are_kept(lake: Lake) -> None:
    """Messages and names of pins are texts, whatever they hold."""
    lake.write("mart.t", "SELECT 1 AS n", "it's; DROP TABLE x --")
    lake.pin("p", {"mart.t": lake.snapshot()}, "the 'real' one")

    assert lake.snapshots(limit=2)[1].message == "it's; DROP TABLE x --"
    assert lake.pins()[0].message == "the 'real' one"


def test_pins_are_kept_in_the_lake(lake: Lake, versions: list[int]) -> None:
    """Another process finds them; they are in order, with the time at which they were made."""
    now = time.time_ns() // 1_000_000
    lake.pin("b", {"mart.t": versions[0]})
    lake.pin("a", {"mart.t": versions[1]})

    with Lake(lake.folder) as other:
        found = other.pins()
    assert [pin.name for pin in found] == ["a", "b"]
    assert all(now <= pin.time_ms < now + 60_000 for pin in found)
    assert find_pin(found, "a").tables[0].digest.rows == 1
    with pytest.raises(PinMissing) as refused:
        find_pin(found, "bb")
    assert refused.value.nearest == "b"


def test_a_pin_that_fails_leaves_nothing(lake: Lake, versions: list[int]) -> None:
    """A table that is not there, and a name that is taken, write nothing."""
    lake.pin("p", {"mart.t": versions[0]})
    before = lake.snapshot()

    with pytest.raises(PinTaken):
        lake.pin("p", {"mart.t": versions[1]})
    with pytest.raises(RopewalkError):
        lake.pin("q", {"mart.none": versions[1]})
    with pytest.raises(SnapshotMissing):
        lake.pin("q", {"mart.t": 999})

    assert lake.snapshot() == before
    assert [pin.snapshots() for pin in lake.pins()] == [{"mart.t": versions[0]}]


def test_what_views_read_is_kept(lake: Lake) -> None:
    """A view that is pinned, or stands at the head, keeps the snapshots that it reads from, through other views too."""
    old = lake.write("mart.t", "SELECT 1 AS n", "one")
    with lake.transaction("views") as transaction:
        transaction.connection.execute(f"CREATE VIEW lake.mart.v AS FROM lake.mart.t AT (VERSION => {old})")
    inner = lake.snapshot()
    with lake.transaction("views") as transaction:
        transaction.connection.execute(f"CREATE VIEW lake.mart.w AS FROM lake.mart.v AT (VERSION => {inner})")
    lake.write("mart.t", "SELECT 2 AS n", "two")

    lake.expire([], 0)

    assert lake.query("SELECT (SELECT n FROM lake.mart.v), (SELECT n FROM lake.mart.w)").rows == ((1, 1),)
