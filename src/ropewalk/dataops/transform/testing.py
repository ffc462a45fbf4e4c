"""Running the unit tests of tables: the real SQL over the rows that a test gives, held against those it expects."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import duckdb

from ropewalk.dataops.contracts import read_contracts
from ropewalk.dataops.lake import Column, environment_tables, open_lake, table_of, translate_error
from ropewalk.dataops.transform.bench import Bench, row_values
from ropewalk.dataops.transform.comparing import RowDifference, compare_rows
from ropewalk.dataops.transform.errors import InvalidTableTest, TableFailed
from ropewalk.dataops.transform.qualify import qualify
from ropewalk.dataops.transform.table_tests import Rows, TableTest
from ropewalk.dataops.transform.values import TableSpec
from ropewalk.errors import Place, RopewalkError, nearest
from ropewalk.pipeline import Graph, Node, Workspace

# The type of a column of which only a contract tells.
LOGICAL = {
    "string": "VARCHAR",
    "integer": "BIGINT",
    "number": "DOUBLE",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
    "time": "TIME",
}
UNKNOWN_TYPES = "the columns of an input are known from these rows alone; `types: {COLUMN: TYPE}` beside `rows:` gives their types"

_EXPECTED = "ropewalk_test.expected"
# The columns that are compared, and the rows that are expected in them.
_Expected = tuple[Sequence[Column], list[Mapping[str, object]]]


@dataclass(frozen=True)
class TestResult:
    """How one unit test went.

    Attributes:
        test: the test.
        passed: whether the rows are those that were expected.
        differences: which are not.
        error: why it could not be run to its end.
        seconds: how long it took.
    """

    __test__ = False
    test: TableTest
    passed: bool
    differences: tuple[RowDifference, ...] = ()
    error: RopewalkError | None = None
    seconds: float = 0.0


def run_table_tests(tests: Iterable[TableTest], graph: Graph, workspace: Workspace) -> list[TestResult]:
    """Return how each of `tests` went; one that cannot be run does not keep the others from it.

    Nothing of the lake is read but the names and types of columns, and nothing is written.
    """
    columns = _Columns(graph, workspace)
    return [_run(test, graph, columns) for test in tests]


class _Columns:
    """The columns of the tables that a project makes: as its SQL says now, as the lake has them, or as promised."""

    def __init__(self, graph: Graph, workspace: Workspace) -> None:
        self._graph = graph
        self._workspace = workspace
        self._found: dict[str, Sequence[Column] | None] = {}

    def of(self, node_id: str) -> Sequence[Column] | None:
        """Return the columns of what `node_id` makes, or None where nobody knows them."""
        if node_id not in self._found:
            self._found[node_id] = None
            table = table_of(node_id)
            self._found[node_id] = (
                (self._of_sql(self._graph.nodes[node_id]) or self._of_lake(table) or self._of_contract(table))
                if table
                else None
            )
        return self._found[node_id]

    def _of_sql(self, node: Node) -> Sequence[Column] | None:
        """Return the columns that the table's SQL gives over its inputs, all of them empty."""
        spec = node.spec
        if not isinstance(spec, TableSpec):
            return None
        inputs = input_tables_of(spec, self._graph)
        with Bench() as bench:
            try:
                for table, node_id in inputs.items():
                    bench.make(table, None, self.of(node_id))
                return bench.describe(qualify(spec, self._graph.inputs[node.id]).text)
            # What cannot be worked out from the files may be known from the lake.
            except (InvalidTableTest, TableFailed, duckdb.Error):
                return None

    def _of_lake(self, table: str) -> Sequence[Column] | None:
        snapshot = self._snapshots.get(table)
        return None if snapshot is None else open_lake(self._workspace).columns_at(table, snapshot)

    def _of_contract(self, table: str) -> Sequence[Column] | None:
        contract = read_contracts(self._workspace.root).get(table)
        if contract is None:
            return None
        return [Column(c.name, LOGICAL.get(c.logical_type or "", "VARCHAR")) for c in contract.columns]

    @cached_property
    def _snapshots(self) -> Mapping[str, int]:
        return environment_tables(self._workspace)


def observe(test: TableTest, graph: Graph, workspace: Workspace) -> list[Mapping[str, object]]:
    """Return the rows that come out of a test, whatever it expects.

    Raises:
        InvalidTableTest: the test names what is not there, or gives values that do not fit.
        TableFailed: the SQL cannot be computed over the rows that are given.
    """
    with Bench(test.now) as bench:
        return _compute(bench, test, graph, _Columns(graph, workspace))[1]


def _run(test: TableTest, graph: Graph, columns: _Columns) -> TestResult:
    started = time.perf_counter()
    try:
        found = _differences(test, graph, columns)
        result = TestResult(test, not found, tuple(found))
    except RopewalkError as error:
        result = TestResult(test, passed=False, error=error)
    return replace(result, seconds=time.perf_counter() - started)


