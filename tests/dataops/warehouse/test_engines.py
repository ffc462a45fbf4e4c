"""Tables that a real PostgreSQL computes: the same rows, contracts and environments as when the lake does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from database_server import PASSWORD, USER
from pg8000.native import Connection

from ropewalk import plugins
from ropewalk.dataops.contracts import ContractBroken
from ropewalk.dataops.lake import query_environment
from ropewalk.dataops.transform import InvalidHeader, TableFailed
from ropewalk.dataops.warehouse import translate
from ropewalk.pipeline import State, Workspace, declare_graph, execute
from ropewalk.project import load_project
from ropewalk.settings import load_settings

ENGINES = "engines:\n  postgres: {kind: postgres, url: 'secret://WAREHOUSE'}\n"
SOURCE = """\
SELECT * FROM (VALUES
    (1, 'ann', 1.5::DOUBLE, DATE '2024-01-31'), (2, 'bob', 2.5, DATE '2024-02-03'), (3, 'ann', NULL, DATE '2024-02-04')
) AS v (Id, Who, price, day)
"""
ORDERS = "SELECT Id, Who, price, day, id / 2 AS half, strftime(day, '%Y-%m') AS month, [id, 1] AS pair FROM main.input\n"
TOTALS = """\
WITH t AS (SELECT who, count(*) AS n, sum(id) AS total, count(*) FILTER (WHERE price IS NULL) AS missing, max(orders.day) AS last
FROM staging.orders GROUP BY ALL)
SELECT *, date_trunc('month', last) AS since, n * 10 // 3 AS whole, CAST(total AS DECIMAL(9, 2)) AS money FROM t
"""
ON = "-- engine: postgres\n"
TABLES = {
    "tables/main/input.sql": SOURCE,
    "tables/staging/orders.sql": ORDERS,
    "tables/mart/totals.sql": TOTALS,
    "tables/mart/big.sql": "SELECT who FROM mart.totals WHERE n > 1",
}


class Silent:
    """An observer that is told everything and says nothing."""

    def __getattr__(self, _name: str) -> Callable[..., None]:
        return lambda *_, **__: None


class Shop:
    """A project whose tables the lake or a second engine computes."""

    def __init__(self, root, stack):
        self.root, self._stack, self._opened = root, stack, {}
        self.write("ropewalk.yaml", f"project: shop\n{ENGINES}")
        for name, text in TABLES.items():
            self.write(name, text)

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def move(self):
        """Have the second engine compute two of the tables."""
        self.write("tables/staging/orders.sql", ON + ORDERS)
        self.write("tables/mart/totals.sql", ON + TOTALS)

    def open(self, environment="dev"):
        project = load_project(self.root, plugins.sections())
        if environment not in self._opened:
            options = load_settings({}, environment=environment, parallel=1)
            self._opened[environment] = self._stack.enter_context(Workspace(project, options))
        self._opened[environment].project = project
        return self._opened[environment]

    def run(self, environment="dev"):
        workspace, kinds = self.open(environment), plugins.kinds()
        result = execute(declare_graph(workspace.project, kinds), kinds, workspace, Silent())
        return {node.id.removeprefix("table:"): node for node in result.nodes}

    def rows(self, sql, environment="dev"):
        return query_environment(self.open(environment), sql).rows


@pytest.fixture
def shop(tmp_path) -> Iterator[Shop]:
    """Return a project for one test alone, not run yet."""
    with ExitStack() as stack:
        yield Shop(tmp_path, stack)


@pytest.fixture
def ask(database_server, monkeypatch) -> Iterator[Callable[[str], list[tuple[object, ...]]]]:
    """Return a function that asks an empty database whose URL is the secret WAREHOUSE."""
    with database_server.database("template1") as name:
        monkeypatch.setenv("WAREHOUSE", database_server.network_url(name))
        there = Connection(
            USER, host="127.0.0.1", port=database_server.port, database=name, password=PASSWORD
        )
        there.run("SET TIME ZONE 'Asia/Tokyo'")
        yield lambda sql: [tuple(row) for row in there.run(sql) or []]
        there.close()


def test_same_tables_on_both_engines(shop, ask):
    """Each table has the same digest, the same columns, and the same rows, whichever engine computed it."""
    own = {name: (node.output.digest, node.output.summary["columns"]) for name, node in shop.run().items()}
    shop.move()

    moved = shop.run()

    assert moved["mart.totals"].state is State.EXECUTED
    assert moved["mart.totals"].output.summary["engine"] == "postgres"
    assert {name: (node.output.digest, node.output.summary["columns"]) for name, node in moved.items()} == own
    # Equal content stops the work there.
    assert moved["mart.big"].state is State.HIT


def test_rows_are_there_and_here(shop, ask):
    """Who works in the database sees the tables of the environment, and the lake has them too."""
    shop.move()
    shop.run()

    assert ask("SELECT who, n FROM ropewalk_dev_mart.totals ORDER BY 1") == [("ann", 2), ("bob", 1)]
    assert shop.rows("SELECT who, n FROM mart.totals ORDER BY 1") == (("ann", 2), ("bob", 1))
    assert shop.rows("FROM mart.big") == (("ann",),)


def test_input_is_brought_once_per_version(shop, ask):
    """A table that is there already, computed or copied, is not copied again."""
    shop.move()
    shop.run()
    shop.write("tables/mart/totals.sql", ON + TOTALS.replace("10", "20"))

    shop.run()

    found = [
        name
        for (name,) in ask(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'ropewalk' AND table_type = 'BASE TABLE' ORDER BY 1"
        )
    ]
    assert [name.partition("__")[0] for name in found] == [
        "main_input",
        "mart_totals",
        "mart_totals",
        "staging_orders",
    ]


def test_second_run_asks_nothing(shop, ask, monkeypatch):
    """What is fresh needs no engine."""
    shop.move()
    shop.run()
    monkeypatch.delenv("WAREHOUSE")

    assert {node.state for node in shop.run().values()} == {State.HIT}


def test_environments_have_views_of_their_own(shop, ask):
    """An environment sees what it has: another one's change does not move its view."""
    shop.move()
    shop.run()
    shop.run("stage")
    shop.write("tables/mart/totals.sql", ON + TOTALS.replace("FROM t", "FROM t WHERE who = 'bob'"))
    shop.run("stage")

    assert ask("SELECT count(*) FROM ropewalk_dev_mart.totals") == [(2,)]
    assert ask("SELECT count(*) FROM ropewalk_stage_mart.totals") == [(1,)]


