"""DuckDB's types beside the standard's words for them."""

from __future__ import annotations

import pytest

from ropewalk.dataops.contracts.compile import LOGICAL_TYPES, TableColumn, has_logical_type, logical_type_of


@pytest.mark.parametrize(
    ("type_", "word"),
    [
        ("VARCHAR", "string"),
        ("UUID", "string"),
        ("ENUM('a', 'b(c')", "string"),
        ("DATE", "date"),
        ("TIMESTAMP_NS", "timestamp"),
        ("TIMESTAMP WITH TIME ZONE", "timestamp"),
        ("TIME", "time"),
        ("UTINYINT", "integer"),
        ("HUGEINT", "integer"),
        ("DECIMAL(18,3)", "number"),
        ("FLOAT", "number"),
        ("BOOLEAN", "boolean"),
        ("INTEGER[]", "array"),
        ("FLOAT[3]", "array"),
        ("STRUCT(a INTEGER)[]", "array"),
        ("STRUCT(a INTEGER[])", "object"),
        ("MAP(VARCHAR, INTEGER[])", "object"),
        ("BLOB", None),
        ("INTERVAL", None),
    ],
)
def test_the_narrowest_word(type_, word):
    """Each type has the narrowest word that the standard has for it; some it has no word for."""
    assert logical_type_of("x", type_) == word


@pytest.mark.parametrize(
    ("type_", "words"),
    [
        ("BIGINT", {"integer", "number"}),
        ("DOUBLE", {"number"}),
        ("MAP(VARCHAR, INTEGER)", {"map", "object"}),
        ("DOUBLE[]", {"array", "vector"}),
        ("VARCHAR", {"string"}),
        ("BLOB", set()),
    ],
)
def test_all_words_of_a_type(type_, words):
    """A whole number may be called a number too, and a list a vector; a text is nothing but a text."""
    assert {word for word in LOGICAL_TYPES if has_logical_type(TableColumn("x", type_), word)} == words


@pytest.mark.parametrize(
    ("name", "sql"), [("x", '"x"'), ('a"b', '"a""b"'), ("select", '"select"'), ("a.b", '"a.b"')]
)
def test_names_of_columns(name, sql):
    """Whatever a column is called, it is one name in SQL."""
    assert TableColumn(name, "DATE").sql == sql
