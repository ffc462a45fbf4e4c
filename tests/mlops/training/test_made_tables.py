"""Steps that make tables: in the lake under `steps.NAME`, read by SQL and by steps, held to their contracts."""

from __future__ import annotations

import pytest

from ropewalk import plugins
from ropewalk.dataops.catalog import list_tables
from ropewalk.dataops.contracts import ContractBroken
from ropewalk.dataops.lake import query_environment
from ropewalk.dataops.transform import ContractWithoutTable, InvalidTableFile, TableKind
from ropewalk.mlops.training import StepKind
from ropewalk.pipeline import State, Workspace, declare_graph, execute
from ropewalk.project import load_project
from ropewalk.settings import load_settings

HEAD = "from ropewalk import Metrics, Table, step\n\n"
NUMBERS = HEAD + "def Numbers(*, n: int = 3) -> Table:\n    return Table.of([{'i': i} for i in range(n)])\n"
CONTRACT = (
    "apiVersion: v3.1.0\nkind: DataContract\nid: n\nversion: 1.0.0\nschema:\n  - name: numbers\n"
    "    properties:\n      - name: i\n        logicalType: integer\n        unique: true\n"
    "        logicalTypeOptions: {maximum: 5}\n"
)


class _Quiet:
    def started(self, *_):
        pass

    def progressed(self, *_):
        pass

    def ended(self, _):
        pass


KINDS = {"table": TableKind(), "step": StepKind()}


@pytest.fixture
def run(write_project):
    """Return a function that writes files over the project and runs it: results by node, and what a query finds."""

    def run_files(files, sql=None):
        project = load_project(write_project(files), plugins.sections())
        with Workspace(project, load_settings({})) as workspace:
            made = execute(declare_graph(project, KINDS), KINDS, workspace, _Quiet())
            rows = query_environment(workspace, sql).rows if sql else []
            return {node.id: node for node in made.nodes}, [tuple(row) for row in rows]

    return run_files


def _declare(write_project, files):
    return declare_graph(load_project(write_project(files), plugins.sections()), KINDS)


@pytest.fixture
def first(run):
    """Return the results of a first run of one step, SQL over it and a step over that."""
    files = {
        "steps/a.py": NUMBERS,
        "tables/mart/top.sql": "SELECT max(i) AS top FROM steps.Numbers",
        "steps/b.py": HEAD + "def judge(top: Table, Numbers: Table) -> Metrics:\n"
        "    return Metrics(top=top.df()['top'][0], rows=len(Numbers.df()))\n",
    }
    return run(files, "SELECT i FROM steps.numbers ORDER BY i")


def test_table_is_read_by_sql_and_steps(first):
    """What a step returns as a table, SQL selects from and other steps receive."""
    results, rows = first
    made = results["step:Numbers"].output

    assert rows == [(0,), (1,), (2,)]
    assert made.reference.startswith("snapshot:")
    assert (made.summary["rows"], made.summary["columns"]) == (3, ["i"])
    assert results["step:judge"].output.summary["metrics"] == {"top": 2.0, "rows": 3.0}


def test_equal_rows_stop_the_work(first, run):
    """A change of code that comes out the same leaves what reads the table fresh; nothing to do is nothing done."""
    again, _ = run({})
    changed, _ = run({"steps/a.py": NUMBERS.replace("range(n)", "reversed(range(n))")})

    assert {node.state for node in again.values()} == {State.HIT}
    assert changed["step:Numbers"].state is State.EXECUTED
    assert changed["table:mart.top"].state is changed["step:judge"].state is State.HIT


def test_older_content_is_restored(first, run):
    """Going back to code that ran before executes nothing, and the environment has the old rows again."""
    run({"steps/a.py": NUMBERS.replace("= 3", "= 5")})

    back, rows = run({"steps/a.py": NUMBERS}, "SELECT count(*) FROM steps.numbers")

    assert back["step:Numbers"].state is State.RESTORED
    assert rows == [(3,)]


def test_contract_holds_or_the_step_fails(run):
    """A contract named after the table is checked before anybody sees the rows, and counts in the step's key."""
    files = {"steps/a.py": NUMBERS, "contracts/steps.numbers.odcs.yaml": CONTRACT}
    held, _ = run(files)

    broken, rows = run({"steps/a.py": NUMBERS.replace("= 3", "= 9")}, "SELECT count(*) FROM steps.numbers")
    loosened, _ = run({"contracts/steps.numbers.odcs.yaml": CONTRACT.replace("5", "50")})

    assert held["step:Numbers"].output.summary["contract"]["checks"]
    assert isinstance(broken["step:Numbers"].error, ContractBroken)
    assert rows == [(3,)]
    assert loosened["step:Numbers"].state is State.EXECUTED


def test_contract_of_no_step(write_project):
    """A contract for a table that no step makes is refused with the nearest that one does."""
    files = {"steps/a.py": NUMBERS, "contracts/steps.number.odcs.yaml": CONTRACT}

    with pytest.raises(ContractWithoutTable) as caught:
        _declare(write_project, files)

    assert caught.value.nearest == "steps.Numbers"


def test_schema_of_steps_is_theirs(write_project):
    """No SQL file can take the place of a step's table."""
    with pytest.raises(InvalidTableFile, match="the schema steps is the one which steps fill"):
        _declare(write_project, {"tables/steps/a.sql": "SELECT 1 AS a"})


def test_step_that_makes_no_table_is_no_table(run):
    """SQL that selects from a step of numbers is told so at its place."""
    files = {
        "steps/a.py": HEAD + "def judge() -> Metrics:\n    return Metrics(a=1)\n",
        "tables/mart/x.sql": "SELECT *\nFROM judge",
    }

    error = run(files)[0]["table:mart.x"].error

    assert "selects from 'judge', which makes no table" in error.message
    assert str(error.place) == "tables/mart/x.sql:2:6"


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        ("[{'i': 1}]", "make says it returns Table and returned list; return Table.of(...)"),
        ("Table.of([])", "make returned a table that cannot be kept: a table cannot be made of list"),
        ("Table.of(__import__('duckdb').sql('SELECT error(1)'))", "failed: "),
    ],
)
def test_what_is_no_table(run, returned, message):
    """A step that returns no table, or one that cannot be written, fails and leaves nothing."""
    results, _ = run({"steps/a.py": f"{HEAD}def make() -> Table:\n    return {returned}\n"})

    assert message in results["step:make"].error.message
    assert "steps/a.py" in str(results["step:make"].error.place)


def test_lists_among_the_tables(run, write_project):
    """The catalogue shows the table, and the step that makes it."""
    run({"steps/a.py": NUMBERS})
    with Workspace(load_project(write_project({}), plugins.sections()), load_settings({})) as workspace:
        cards = {card.name: card for card in list_tables(workspace)}

    assert (cards["steps.numbers"].kind, cards["steps.numbers"].node) == ("step", "step:Numbers")
    assert cards["steps.numbers"].rows == 3


def test_table_goes_with_its_snapshot(run, write_project):
    """A lake that is gone takes the table along: the step is stale, and runs again."""
    run({"steps/a.py": NUMBERS})
    lake = write_project({}) / ".ropewalk/lake"
    lake.rename(lake.with_name("aside"))

    again, rows = run({}, "SELECT count(*) FROM steps.numbers")

    assert again["step:Numbers"].state is State.EXECUTED
    assert rows == [(3,)]
