"""What changed between two snapshots is told exactly, whatever happened in between."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ropewalk.dataops.lake import ChangesMissing, Lake, SnapshotMissing, TableMissing

HUNDRED = "SELECT i AS id, i * 2 AS v FROM range(100) r(i)"
Told = list[tuple[str, int, int]]


def commit(lake: Lake, *statements: str) -> int:
    with lake.transaction("test") as transaction:
        for statement in statements:
            transaction.connection.execute(statement)
    return lake.snapshot()


def fill(lake: Lake, sql: str = HUNDRED) -> int:
    with lake.transaction("fill") as transaction:
        transaction.replace("mart.t", sql)
    return lake.snapshot()


def told(lake: Lake, since: int, until: int) -> Told:
    changes = lake.changes("mart.t", since, until)
    with lake.cursor() as connection:
        rows = connection.sql(f"SELECT change_type, id, v FROM ({changes.sql})").fetchall()
    return sorted(rows)


def rows_at(lake: Lake, snapshot: int) -> Counter[tuple[int, int]]:
    with lake.cursor() as connection:
        return Counter(connection.sql(f"SELECT id, v FROM mart.t AT (VERSION => {snapshot})").fetchall())


def test_updates_have_both_images_and_one_row(lake: Lake) -> None:
    """A changed row is told as it was and as it is, under one row number; others are not told."""
    before = fill(lake)
    after = commit(lake, "UPDATE lake.mart.t SET v = 0 WHERE id = 7")

    assert told(lake, before, after) == [("update_postimage", 7, 0), ("update_preimage", 7, 14)]
    assert lake.can_follow("mart.t", before, after)


def test_only_the_net_effect_counts(lake: Lake) -> None:
    """What changed twice is told once, and what came and went between the snapshots is not told."""
    before = fill(lake)
    commit(
        lake, "UPDATE lake.mart.t SET v = -1 WHERE id IN (1, 2)", "INSERT INTO lake.mart.t VALUES (500, 5)"
    )
    after = commit(
        lake,
        "UPDATE lake.mart.t SET v = -2 WHERE id = 1",
        "DELETE FROM lake.mart.t WHERE id IN (2, 500)",
        "INSERT INTO lake.mart.t VALUES (600, 6)",
    )

    assert told(lake, before, after) == [
        ("delete", 2, 4),
        ("insert", 600, 6),
        ("update_postimage", 1, -2),
        ("update_preimage", 1, 2),
    ]


def test_nothing_changed(lake: Lake) -> None:
    """From a snapshot to itself, or to one about another table, nothing is told."""
    before = fill(lake)
    after = commit(lake, "CREATE TABLE lake.mart.other AS SELECT 1 AS one")

    assert told(lake, before, before) == []
    assert told(lake, before, after) == []
    assert lake.can_follow("mart.t", before, after)


def test_a_rebuilt_table_is_not_to_be_followed(lake: Lake) -> None:
    """Rows that were all written anew are told as gone and come, which is of little use."""
    before = fill(lake)
    after = fill(lake, HUNDRED.replace("* 2", "* 3"))

    assert not lake.can_follow("mart.t", before, after)
    assert len(told(lake, before, after)) == 200


def test_growth_and_emptying_can_be_followed(lake: Lake) -> None:
    """A table that was empty, that grew a hundredfold, or whose rows were deleted kept its row numbers."""
    empty = fill(lake, f"{HUNDRED} LIMIT 0")
    one = commit(lake, "INSERT INTO lake.mart.t VALUES (1, 1)")
    many = commit(lake, "INSERT INTO lake.mart.t FROM range(100) r(i) SELECT i, i")
    gone = commit(lake, "DELETE FROM lake.mart.t WHERE id <> 1")

    pairs = [(empty, one), (one, many), (empty, many), (many, gone)]
    assert all(lake.can_follow("mart.t", since, until) for since, until in pairs)


def test_a_table_made_anew(lake: Lake) -> None:
    """A table with other columns is another one: that is said, not guessed."""
    before = fill(lake)
    after = fill(lake, "SELECT 1 AS id, 2 AS v, 3 AS w")

    with pytest.raises(ChangesMissing, match=r"mart\.t was made anew between the snapshots 2 and 3"):
        lake.changes("mart.t", before, after)
    assert not lake.can_follow("mart.t", before, after)


def test_what_is_not_there(lake: Lake) -> None:
    """A missing table, a missing snapshot and the wrong order are told apart."""
    before = fill(lake)
    after = fill(lake, "SELECT 1 AS id, 2 AS v")

    with pytest.raises(TableMissing, match=r"mart\.t"):
        lake.changes("mart.t", before - 1, after)
    with pytest.raises(TableMissing, match=r"mart\.none"):
        lake.changes("mart.none", before, after)
    with pytest.raises(SnapshotMissing, match="no snapshot 999"):
        lake.changes("mart.t", before, 999)
    with pytest.raises(ChangesMissing, match="told forwards only"):
        lake.changes("mart.t", after, before)


def test_changes_inside_a_transaction(lake: Lake) -> None:
    """The SELECT can be built upon in the transaction that writes another table."""
    before = fill(lake)
    changes = lake.changes("mart.t", before, commit(lake, "DELETE FROM lake.mart.t WHERE id < 3"))

    with lake.transaction("next", reads={"mart.t": before}) as transaction:
        transaction.replace("mart.gone", f"SELECT id FROM ({changes.sql}) WHERE change_type = 'delete'")

    assert lake.query("SELECT count(*) FROM mart.gone").rows == ((3,),)


OPERATIONS = st.sampled_from(
    [
        "INSERT INTO lake.mart.t SELECT {n} * 1000 + i, {n} FROM range(3) r(i)",
        "UPDATE lake.mart.t SET v = v + {n} WHERE id % 5 = {n} % 5",
        "DELETE FROM lake.mart.t WHERE id % 7 = {n} % 7",
        "DELETE FROM lake.mart.t; INSERT INTO lake.mart.t SELECT i, {n} FROM range(20) r(i)",
        "UPDATE lake.mart.t SET v = -{n} WHERE id % 3 = 0; DELETE FROM lake.mart.t WHERE id % 2 = 0",
        "INSERT INTO lake.mart.t SELECT i, {n} FROM range(9) r(i); DELETE FROM lake.mart.t WHERE id < 4",
        "INSERT INTO lake.mart.t SELECT i, {n} FROM range(9) r(i); UPDATE lake.mart.t SET v = 1 WHERE id < 4",
        "UPDATE lake.mart.t SET v = v + 1 WHERE id < 50; UPDATE lake.mart.t SET v = {n} WHERE id < 30",
        "CALL ducklake_merge_adjacent_files('lake')",
        "CALL ducklake_rewrite_data_files('lake', delete_threshold => 0.0)",
        "expire",
    ]
)


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(operations=st.lists(OPERATIONS, min_size=2, max_size=7))
def test_changes_lead_from_one_snapshot_to_the_other(lake: Lake, operations: list[str]) -> None:
    """Applied to the rows of then, the changes give the rows of now: also after compaction and expiry."""
    fill(lake, "SELECT 0 AS id, 0 AS v")
    start = fill(lake)
    for number, operation in enumerate(operations):
        if operation == "expire":
            lake.expire({start}, older_than_ms=0)
        else:
            commit(lake, *operation.format(n=number).split("; "))
    end = lake.snapshot()

    if any("range(9) r(i); UPDATE" in operation for operation in operations):
        # Rows that one commit inserted and updated: where they are left, that is said.
        with suppress(ChangesMissing):
            told(lake, start, end)
        return
    found = told(lake, start, end)

    rows = rows_at(lake, start)
    rows.subtract((i, v) for kind, i, v in found if kind in ("delete", "update_preimage"))
    rows.update((i, v) for kind, i, v in found if kind in ("insert", "update_postimage"))
    assert +rows == rows_at(lake, end)
    assert min(rows.values(), default=0) >= 0


def test_rows_of_files_that_lost_rows_before(lake: Lake) -> None:
    """Whatever is asked of the changes, a counted question too, no row of an older file is lost."""
    fill(lake, "SELECT i AS id, i % 7 AS v FROM range(1000) r(i)")
    commit(
        lake,
        "CREATE OR REPLACE TEMP TABLE part AS FROM lake.mart.t WHERE id < 100",
        "DELETE FROM lake.mart.t WHERE id < 100",
        "INSERT INTO lake.mart.t FROM part",
    )
    before = lake.snapshot()
    after = commit(
        lake, "UPDATE lake.mart.t SET v = v + 100 WHERE id % 100 = 3", "DELETE FROM lake.mart.t WHERE id = 17"
    )

    with lake.cursor() as connection:
        counts = connection.sql(
            f"SELECT change_type, count(*), min(id) FROM ({lake.changes('mart.t', before, after).sql}) GROUP BY 1 ORDER BY 1"
        ).fetchall()

    assert counts == [("delete", 1, 17), ("update_postimage", 10, 3), ("update_preimage", 10, 3)]


def test_numbers_that_were_shared_for_a_while(lake: Lake) -> None:
    """A row that one commit inserted and updated hinders nobody once it is gone."""
    before = fill(lake)
    middle = commit(
        lake, "INSERT INTO lake.mart.t VALUES (900, 1)", "UPDATE lake.mart.t SET v = 2 WHERE id = 900"
    )
    after = commit(
        lake, "DELETE FROM lake.mart.t WHERE id = 900", "UPDATE lake.mart.t SET v = 0 WHERE id = 7"
    )

    # While it is there its number may be that of another row too.
    assert not lake.can_follow("mart.t", before, middle)
    assert lake.can_follow("mart.t", before, after)
    assert told(lake, before, after) == [("update_postimage", 7, 0), ("update_preimage", 7, 14)]


def test_half_of_the_rows_kept_is_counted_where_much_was_written(lake: Lake) -> None:
    """Rows that were changed in place over and over are written often, and keep their numbers all the same."""
    before = fill(lake)
    for value in range(4):
        after = commit(lake, f"UPDATE lake.mart.t SET v = {value} WHERE id < 60")

    assert lake.can_follow("mart.t", before, after)
    assert len(told(lake, before, after)) == 120
