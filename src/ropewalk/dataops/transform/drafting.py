"""Writing the first unit test of a table: some rows of its inputs as the environment has them, and what comes of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ropewalk.dataops.contracts import declared_masks
from ropewalk.dataops.lake import TableName, environment_tables, query_environment
from ropewalk.dataops.transform.errors import InvalidTableTest
from ropewalk.dataops.transform.table_tests import SUFFIX, Row, Rows, TableTest
from ropewalk.dataops.transform.testing import input_tables_of, observe
from ropewalk.dataops.transform.values import TableSpec
from ropewalk.errors import Place
from ropewalk.pipeline import Graph, Node, Workspace
from ropewalk.project import AlreadyThere, NotWritten

SAMPLE = 3


def write_first_test(node: Node, graph: Graph, workspace: Workspace) -> Path:
    """Write a unit test of the table that `node` makes, and return its file.

    The rows are samples, personal columns masked; what is expected is what comes out now, for a person to judge.

    Raises:
        InvalidTableTest: no SQL makes the table, or nobody knows the columns of an input.
        TableFailed: the SQL cannot be computed over the samples.
        AlreadyThere: the table has tests.
        NotWritten: the folder refused the file.
    """
    spec = node.spec
    if not isinstance(spec, TableSpec):
        raise InvalidTableTest(
            f"{node.id} is made by no SQL", hint="unit tests are for tables/SCHEMA/NAME.sql"
        )
    path = workspace.root / spec.path.removesuffix(".sql")
    path = path.with_name(path.name + SUFFIX)
    # What a person expects is never replaced by what happens to come out.
    if path.exists():
        shown = path.relative_to(workspace.root).as_posix()
        raise AlreadyThere(f"{spec.table} has tests already", place=Place(shown), hint="add one there")
    samples = {table: _sample(workspace, table) for table in input_tables_of(spec, graph)}
    test = TableTest(
        spec.table,
        "first",
        Place(spec.path),
        {table: _rows(rows) for table, rows in samples.items() if rows is not None},
        Rows((), Place(spec.path), {}),
    )
    text = "\n".join(_lines(samples, observe(test, graph, workspace))) + "\n"
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise NotWritten(f"{path} cannot be written: {error.strerror}") from error
    return path


def _sample(workspace: Workspace, table: str) -> list[Mapping[str, object]] | None:
    """Return some rows of `table`, or None when the environment does not have it."""
    if table not in environment_tables(workspace):
        return None
    sql = f"FROM {TableName.parse(table).unqualified}"
    found = query_environment(workspace, sql, SAMPLE, masks=declared_masks(workspace))
    names = [column.name for column in found.columns]
    return [dict(zip(names, row, strict=True)) for row in found.rows]


def _rows(rows: Sequence[Mapping[str, object]]) -> Rows:
    nowhere = Place("")
    return Rows(
        tuple(Row({name.lower(): value for name, value in row.items()}, nowhere, {}) for row in rows),
        nowhere,
        {},
    )


def _lines(
    samples: Mapping[str, Sequence[Mapping[str, object]] | None], expected: Sequence[Mapping[str, object]]
) -> Iterator[str]:
    yield "# A first test, written by `ropewalk test --init` from rows that were there. Give it a name and rows that"
    yield "# matter, leave out columns that do not, and judge whether what came out is what should."
    yield "unit_tests:"
    yield "  - name: first"
    yield "    given:" + (" []" if not samples else "")
    for table, rows in samples.items():
        yield f"      - input: {table}"
        yield "        rows:" + (" []" if not rows else "")
        yield from (f"          - {_flow(row)}" for row in rows or ())
    yield "    expect:"
    yield "      rows:" + (" []" if not expected else "")
    yield from (f"        - {_flow(row)}" for row in expected)


def _flow(row: Mapping[str, object]) -> str:
    """Return a row on one line; JSON is YAML."""
    return json.dumps(row, default=str, ensure_ascii=False)
