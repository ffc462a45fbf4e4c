"""Pages that begin behind a row: joined they are the whole order, whatever it is and whatever comes in between."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from ropewalk.store import Database
from ropewalk.store.connections import Connection
from ropewalk.store.keys import shared_key
from ropewalk.store.keyset import Keys, Term, behind, read_terms
from ropewalk.store.search import Ordering, Page, search
from ropewalk.store.tracking.runs import RUNS

# Metrics that are equal, missing, not a number (NULL) and infinite; parameters that are missing.
VALUES = [1.0, None, 2.5, 1.0, float("inf"), "none", -3.0, "none", None, float("-inf"), 2.5, 1.0]


@pytest.fixture
def filled(database: Database) -> Database:
    """Return a database with twelve runs, two of them begun in the same moment as the one before."""
    with database.write() as connection:
        connection.execute("INSERT INTO metric_key (id, name) VALUES (1, 'auc')")
        for number, value in enumerate(VALUES, 1):
            _add(connection, number, 100 + number // 2)
            if value != "none":
                found = (number, value)
                connection.execute(
                    "INSERT INTO latest_metric (run, key, value, step, recorded_at) VALUES (?, 1, ?, 0, 0)",
                    found,
                )
            if number % 3:
                text = (number, "ab"[number % 2] * 3)
                connection.execute("INSERT INTO run_param (run, key, value) VALUES (?, 'kind', ?)", text)
    return database


def _add(connection: Connection, number: int, started: int) -> None:
    connection.execute(
        "INSERT INTO run (number, id, experiment, name, user_id, status, stage, started_at)"
        " VALUES (?, ?, 0, ?, 'me', 'RUNNING', 'active', ?)",
        (number, f"id{number:03}", f"run {number % 4}", started),
    )


ORDERS: list[Sequence[Ordering]] = [
    [],
    [Ordering("metric", "auc")],
    [Ordering("metric", "auc", is_ascending=False)],
    [Ordering("parameter", "kind"), Ordering("metric", "auc", is_ascending=False)],
    [Ordering("attribute", "end_time"), Ordering("attribute", "run_name", is_ascending=False)],
    [Ordering("attribute", "start_time")],
]


def _joined(database: Database, orders: Sequence[Ordering], size: int) -> list[int]:
    found, after = list[int](), None
    while True:
        page = Page(size, after=after)
        with database.read() as connection:
            rows = search(connection, RUNS, [], orders, page)
        if not rows:
            return found
        found += [row["number"] for row in rows]
        after = page.ends[-1]


@pytest.mark.parametrize("size", [1, 2, 5, 12])
@pytest.mark.parametrize("orders", ORDERS, ids=range(len(ORDERS)))
def test_pages_join(filled: Database, orders: Sequence[Ordering], size: int) -> None:
    """Pages of any size hold each row once, in the order of the whole."""
    with filled.read() as connection:
        whole = [row["number"] for row in search(connection, RUNS, [], orders, Page(100))]

    assert _joined(filled, orders, size) == whole
    assert sorted(whole) == list(range(1, 13))


@pytest.mark.parametrize("started", [0, 103, 999])
def test_rows_that_come_between_pages(filled: Database, started: int) -> None:
    """Whatever is added before, at or behind the place, no row of before is skipped or shown twice."""
    first = Page(5)
    with filled.read() as connection:
        shown = [row["number"] for row in search(connection, RUNS, [], [], first)]
    with filled.write() as connection:
        _add(connection, 50, started)
        connection.execute("UPDATE run SET stage = 'deleted' WHERE number = ?", (shown[0],))

    with filled.read() as connection:
        rest = search(connection, RUNS, [], [], Page(100, after=first.ends[-1]))

    everything = [*shown, *(row["number"] for row in rest)]
    assert len(everything) == len(set(everything))
    assert set(range(1, 13)) <= set(everything)


def test_terms_of_a_fixed_order() -> None:
    """The text of an ordering is read as its terms."""
    assert read_terms("run.started_at DESC, run.id") == [Term("run.started_at", False), Term("run.id")]
    assert [term.ordering for term in read_terms("a DESC, b")] == ["a DESC", "b ASC"]


@pytest.mark.parametrize(
    ("keys", "condition", "values"),
    [
        ((1,), "a > ?", [1]),
        ((1, 2), "(a >= ? AND (a > ? OR (a = ? AND b < ?)))", [1, 1, 1, 2]),
        ((None, 2), "b < ?", [2]),
        ((None, None), "FALSE", []),
    ],
)
def test_the_condition(keys: Keys, condition: str, values: list[object]) -> None:
    """A missing value is left to its flag; the first term lets an index be entered."""
    terms = [Term("a"), Term("b", is_ascending=False)][: len(keys)]

    assert behind(terms, keys) == (condition, values)


def test_one_key_for_all(database: Database) -> None:
    """A key is made once for each purpose."""
    assert shared_key(database, "pages") == shared_key(database, "pages") != shared_key(database, "other")
    assert len(shared_key(database, "pages")) == 32
