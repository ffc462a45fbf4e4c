"""Names of tables and values in SQL: what people write becomes exactly one name, and a value never anything else."""

from __future__ import annotations

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ropewalk.dataops.lake import Column, Masks, TableName, literal, quote
from ropewalk.dataops.lake.errors import InvalidTableName
from ropewalk.dataops.lake.masks import is_number, is_untraced


@pytest.mark.parametrize(
    ("text", "schema", "name"),
    [
        ("mart.flights", "mart", "flights"),
        ("Mart.F1_x", "Mart", "F1_x"),
        ("_a._b", "_a", "_b"),
        ("é.ü", "é", "ü"),
    ],
)
def test_names(text: str, schema: str, name: str) -> None:
    """Two words with a dot, as they are written."""
    found = TableName.parse(text)

    assert (found.schema, found.name, str(found)) == (schema, name, text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        ".",
        "a.",
        ".b",
        "a.b.c",
        "1a.b",
        "a.1b",
        "a b.c",
        'a."b"',
        "a.b;",
        "a.b\n",
        "a-b.c",
        "a..b",
        "a.b c",
    ],
)
def test_what_names_no_table(text: str) -> None:
    """It is refused with what to write."""
    with pytest.raises(InvalidTableName, match="is not the name of a table") as caught:
        TableName.parse(text)
    assert "schema.table" in (caught.value.hint or "")


def test_names_in_sql() -> None:
    """Every part is quoted, also of a name that was never written by a person."""
    table = TableName('a"b', "select")

    assert table.sql == '"lake"."a""b"."select"'
    assert table.unqualified == '"a""b"."select"'
    assert table.at(14) == '"lake"."a""b"."select" AT (VERSION => 14)'


@settings(max_examples=40)
@given(
    name=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=10)
)
def test_any_name_is_one_identifier(name: str) -> None:
    """The engine calls a column exactly so."""
    assert duckdb.sql(f"SELECT 1 AS {quote(name)}").columns == [name]


@settings(max_examples=40)
@given(
    value=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=10)
    | st.integers(-(2**63) + 1, 2**63 - 1)
    | st.none()
)
def test_any_value_is_one_literal(value: str | int | None) -> None:
    """The engine reads it back as it was."""
    assert duckdb.sql(f"SELECT {literal(value)}").fetchone() == (value,)


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ("steps.train", True),
        ("predictions.api", True),
        ("predictions_mr_7.api", True),
        ("predictionsx.api", False),
        ("mart.steps", False),
        ("steps", True),
        ("raw.a", False),
    ],
)
def test_tables_that_python_made(table: str, expected: bool) -> None:
    """Of their columns nobody knows where they come from."""
    assert is_untraced(table) is expected


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("INTEGER", True),
        ("UTINYINT", True),
        ("DECIMAL(18,3)", True),
        ("BOOLEAN", True),
        ("INTEGER[]", False),
        ("DECIMAL(5,2)[3]", False),
        ("VARCHAR", False),
        ("DATE", False),
        ("STRUCT(a INTEGER)", False),
    ],
)
def test_what_a_total_may_be(kind: str, expected: bool) -> None:
    """One number; a list of them may tell of one person each."""
    assert is_number(Column("a", kind)) is expected


@pytest.mark.parametrize(
    ("masks", "expected"),
    [
        (Masks(), False),
        (Masks(tables={"a.b": {}}), False),
        (Masks(tables={"a.b": {"c": "hash"}}), True),
        (Masks(names={"c": "hash"}), True),
        (Masks(untraced={"c": "hash"}), True),
        (Masks(key="k"), False),
    ],
)
def test_whether_anything_is_masked(masks: Masks, expected: bool) -> None:
    """A table without a masked column masks nothing."""
    assert bool(masks) is expected


@pytest.mark.parametrize(
    ("table", "masked"),
    [
        ("mart.a", {"Mail": "hash"}),
        ("MART.A", {"Mail": "hash"}),
        ("mart.other", {"Name": "null"}),
        ("steps.made", {"Name": "null", "Mail": "partial"}),
        ("steps.told", {"Name": "null"}),
        ("quarantine.a", {"Mail": "null", "Name": "null"}),
    ],
)
def test_which_columns_are_masked(table: str, masked: dict[str, str]) -> None:
    """As the table says, else by name; of what Python made, all that no contract speaks of."""
    masks = Masks(
        tables={"mart.a": {"mail": "hash"}, "raw.a": {"mail": "hash"}},
        names={"name": "null"},
        untraced={"mail": "partial"},
        described={"steps.told": frozenset({"mail"})},
    )

    assert (
        masks.of(table, [Column("Mail", "VARCHAR"), Column("Name", "VARCHAR"), Column("_line", "BIGINT")])
        == masked
    )


def test_the_key_is_not_shown() -> None:
    """Whoever reads it could try which value a hash is of."""
    assert "hidden" not in repr(Masks(key="hidden"))
