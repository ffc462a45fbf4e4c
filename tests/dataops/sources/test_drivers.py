"""Databases by ADBC and SQLAlchemy, and dlt's sources: each in a process of its own."""

from __future__ import annotations

import os
import py_compile
import sqlite3
from contextlib import closing

import pytest

pytest.importorskip("pyarrow", reason="the extra `arrow` is not installed")

ADBC = "kind: adbc, driver: adbc_driver_sqlite, uri: shop.db"
ALCHEMY = "kind: sqlalchemy, url: 'sqlite:///shop.db'"
KINDS = pytest.mark.parametrize("kind", [ADBC, ALCHEMY], ids=["adbc", "sqlalchemy"])


@pytest.fixture
def shop(project):
    """Return a project with a database of two orders."""
    project.root.mkdir(parents=True, exist_ok=True)
    run(project, "CREATE TABLE orders (id INTEGER, name TEXT, price REAL)")
    run(project, "INSERT INTO orders VALUES (1, 'ann', 1.5), (2, NULL, NULL)")
    return project


def run(project, *statements: str) -> None:
    """Run statements on the database."""
    with closing(sqlite3.connect(project.root / "shop.db")) as connection, connection:
        for statement in statements:
            connection.execute(statement)


@KINDS
def test_a_table(shop, kind: str) -> None:
    """Its rows, with types that its values have."""
    output = shop.declare(f"{{{kind}, table: orders}}").load()

    assert shop.rows("SELECT *") == [(1, "ann", 1.5), (2, None, None)]
    assert shop.types() == {"id": "BIGINT", "name": "VARCHAR", "price": "DOUBLE"}
    assert output.origins == (f"{kind.split()[1][:-1]}:orders",)


@KINDS
def test_a_query(shop, kind: str) -> None:
    """In the database's own SQL, with a comment and a semicolon."""
    query = "\"SELECT id + 1 AS next, upper(name) AS who FROM orders WHERE name LIKE 'a%:%' OR id = 1; \""

    shop.declare(f"{{{kind}, query: {query}}}").load()

    assert shop.rows("SELECT *") == [(2, "ANN")]


@KINDS
def test_a_cursor_is_asked_for_by_the_database(shop, kind: str) -> None:
    """Only rows from the watermark on come; one without a value comes each time and is set aside."""
    shop.declare(f"{{{kind}, table: orders, cursor: {{column: id}}, key: [id]}}").load()
    run(shop, "INSERT INTO orders VALUES (3, 'cid', 3)", "UPDATE orders SET name = 'x' WHERE id = 1")

    output = shop.load()

    assert (output.summary["added"], output.summary["watermark"]) == (1, "3")
    assert shop.rows("SELECT id, name") == [(1, "ann"), (2, None), (3, "cid")]


@KINDS
def test_a_text_as_cursor_reads_everything(shop, kind: str) -> None:
    """Its order may be another in the database, and nothing must be missed."""
    shop.declare(
        f"{{{kind}, table: orders, cursor: {{column: name}}, key: [id], max_quarantined: 100%}}"
    ).load()
    run(shop, "INSERT INTO orders VALUES (4, 'aab', 1)")

    shop.load()

    assert (4, "aab") in shop.rows("SELECT id, name")


@KINDS
def test_equal_rows_make_no_snapshot(shop, kind: str) -> None:
    """The database has to be read at every run; the work downstream stops there."""
    shop.declare(f"{{{kind}, table: orders}}").load()
    shop.load()
    before = shop.lake.snapshot()

    shop.load()

    assert shop.lake.snapshot() == before


@KINDS
def test_an_empty_table(shop, kind: str) -> None:
    """Has its columns."""
    run(shop, "DELETE FROM orders")

    shop.declare(f"{{{kind}, table: orders}}").load()

    assert list(shop.types()) == ["id", "name", "price"]


@KINDS
@pytest.mark.parametrize("table", ["oders", 'or"ders; DROP TABLE orders'])
def test_a_table_that_is_not_there(shop, kind: str, table: str) -> None:
    """Its name is a name, whatever it holds."""
    error = shop.declare(f"{{{kind}, table: '{table}'}}").fail()

    assert error.code in {"RW290", "RW490", "RW125"}
    with closing(sqlite3.connect(shop.root / "shop.db")) as connection:
        assert connection.execute("SELECT count(*) FROM orders").fetchone() == (2,)


@pytest.mark.parametrize(
    ("entry", "code", "said"),
    [
        ("kind: adbc, driver: adbc_driver_nowhere, table: t", "RW691", "adbc_driver_nowhere"),
        ("kind: sqlalchemy, url: 'nosuchdb://u:s3cret-word@h/d', table: t", "RW490", "nosuchdb"),
        ("kind: sqlalchemy, url: 'secret://NOT_SET', table: t", "RW490", "NOT_SET"),
    ],
)
def test_drivers_that_are_not_there(project, entry: str, code: str, said: str) -> None:
    """Each is named, and no password with it."""
    error = project.declare(f"{{{entry}}}").fail()

    assert (error.code, said in error.message) == (code, True), error.message
    assert "s3cret" not in f"{error.as_json()}"


def test_a_password_in_a_url_shows_nowhere(project) -> None:
    """Not in the error of a driver that tells its whole address, not in a fact."""
    entry = "kind: sqlalchemy, url: 'sqlite:////nowhere/u:s3cret-word@h/shop.db', table: t"

    error = project.declare(f"{{{entry}}}").fail()

    assert error.code == "RW490"


