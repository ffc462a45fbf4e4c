"""Tables in environments: each has its own version, and reading one never shows another's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from ropewalk import plugins
from ropewalk.dataops.lake import (
    TableMissing,
    environment_tables,
    list_environment_tables,
    open_lake,
    query_environment,
    snapshot_of,
    table_of,
)
from ropewalk.dataops.sources import SourceKind
from ropewalk.dataops.transform import TableKind
from ropewalk.pipeline import Output, State, Workspace, declare_graph, execute
from ropewalk.project import load_project
from ropewalk.settings import load_settings

KINDS = {"source": SourceKind(), "table": TableKind()}
FILES = {
    "ropewalk.yaml": "project: test\nsources:\n  orders: {kind: files, path: 'landing/*.csv'}\n",
    "landing/1.csv": "id,price\n1,10\n2,20\n",
    "tables/mart/prices.sql": "SELECT id, price FROM raw.orders",
    "tables/mart/total.sql": "SELECT sum(price)::BIGINT AS total FROM mart.prices",
}


class Silent:
    """An observer that is told everything and says nothing."""

    def __getattr__(self, _name: str) -> Callable[..., None]:
        return lambda *_, **__: None


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Write the project and return its folder."""
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


@pytest.fixture
def open_in(root: Path) -> Iterator[Callable[[str], Workspace]]:
    """Return a function that opens the project, as it is written now, in an environment."""
    with ExitStack() as stack:

        def open_it(environment: str) -> Workspace:
            settings = load_settings({}, environment=environment)
            return stack.enter_context(Workspace(load_project(root, plugins.sections()), settings))

        yield open_it


def run(workspace: Workspace) -> dict[str, State]:
    """Bring everything up to date, and return how each node ended."""
    graph = declare_graph(workspace.project, KINDS)
    result = execute(graph, KINDS, workspace, Silent())
    assert not [node.error for node in result.nodes if node.error]
    return {node.id: node.state for node in result.nodes}


def total(workspace: Workspace) -> object:
    return query_environment(workspace, "SELECT total FROM mart.total").rows[0][0]


def edit(root: Path) -> None:
    (root / "tables/mart/prices.sql").write_text("SELECT id, price * 2 AS price FROM raw.orders")


def test_each_environment_reads_its_own(root: Path, open_in) -> None:
    """A changed table in one leaves what another reads as it was, although the lake's head is the new one."""
    dev = open_in("dev")
    run(dev)
    edit(root)
    feature = open_in("feature")
    run(feature)

    assert (total(dev), total(feature)) == (30, 60)
    assert open_lake(dev).query("SELECT total FROM lake.mart.total").rows == ((60,),)


def test_two_environments_in_turn_rebuild_nothing(root: Path, open_in) -> None:
    """Both versions are held, so going back and forth executes nothing and each still reads its own."""
    original = (root / "tables/mart/prices.sql").read_text()
    run(open_in("dev"))
    edit(root)
    run(open_in("feature"))
    newest = open_lake(open_in("dev")).snapshot()

    states = set()
    for environment, text in (
        ("dev", original),
        ("feature", "SELECT id, price * 2 AS price FROM raw.orders"),
    ) * 2:
        (root / "tables/mart/prices.sql").write_text(text)
        workspace = open_in(environment)
        states |= set(run(workspace).values())
        assert total(workspace) == (30 if environment == "dev" else 60)

    assert State.EXECUTED not in states
    assert open_lake(open_in("dev")).snapshot() == newest


def test_a_build_reads_the_inputs_of_its_environment(root: Path, open_in) -> None:
    """A table made later in one environment is made of that environment's input, not of the lake's head."""
    run(open_in("dev"))
    before = {path: path.read_text() for path in root.glob("tables/mart/*.sql")}
    edit(root)
    run(open_in("feature"))
    for path, text in before.items():
        path.write_text(text)
    (root / "tables/mart/dearest.sql").write_text("SELECT max(price) AS price FROM mart.prices")

    dev = open_in("dev")
    run(dev)

    assert query_environment(dev, "FROM mart.dearest").rows == ((20,),)


def test_a_source_of_another_declaration_is_loaded_again(root: Path, open_in) -> None:
    """The head is another environment's; each gets what its own declaration says, and keeps it."""
    text = FILES["ropewalk.yaml"]
    dev, other = open_in("dev"), text.replace("csv'}", "csv', types: {price: DOUBLE}}")
    run(dev)
    (root / "ropewalk.yaml").write_text(other)
    feature = open_in("feature")
    run(feature)
    (root / "ropewalk.yaml").write_text(text)
    (root / "landing/2.csv").write_text("id,price\n3,30\n")

    dev = open_in("dev")
    run(dev)

    kinds = [
        query_environment(w, "SELECT typeof(price), count(*) FROM raw.orders GROUP BY 1").rows
        for w in (dev, feature)
    ]
    assert kinds == [(("BIGINT", 3),), (("DOUBLE", 2),)]


