"""What every store of versioned tables does, whatever keeps it."""

from __future__ import annotations

from collections import Counter

import pytest

from ropewalk.dataops.lake import (
    ChangesMissing,
    InvalidQuery,
    InvalidSnapshot,
    InvalidTableName,
    LakePort,
    PinMissing,
    PinTaken,
    SnapshotMissing,
    TableMissing,
)

TEN = "SELECT i AS id, i * 2 AS v FROM range(10) r(i)"
CHANGED = "SELECT i AS id, if(i = 3, 0, i * 2) AS v FROM range(1, 11) r(i)"


def rows(port: LakePort, snapshot: int) -> Counter[tuple[int, int]]:
    return Counter(port.read_at("mart.t", snapshot).fetchall())


def test_each_snapshot_is_read_as_it_was(port: LakePort) -> None:
    """Later writes change nothing of what was written before."""
    first = port.write("mart.t", TEN, "one")
    second = port.write("mart.t", CHANGED, "two")

    assert rows(port, first) == Counter((i, i * 2) for i in range(10))
    assert rows(port, second) == Counter((i, 0 if i == 3 else i * 2) for i in range(1, 11))


def test_equal_content_makes_no_snapshot(port: LakePort) -> None:
    """Writing the same rows again, in another order, is no new version."""
    first = port.write("mart.t", TEN, "one")

    assert port.write("mart.t", f"{TEN} ORDER BY id DESC", "again") == first


def test_snapshots_tell_who_and_what_for(port: LakePort) -> None:
    """The newest comes first, with author, message and table; the number asked for is not exceeded."""
    port.write("mart.t", TEN, "one")
    port.write("mart.u", TEN, "other")
    second = port.write("mart.t", CHANGED, "two")

    found = port.snapshots("mart.t")
    assert [(info.message, info.author, info.tables) for info in found] == [
        ("two", "ropewalk", ("mart.t",)),
        ("one", "ropewalk", ("mart.t",)),
    ]
    assert [info.number for info in port.snapshots("mart.t", 1)] == [second]
    assert found[0].time_ms >= found[1].time_ms


def test_changes_lead_from_one_to_the_other(port: LakePort) -> None:
    """What went and what came, applied to the rows of then, gives the rows of now."""
    first, second = port.write("mart.t", TEN, "one"), port.write("mart.t", CHANGED, "two")

    changes = port.changes("mart.t", first, second)
    with port.cursor() as connection:
        found = connection.sql(f"SELECT change_type, id, v FROM ({changes.sql})").fetchall()

    then = rows(port, first)
    then.subtract((i, v) for kind, i, v in found if kind in ("delete", "update_preimage"))
    then.update((i, v) for kind, i, v in found if kind in ("insert", "update_postimage"))
    assert +then == rows(port, second)
    assert [column.name for column in changes.columns] == ["id", "v"]


def test_changes_that_cannot_be_told(port: LakePort) -> None:
    """Backwards, and between other columns, is an error of its own."""
    first, second = port.write("mart.t", TEN, "one"), port.write("mart.t", CHANGED, "two")
    third = port.write("mart.t", "SELECT 1 AS other", "three")

    with pytest.raises(ChangesMissing):
        port.changes("mart.t", second, first)
    with pytest.raises(ChangesMissing):
        port.changes("mart.t", second, third)
    assert port.read_at("mart.t", third).fetchall() == [(1,)]
    assert rows(port, first)


def test_pins_protect(port: LakePort) -> None:
    """What is pinned outlives expiry; what is not does not; what was unpinned neither."""
    numbers = [port.write("mart.t", f"SELECT {i} AS id, 0 AS v", str(i)) for i in range(4)]
    port.pin("train", {"mart.t": numbers[1]}, "for training")

    port.expire(numbers[3:], older_than_ms=0)

    assert rows(port, numbers[1]) == Counter([(1, 0)])
    with pytest.raises(SnapshotMissing):
        port.read_at("mart.t", numbers[0])
    assert port.unpin("train").snapshots() == {"mart.t": numbers[1]}
    port.expire(numbers[3:], older_than_ms=0)
    with pytest.raises(SnapshotMissing):
        port.read_at("mart.t", numbers[1])
    assert rows(port, numbers[3])


def test_a_pin_has_the_digest_of_what_it_names(port: LakePort) -> None:
    """Rows are counted and hashed when they are pinned."""
    first = port.write("mart.t", TEN, "one")

    made = port.pin("train", {"mart.t": first})

    assert [(one.table, one.snapshot, one.digest.rows) for one in made.tables] == [("mart.t", first, 10)]
    assert [(pin.name, pin.tables) for pin in port.pins()] == [("train", made.tables)]


def test_expiry_that_keeps(port: LakePort) -> None:
    """What is named, what is young and what a dry run looks at stay."""
    numbers = [port.write("mart.t", f"SELECT {i} AS id, 0 AS v", str(i)) for i in range(3)]

    assert port.expire((), older_than_ms=3_600_000).snapshots == 0
    assert port.expire((), older_than_ms=0, is_dry=True).snapshots > 0
    port.expire(numbers, older_than_ms=0)

    assert all(rows(port, number) for number in numbers)


def test_wrong_names(port: LakePort) -> None:
    """What is not there, and what is no name, is told apart."""
    first = port.write("mart.t", TEN, "one")

    with pytest.raises(TableMissing):
        port.read_at("mart.none", first)
    with pytest.raises(SnapshotMissing):
        port.read_at("mart.t", 999)
    with pytest.raises(InvalidTableName):
        port.write("nothing", TEN, "x")
    with pytest.raises(InvalidQuery):
        port.write("mart.t", "SELECT nonsense", "x")
    with pytest.raises(PinMissing):
        port.unpin("none")


def test_wrong_pins(port: LakePort) -> None:
    """A name is given once, is no number, and names something."""
    first = port.write("mart.t", TEN, "one")
    port.pin("train", {"mart.t": first})

    with pytest.raises(PinTaken):
        port.pin("train", {"mart.t": first})
    for name in ("14", "", "a b", "../x", "-x"):
        with pytest.raises(InvalidSnapshot):
            port.pin(name, {"mart.t": first})
    with pytest.raises(TableMissing):
        port.pin("empty", {})


def test_what_an_adapter_says_it_can_do_it_does(port: LakePort) -> None:
    """Capabilities are no promises on paper."""
    first = port.write("mart.t", TEN, "one")
    port.write("mart.u", TEN, "other")
    numbers = {info.number for info in port.snapshots("mart.u")}

    can = port.capabilities
    assert can.spans_tables == (bool(numbers) and bool(_read(port, "mart.t", max(numbers))))
    expired = port.expire((), older_than_ms=0)
    assert (expired.files > 0) <= can.removes_files
    assert first


def _read(port: LakePort, table: str, snapshot: int) -> list[tuple[object, ...]]:
    try:
        return port.read_at(table, snapshot).fetchall()
    except SnapshotMissing:
        return []
