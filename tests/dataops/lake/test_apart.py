"""Queries that could make values of any size are answered by a process of their own, held to its limits."""

from __future__ import annotations

import io
import pickle
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest

from ropewalk.dataops.lake import Asking, InvalidQuery, Lake, QueryTimeout, QueryTooLarge
from ropewalk.dataops.lake.apart import _PlainValues, is_growing, memory_bytes
from ropewalk.dataops.lake.console import _nodes, _parse


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """Return a lake with one table, shared by all tests here: none of them can change it."""
    with Lake(tmp_path_factory.mktemp("apart") / "lake") as opened:
        with opened.transaction("names") as transaction:
            transaction.replace("mart.names", "SELECT n, 'N' || n AS name FROM range(3) r(n)")
        yield opened


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT repeat('x', 9)",
        "SELECT Range(9)",
        "SELECT list_reduce([1, 2], (a, b) -> a + b)",
        "SELECT a || a AS b, b || b AS c, c || c AS d, d || d AS e FROM mart.names AS t(a)",
        "SELECT concat(a, a, a, a, a, a, a, a) FROM mart.names AS t(a)",
        "WITH RECURSIVE r AS (SELECT 'a' AS s UNION ALL SELECT s || s FROM r) SELECT s FROM r",
        "SELECT array_agg(n) OVER () FROM mart.names",
    ],
)
def test_queries_that_may_grow(lake, sql):
    """One value of any size can be made by a call, or by few that double."""
    with lake.cursor() as connection:
        assert is_growing(_nodes(_parse(connection, sql)))


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT n, name || '!' FROM mart.names",
        # As tables they give rows, which the engine counts and can be stopped between.
        "SELECT * FROM range(10), repeat('x', 3)",
        "SELECT carrier, list(n), sum(n) OVER () FROM mart.names GROUP BY ALL",
    ],
)
def test_queries_that_do_not(lake, sql):
    """What most people ask is answered in the process that was asked, which costs nothing."""
    with lake.cursor() as connection:
        assert not is_growing(_nodes(_parse(connection, sql)))


def test_same_answer(lake):
    """Values of every type, and what is bound, come back as they are."""
    values = (
        "DATE '2024-01-02' AS d, TIMESTAMPTZ '2024-01-01 10:00:00+00' AS t, TIMETZ '10:00:00+01' AS tt, "
        "INTERVAL 3 DAY AS i, 1.50::DECIMAL(9, 2) AS m, {'a': [1, NULL]} AS s, MAP {'k': 1} AS p, 'x'::BLOB AS b, "
        "'00000000-0000-0000-0000-000000000001'::UUID AS u, getvariable('v') AS v FROM mart.names ORDER BY n"
    )
    asking = Asking(limit=2, values={"v": ("VARCHAR", "it's")})

    apart = lake.ask(f"SELECT repeat(name, 1) AS name, {values}", asking)

    here = lake.ask(f"SELECT name, {values}", asking)
    assert apart == here
    assert not apart.is_complete


def test_tables_at_their_snapshots(lake):
    """Names mean there what they mean here."""
    found = lake.ask(
        "SELECT repeat(name, 2) FROM mart.names WHERE n = 1", Asking(), {"mart.names": lake.snapshot()}
    )

    assert found.rows == (("N1N1",),)


def test_files_as_answers(lake):
    """An answer may be a file."""
    found = lake.ask("SELECT repeat(name, 2) FROM mart.names", Asking(form="parquet"))

    assert found.content.startswith(b"PAR1")


def test_errors_name_their_place(lake):
    """A query that is wrong says so as everywhere."""
    with pytest.raises(InvalidQuery) as caught:
        lake.query("SELECT repeat(nam, 2) FROM mart.names")

    assert caught.value.nearest == "name"
    assert caught.value.place is not None
    assert caught.value.place.column == 15


@pytest.mark.parametrize("sql", ["SELECT range(1000000000)", "SELECT repeat('x', 4000000000)"])
def test_too_much_memory(lake, sql):
    """A value that does not fit ends its own process, and no other."""
    with pytest.raises(QueryTooLarge):
        lake.ask(sql, Asking(memory="100MB"))

    assert lake.query("SELECT 1").rows == ((1,),)


def test_too_long(lake):
    """What the engine cannot be stopped in is stopped from outside."""
    # A value this long takes the engine many times the second that it has.
    sql = "SELECT " + " + ".join(f"length(lpad('{x}', 1900000000, 'y'))" for x in "abcdefgh")

    with pytest.raises(QueryTimeout):
        lake.ask(sql, Asking(timeout_s=0.2, memory="9GB"))


@pytest.mark.parametrize(("memory", "more"), [("512MB", 512_000_000), ("1 GiB", 1 << 30), ("?", 0)])
def test_memory_in_bytes(memory, more):
    """Beside what the query may have, the process has its own."""
    assert memory_bytes(memory) == more + (1 << 30)


def test_only_plain_values_come_back():
    """What a process says in which somebody's query ran is never code."""
    with pytest.raises(pickle.UnpicklingError, match="no plain value"):
        _PlainValues(io.BytesIO(pickle.dumps(Fraction(1, 2)))).load()
    with pytest.raises(pickle.UnpicklingError):
        _PlainValues(io.BytesIO(pickle.dumps(Path.unlink))).load()