def _differences(test: TableTest, graph: Graph, columns: _Columns) -> list[RowDifference]:
    """Return how what the table's SQL gives differs from what the test expects.

    Raises:
        InvalidTableTest: the test names what is not there, or gives values that do not fit.
        TableFailed: the SQL cannot be computed over the rows that are given.
    """
    with Bench(test.now) as bench:
        made, actual = _compute(bench, test, graph, columns)
        return _compare(bench, test, made, actual)


def _compute(
    bench: Bench, test: TableTest, graph: Graph, columns: _Columns
) -> tuple[list[Column], list[Mapping[str, object]]]:
    """Return the columns and rows that the table's SQL gives over the rows of the test."""
    node = graph.find(f"table:{test.table}")
    spec = node.spec
    assert isinstance(spec, TableSpec)
    inputs = input_tables_of(spec, graph)
    given = _resolve(test, inputs)
    for table, node_id in inputs.items():
        _make(bench, table, test, given.get(table), columns.of(node_id))
    select = qualify(spec, graph.inputs[node.id])
    try:
        made = bench.describe(select.text)
        return made, row_values(bench.connection, select.text, made)
    except duckdb.Error as error:
        found = translate_error(error, tuple(inputs), spec.path)
        is_known = all(columns.of(node_id) for node_id in inputs.values())
        raise TableFailed(
            f"{test.table} cannot be computed over these rows: {found.message}",
            place=test.place,
            nearest=found.nearest,
            hint=None if is_known else UNKNOWN_TYPES,
            detail=found.detail,
        ) from error


def _make(
    bench: Bench, table: str, test: TableTest, given: Rows | None, known: Sequence[Column] | None
) -> None:
    try:
        bench.make(table, given, known)
    except InvalidTableTest as error:
        # What is not given has no place of its own.
        error.place = error.place or test.place
        raise


def _compare(
    bench: Bench, test: TableTest, made: Sequence[Column], actual: Sequence[Mapping[str, object]]
) -> list[RowDifference]:
    find = _expected_of_query if test.expect.query is not None else _expected_rows
    compared, expected = find(bench, test, made)
    picked = [{column.name.lower(): row[column.name.lower()] for column in compared} for row in actual]
    return compare_rows(expected, picked)


def _expected_of_query(bench: Bench, test: TableTest, made: Sequence[Column]) -> _Expected:
    bench.make(_EXPECTED, test.expect, None)
    names = {column.name.lower() for column in bench.describe(f"FROM {_EXPECTED}")}
    compared = [column for column in made if column.name.lower() in names]
    listed = ", ".join(f"CAST({_quoted(c)} AS {c.type})" for c in compared)
    return compared, row_values(bench.connection, f"SELECT {listed} FROM {_EXPECTED}", compared)


def _expected_rows(bench: Bench, test: TableTest, made: Sequence[Column]) -> _Expected:
    rows = test.expect.rows
    if not rows:
        return made, []
    names = set(rows[0].cells)
    for row in rows:
        _require_same_columns(row.cells.keys(), names, row.place)
    compared = [column for column in made if column.name.lower() in names]
    # Also refuses columns that the table does not have, by their place.
    lines = bench.values(rows, compared if len(compared) == len(names) else made, test.table)
    return compared, row_values(bench.connection, lines, compared)


def _require_same_columns(cells: Iterable[str], names: set[str], place: Place) -> None:
    other = sorted(names.symmetric_difference(cells))
    if other:
        raise InvalidTableTest(
            f"the rows that are expected name different columns: {', '.join(other)}",
            place=place,
            hint="each row names the same ones; those that no row names are not compared",
        )


def _quoted(column: Column) -> str:
    return '"' + column.name.replace('"', '""') + '"'


def input_tables_of(spec: TableSpec, graph: Graph) -> dict[str, str]:
    """Return the node behind each table that the SQL reads, by the table's full name."""
    behind = graph.inputs[f"table:{spec.table}"]
    found = {table_of(behind[item.name]): behind[item.name] for item in spec.sql.references}
    return {table: node_id for table, node_id in found.items() if table is not None}


def _resolve(test: TableTest, inputs: Mapping[str, str]) -> dict[str, Rows]:
    """Return the rows that are given, by the full name of their table.

    Raises:
        InvalidTableTest: the SQL does not read such a table.
    """
    short = {table.rpartition(".")[2]: table for table in inputs}
    found: dict[str, Rows] = {}
    for name, rows in test.given.items():
        table = name if name in inputs else short.get(name)
        if table is None:
            raise InvalidTableTest(
                f"{test.table} does not read {name!r}",
                place=rows.place,
                nearest=nearest(name, [*inputs, *short]),
                hint="it reads " + (", ".join(inputs) or "no table"),
            )
        found[table] = rows
    return found
