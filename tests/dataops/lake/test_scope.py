"""Scopes: unqualified names that mean tables at chosen snapshots, inside and outside a transaction."""

from __future__ import annotations

import pytest

from ropewalk.dataops.lake import Lake, SnapshotMissing, TableMissing, TableName
from ropewalk.dataops.lake.scope import open_scope


@pytest.fixture
def versions(lake: Lake) -> tuple[int, int]:
    """Write two versions of mart.x, the second with other columns; return their snapshots."""
    made = []
    for select in ("SELECT 1 AS a", "SELECT 2 AS b, 'two' AS c"):
        with lake.transaction("write") as transaction:
            transaction.replace("mart.x", select)
        made.append(lake.snapshot())
    return made[0], made[1]


def test_a_transaction_reads_what_it_was_told_to(lake: Lake, versions: tuple[int, int]) -> None:
    """An unqualified name is the table at the snapshot given, whatever was written since."""
    with lake.transaction("build", reads={"mart.x": versions[0]}) as transaction:
        transaction.replace("mart.y", "SELECT a + 10 AS a FROM mart.x")

    assert lake.query("FROM mart.y").rows == ((11,),)
    assert lake.query("FROM mart.x").rows == ((2, "two"),)


def test_a_schema_of_the_name_that_engines_use(lake: Lake) -> None:
    """Tables may stand in `main`, as those of many projects do that come from elsewhere."""
    with lake.transaction("write") as transaction:
        transaction.replace("main.x", "SELECT 1 AS a")

    with lake.transaction("build", reads={"main.x": lake.snapshot()}) as transaction:
        transaction.replace("main.y", "SELECT a + 1 AS a FROM main.x")

    assert lake.query("FROM main.y").rows == ((2,),)


def test_a_transaction_sees_nothing_it_was_not_told_of(lake: Lake, versions: tuple[int, int]) -> None:
    """What is not among the inputs is not there, so it cannot slip into a table unnoticed."""
    with pytest.raises(TableMissing), lake.transaction("build", reads={}) as transaction:
        transaction.replace("mart.y", "FROM mart.x")


def test_the_table_under_build_goes_by_its_own_name(lake: Lake, versions: tuple[int, int]) -> None:
    """After it is made its uncommitted rows are seen, also beside an input of the same schema."""
    with lake.transaction("build", reads={"mart.x": versions[0]}) as transaction:
        transaction.replace("mart.y", "SELECT 5 AS n")
        execute = transaction.connection.execute

        found = execute("SELECT n, a FROM mart.y, mart.x").fetchall()

    assert found == [(5, 1)]


def test_the_first_table_of_a_schema_goes_by_its_own_name(lake: Lake, versions: tuple[int, int]) -> None:
    """A schema that the transaction makes itself is looked into as well."""
    with lake.transaction("build", reads={"mart.x": versions[1]}) as transaction:
        transaction.replace("fresh.y", "SELECT b FROM mart.x")

        found = transaction.connection.execute("SELECT count(*) FROM fresh.y, mart.x").fetchall()

    assert found == [(1,)]


@pytest.mark.parametrize(
    ("reads", "error"), [({"mart.x": 99}, SnapshotMissing), ({"mart.nothing": 2}, TableMissing)]
)
def test_what_is_not_there_cannot_be_read(
    lake: Lake, versions: tuple[int, int], reads: dict[str, int], error: type[Exception]
) -> None:
    """A lost snapshot or table is an error before anything is written, and the lake works on."""
    with pytest.raises(error), lake.transaction("build", reads=reads):
        pytest.fail("the block must not run")

    with lake.transaction("build", reads={"mart.x": versions[0]}) as transaction:
        transaction.replace("mart.y", "FROM mart.x")


def test_an_error_in_the_block_leaves_no_scope_behind(lake: Lake, versions: tuple[int, int]) -> None:
    """The connection's names are those of the lake again, and the databases in memory are gone."""

    def break_off() -> None:
        with lake.transaction("build", reads={"mart.x": versions[0]}) as transaction:
            transaction.replace("mart.y", "FROM mart.x")
            raise RuntimeError("boom")

    with pytest.raises(RuntimeError, match="boom"):
        break_off()

    with lake.cursor() as connection:
        attached = connection.execute("SELECT database_name FROM duckdb_databases()").fetchall()
    assert not [name for (name,) in attached if name.startswith("scope")]
    assert lake.table_names() == ("mart.x",)


def test_nearest_column_of_a_view(lake: Lake, versions: tuple[int, int]) -> None:
    """The engine offers no candidates for a view with an alias; the error still names the nearest."""
    with (
        pytest.raises(Exception, match="cc") as caught,
        lake.transaction("b", reads={"mart.x": versions[1]}) as t,
    ):
        t.replace("mart.y", "SELECT v.cc FROM mart.x AS v")

    assert caught.value.nearest == "c"


def test_scopes_of_one_connection_follow_each_other(lake: Lake, versions: tuple[int, int]) -> None:
    """Each scope shows its own, and after it the head is read again."""
    seen = []
    with lake.cursor() as connection:
        for snapshot in (*versions, versions[0]):
            with open_scope(connection, {TableName("mart", "x"): snapshot}):
                seen += connection.execute("SELECT * FROM mart.x").fetchall()
        seen += connection.execute("SELECT * FROM mart.x").fetchall()

    assert seen == [(1,), (2, "two"), (1,), (2, "two")]