def test_tables_are_listed_as_the_environment_has_them(root: Path, open_in) -> None:
    """Columns and rows are those of its snapshots; what no node makes is listed as it is now."""
    dev = open_in("dev")
    run(dev)
    (root / "tables/mart/prices.sql").write_text("SELECT id, price, 1 AS more FROM raw.orders WHERE id = 1")
    feature = open_in("feature")
    run(feature)
    with open_lake(dev).transaction("predictions") as transaction:
        transaction.replace("predictions.late", "SELECT 1 AS prediction")

    found = [
        {f"{t.schema}.{t.name}": (len(t.columns), t.rows) for t in list_environment_tables(w)}
        for w in (dev, feature)
    ]

    assert found[0]["mart.prices"] == (2, 2)
    assert found[1]["mart.prices"] == (3, 1)
    assert found[0]["predictions.late"] == (1, 1)


def test_a_table_of_another_environment_is_said_to_be_there(root: Path, open_in) -> None:
    """It is not read by accident; the error says in which environment it is."""
    (root / "tables/mart/extra.sql").write_text("SELECT 1 AS n")
    run(open_in("feature"))
    (root / "tables/mart/extra.sql").unlink()
    dev = open_in("dev")
    run(dev)

    with pytest.raises(TableMissing, match=r"'dev' has no table 'mart\.extra'") as caught:
        query_environment(dev, "SELECT * FROM mart.extra")

    assert "'feature' has it (--environment feature)" in str(caught.value.hint)
    assert "mart.extra" not in {f"{t.schema}.{t.name}" for t in list_environment_tables(dev)}


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("SELECT count(*) FROM MART.Prices", ((2,),)),
        ("SELECT price FROM lake.mart.prices WHERE id = 1", ((20,),)),
        (
            "SELECT a.price, b.price FROM mart.prices a JOIN lake.mart.prices b USING (id) WHERE id = 2",
            ((20, 40),),
        ),
        ("WITH p AS (FROM mart.prices) SELECT sum(price)::INT FROM p", ((30,),)),
        ("SELECT (SELECT max(price) FROM mart.prices) AS m FROM range(1)", ((20,),)),
        ("SELECT mart.prices.id FROM mart.prices ORDER BY ALL LIMIT 1", ((1,),)),
    ],
)
def test_ways_to_name_a_table(root: Path, open_in, sql: str, rows: object) -> None:
    """A plain name is the environment's, wherever it stands; with `lake.` it is what was written last."""
    dev = open_in("dev")
    run(dev)
    edit(root)
    run(open_in("feature"))

    assert query_environment(dev, sql).rows == rows


def test_any_snapshot_can_be_asked_for(root: Path, open_in) -> None:
    """AT works with and without the lake's name, beside plain names, behind letters of several bytes."""
    dev = open_in("dev")
    run(dev)
    edit(root)
    feature = open_in("feature")
    run(feature)
    old, new = (environment_tables(w)["mart.prices"] for w in (dev, feature))

    sql = (
        f"SELECT 'é', a.price, b.price, c.price FROM mart.prices AS a AT (VERSION => {new})\n"
        f"JOIN lake.mart.prices AS b AT (VERSION => {old}) USING (id) JOIN mart.prices c USING (id) WHERE id = 1"
    )

    assert query_environment(dev, sql).rows == (("é", 20, 10, 10),)


def test_an_error_behind_a_snapshot_has_its_place(root: Path, open_in) -> None:
    """What is put in for AT moves no column of a message."""
    dev = open_in("dev")
    run(dev)
    sql = (
        f"SELECT 1 FROM mart.prices AT (VERSION => {environment_tables(dev)['mart.prices']}) WHERE prize > 1"
    )

    with pytest.raises(Exception, match="prize") as caught:
        query_environment(dev, sql)

    assert str(caught.value.place) == f"query:1:{sql.index('prize') + 1}"
    assert caught.value.nearest == "price"


@pytest.mark.parametrize(
    ("node_id", "table"),
    [
        ("source:orders", "raw.orders"),
        ("table:mart.Prices", "mart.prices"),
        ("step:split", "steps.split"),
        ("model:late", None),
    ],
)
def test_table_of_a_node(node_id: str, table: str | None) -> None:
    """Sources, tables and steps may make one, each in its schema."""
    assert table_of(node_id) == table


@pytest.mark.parametrize(
    ("reference", "snapshot"), [("snapshot:14", 14), ("run:14", None), ("snapshot:x", None)]
)
def test_snapshot_of_an_output(reference: str, snapshot: int | None) -> None:
    """Only a reference to a snapshot is one."""
    assert snapshot_of(Output("d", reference)) == snapshot
