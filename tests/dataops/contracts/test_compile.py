"""From checks to SQL: one pass, everything quoted, every kind known."""

from __future__ import annotations

import pytest

from ropewalk.dataops.contracts import Check
from ropewalk.dataops.contracts.compile import TableColumn, has_logical_type, measure
from ropewalk.dataops.contracts.rules import OPTIONS
from ropewalk.dataops.contracts.words import FAILING_ROWS, describe_rows
from ropewalk.errors import Place

PLACE = Place("contracts/mart.a.odcs.yaml", 1, 1)
COLUMN = TableColumn("a", "INTEGER")
ODD = TableColumn('say "hi"; --', "VARCHAR")


@pytest.mark.parametrize(
    "kind", sorted({*FAILING_ROWS, "rowCount", "volume", "freshness", "retention"} - {"foreignKey"})
)
def test_every_kind_is_one_aggregate_of_the_same_scan(kind, connection):
    """All measures can stand in one SELECT list: none looks at the table by itself."""
    check = Check(kind, ("a",), PLACE, ("1",), pattern="x")
    column = TableColumn("a", "INTEGER[]" if "tems" in kind.lower() else "INTEGER")

    found = measure(check, (column,), "mart.a")

    assert found is not None
    assert "SELECT" not in found.select
    connection.execute(f"SELECT {found.select} FROM (SELECT CAST(NULL AS {column.type}) AS a)")


@pytest.mark.parametrize("kind", ["present", "logicalType", "sql"])
def test_some_kinds_need_no_look_at_the_rows(kind):
    """What the columns tell, or a query of its own, is no part of the pass."""
    assert measure(Check(kind, ("a",), PLACE), (COLUMN,), "mart.a") is None


@pytest.mark.parametrize("kind", ["required", "unique", "enum", "missingValues", "minimum"])
def test_column_names_are_quoted(kind, connection):
    """A column may have any name; it stays one name in SQL."""
    connection.execute('CREATE TABLE mart.a AS SELECT \'x\' AS "say ""hi""; --"')

    found = measure(Check(kind, (ODD.name,), PLACE, ("x'; --",)), (ODD,), "mart.a")

    assert connection.execute(f"SELECT {found.select} FROM mart.a").fetchone() is not None
    assert connection.execute(f"SELECT * FROM mart.a WHERE {found.where}") is not None


@pytest.mark.parametrize(
    ("engine_type", "logical_type", "fits"),
    [
        ("INTEGER", "integer", True),
        ("INTEGER", "number", True),
        ("DOUBLE", "integer", False),
        ("DECIMAL(9,2)", "number", True),
        ("VARCHAR", "date", False),
        ("TIMESTAMP WITH TIME ZONE", "timestamp", True),
        ("DATE", "timestamp", False),
        ("VARCHAR[]", "string", False),
        ("STRUCT(a INTEGER[])", "array", False),
        ("STRUCT(a INTEGER[])[3]", "array", True),
        ("ENUM('INTEGER(')", "string", True),
        ("JSON", "object", True),
    ],
)
def test_engine_types_have_logical_types(engine_type, logical_type, fits):
    """What stands inside a type does not decide what the type is."""
    assert has_logical_type(TableColumn("a", engine_type), logical_type) is fits


@pytest.mark.parametrize("logical_type", OPTIONS)
def test_every_logical_type_can_be_checked(logical_type):
    """No logical type that a contract may name is unknown to the check."""
    assert has_logical_type(TableColumn("a", "BIT"), logical_type) is False


def test_words_name_the_operands():
    """What is said of failing rows has the bound, the share and the expectation that decided."""
    check = Check("minimum", ("a",), PLACE, ("0",), unit="percent")

    assert describe_rows(check, 1, 3) == "1 of 3 rows (33.33 %) are below 0"
    assert describe_rows(check, 0, 0) == "0 of 0 rows (0 %) are below 0"