def test_postgres_by_sqlalchemy(project, database_server) -> None:
    """A dialect with types: exact decimals as text unless declared, times, truth, bytes, JSON."""
    pytest.importorskip("sqlalchemy")
    with database_server.database("template1") as name:
        url = database_server.network_url(name).replace("postgresql://", "postgresql+pg8000://")
        values = (
            "1.10::numeric AS n, timestamptz '2024-01-02 03:04:05+02' AS at, true AS b, '\\x00ff'::bytea AS y"
        )
        query = f"SELECT {values}, date '2024-02-29' AS d, '{{\"a\": 1}}'::jsonb AS j, NULL::int AS nothing"
        project.root.mkdir(parents=True, exist_ok=True)
        project.close()
        project.write(
            "ropewalk.yaml",
            f"project: test\nsources:\n  things:\n    kind: sqlalchemy\n    url: {url}\n    query: |\n      {query}\n",
        )

        project.load()

    assert project.types() == {
        "n": "VARCHAR",
        "at": "TIMESTAMP WITH TIME ZONE",
        "b": "BOOLEAN",
        "y": "BLOB",
        "d": "DATE",
        "j": "VARCHAR",
        "nothing": "VARCHAR",
    }
    assert project.rows('SELECT n, y, j, CAST("at" AS VARCHAR)') == [
        ("1.10", b"\x00\xff", '{"a": 1}', "2024-01-02 01:04:05+00")
    ]


DLT = """
import dlt

@dlt.resource(primary_key="id", write_disposition="merge")
def orders(last, updated=dlt.sources.incremental("at", initial_value=0)):
    print("from", updated.last_value)
    for number in range(1, last + 1):
        yield {"id": number, "at": number * 10, "lines": [{"price": 1}]}

@dlt.resource
def users():
    yield [{"name": "ann"}, {"name": "bob"}]

@dlt.source
def shop(last=2):
    return orders(last), users()
"""


@pytest.fixture
def dlt_shop(project):
    """Return a project with a dlt source."""
    pytest.importorskip("dlt", reason="the extra `dlt` is not installed")
    project.write("shop.py", DLT)
    return project


def test_a_resource_of_dlt(dlt_shop) -> None:
    """Its items, nested ones as JSON, by the key and disposition that it says."""
    dlt_shop.declare("{kind: dlt, function: shop:shop, resource: orders}").load()

    assert dlt_shop.rows("SELECT id, \"at\", lines ->> '$[0].price'") == [(1, 10, "1"), (2, 20, "1")]


def test_the_state_of_a_resource_is_kept(dlt_shop) -> None:
    """Its incremental goes on where it was, and what it brings is merged."""
    dlt_shop.declare("{kind: dlt, function: shop:shop, resource: orders}").load()
    dlt_shop.write("shop.py", DLT.replace("last=2", "last=3"))

    output = dlt_shop.load()

    assert (output.summary["rows"], output.summary["added"]) == (3, 1)
    log = sorted(
        (dlt_shop.root / ".ropewalk/logs").glob("*/source-things.log"), key=lambda p: p.stat().st_mtime
    )
    assert "from 20" in log[-1].read_text()


def test_compiled_code_of_a_source_is_not_believed(dlt_shop) -> None:
    """Code compiled from a source of the same size and second is not taken for that source."""
    path = dlt_shop.root / "shop.py"
    py_compile.compile(str(path))
    stat = path.stat()
    dlt_shop.write("shop.py", DLT.replace("last=2", "last=3"))
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))

    output = dlt_shop.declare("{kind: dlt, function: shop:shop, resource: orders}").load()

    assert output.summary["rows"] == 3


def test_a_source_of_a_src_layout(dlt_shop) -> None:
    """What lies in `src` is found without being installed."""
    dlt_shop.write("src/shops/east.py", DLT)

    dlt_shop.declare("{kind: dlt, function: shops.east:shop, resource: users}").load()

    assert dlt_shop.rows("SELECT name") == [("ann",), ("bob",)]


def test_a_resource_by_itself(dlt_shop) -> None:
    """A function may return a resource, and arguments are given by name."""
    dlt_shop.declare("{kind: dlt, function: shop:orders, resource: orders, arguments: {last: 1}}").load()

    assert dlt_shop.rows("SELECT id") == [(1,)]


@pytest.mark.parametrize(
    ("entry", "code", "said"),
    [
        ("function: shop:shop, resource: oders", "RW290", "'orders'"),
        ("function: shop:shp, resource: orders", "RW290", "'shp'"),
        ("function: shp:shop, resource: orders", "RW290", "'shp'"),
        (
            "function: shop:shop, resource: orders, arguments: {last: x}",
            "RW490",
            "dlt source shop:shop failed",
        ),
    ],
)
def test_what_dlt_does_not_find(dlt_shop, entry: str, code: str, said: str) -> None:
    """The nearest name is told where there is one."""
    error = dlt_shop.declare(f"{{kind: dlt, {entry}}}").fail()

    assert (error.code, said in error.message) == (code, True), error.message


def test_two_resources_are_two_tables(dlt_shop) -> None:
    """One node each."""
    from ropewalk.pipeline import declare_graph

    dlt_shop.declare("{kind: dlt, function: shop:shop, resources: [orders, users]}")

    nodes = set(declare_graph(dlt_shop.workspace.project, dlt_shop.kinds).nodes)
    assert nodes == {"source:things_orders", "source:things_users"}