def test_edit_that_is_taken_back(shop, ask):
    """The view goes back with the pointer, although nothing is computed."""
    shop.move()
    shop.run()
    shop.write("tables/mart/totals.sql", ON + TOTALS.replace("FROM t", "FROM t WHERE who = 'bob'"))
    shop.run()
    shop.move()

    assert shop.run()["mart.totals"].state is State.RESTORED
    assert ask("SELECT count(*) FROM ropewalk_dev_mart.totals") == [(2,)]


def test_lost_database_is_filled_again(shop, ask):
    """An engine that lost everything gets it again, from the lake where need be."""
    shop.move()
    shop.run()
    ask("DROP SCHEMA ropewalk CASCADE")
    shop.write("tables/mart/totals.sql", ON + TOTALS.replace("10", "30"))

    assert shop.run()["mart.totals"].error is None
    assert ask("SELECT count(*) FROM ropewalk_dev_mart.totals") == [(2,)]


def test_contract_holds_there_too(shop, ask):
    """Rows that break the contract are refused: the lake and the view keep what they had."""
    shop.move()
    shop.run()
    shop.write(
        "contracts/mart.totals.odcs.yaml",
        "apiVersion: v3.1.0\nkind: DataContract\nid: t\nversion: 1.0.0\nstatus: active\nschema:\n  - name: totals\n"
        "    properties:\n      - {name: who, logicalType: string, required: true}\n",
    )
    shop.write("tables/mart/totals.sql", ON + "SELECT nullif(who, 'ann') AS who, 1 AS n FROM staging.orders")

    failed = shop.run()["mart.totals"]

    assert isinstance(failed.error, ContractBroken)
    assert ask("SELECT who, n FROM ropewalk_dev_mart.totals ORDER BY 1") == [("ann", 2), ("bob", 1)]


def test_unknown_engine(shop):
    """A header that names no declared engine is told of at the plan, with its line and the nearest."""
    shop.write("tables/mart/big.sql", "-- engine: postgre\nSELECT 1 AS a")

    with pytest.raises(InvalidHeader) as caught:
        shop.run()

    assert (caught.value.nearest, str(caught.value.place)) == ("postgres", "tables/mart/big.sql:1")


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELECT arg_max(id, price) AS a FROM main.input", "function"),
        ("SELECT id FROM main.input QUALIFY row_number() OVER (ORDER BY id) = 1 ORDER BY ALL", ""),
        ("SELECT any_value(id) AS a FROM main.input", "IGNORE NULLS"),
        ("SELECT CAST(who AS INTEGER) AS a FROM main.input", "invalid input syntax"),
    ],
)
def test_what_the_engine_cannot_do(shop, ask, sql, said):
    """It is told of with the table's file; nothing is left there, and nothing is shown of credentials."""
    shop.write("tables/mart/big.sql", f"{ON}{sql}\n")

    failed = shop.run()["mart.big"].error

    assert isinstance(failed, TableFailed)
    assert said in failed.message
    assert (failed.place.path, failed.place.line) == ("tables/mart/big.sql", 1)
    assert PASSWORD not in str(failed.as_json())


@pytest.mark.parametrize("header", ["-- kind: view\n", "-- kind: history\n-- key: id\n"])
def test_kinds_that_stay_in_the_lake(shop, header):
    """Only whole tables can be computed elsewhere, and the header says so."""
    shop.write("tables/mart/big.sql", f"{ON}{header}SELECT 1 AS id")

    with pytest.raises(InvalidHeader, match="engine"):
        shop.run()


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT mart.t.A FROM mart.t", 'SELECT "t"."a" FROM "rw"."x" AS "t"'),
        ("SELECT a // 2 FROM mart.T AS u", 'SELECT DIV("a", 2) FROM "rw"."x" AS "u"'),
        ("SELECT a, sum(b) FROM mart.t GROUP BY ALL", 'SELECT "a", SUM("b") FROM "rw"."x" AS "t" GROUP BY 1'),
        ("SELECT sum(b) FROM mart.t GROUP BY ALL", 'SELECT SUM("b") FROM "rw"."x" AS "t"'),
        ("WITH t AS (SELECT 1 AS a) SELECT a FROM t", 'WITH "t" AS (SELECT 1 AS "a") SELECT "a" FROM "t"'),
        ("""SELECT 'it''s "x"' AS a""", """SELECT 'it''s "x"' AS "a\""""),
    ],
)
def test_translation(sql, expected):
    """Tables get the names they have there, and every name is quoted in lower case."""
    assert translate(sql, {"mart.t": ("rw", "x")}) == expected
