"""How columns' origins are shown: what makes them, what decides about them, and what could not be told."""

from __future__ import annotations

import pytest

from ropewalk.cli.commands.lineage import _show_columns
from ropewalk.dataops.columns import ColumnLineage, Origin, TableLineage, Use

A, B = Origin("raw.t", "a"), Origin("raw.t", "b")


@pytest.mark.parametrize(
    ("column", "shown"),
    [
        (ColumnLineage("n"), "  n <- a constant"),
        (ColumnLineage("n", transform="aggregated"), "  n <- a count of rows"),
        (ColumnLineage("n", (A,), transform="copied"), "  n <- raw.t.a  (copied)"),
        (ColumnLineage("n", uses=(Use(A, "window"),)), "  n <-\n    window: raw.t.a"),
        (ColumnLineage("n", unknown="it is Python"), "  n <-\n    unknown: it is Python"),
        (
            ColumnLineage("n", uses=(Use(A, "filter"), Use(B, "filter"), Use(A, "order"))),
            "  n <-\n    filter: raw.t.a, raw.t.b\n    order: raw.t.a",
        ),
    ],
)
def test_column(capsys, column, shown):
    """A column without origins says why it has none; uses of one kind share a line."""
    _show_columns(TableLineage("mart.t", (column,)), as_json=False)

    assert capsys.readouterr().out == f"mart.t\n{shown}\n"


def test_rows(capsys):
    """Which rows there are is told by kind, whatever order the columns come in."""
    rows = (Use(A, "where"), Use(A, "join"), Use(B, "where"))
    _show_columns(TableLineage("mart.t", rows=rows, unknown="more"), as_json=False)

    assert capsys.readouterr().out.splitlines()[1:] == [
        "  which rows there are:",
        "    join: raw.t.a",
        "    where: raw.t.a, raw.t.b",
        "  unknown: more",
    ]
