"""Columns side by side: which are there on both sides, how they are compared, and what changed of the schema."""

from __future__ import annotations

import pytest

from ropewalk.dataops.diff.pairs import is_number, pair_columns, schema_changes
from ropewalk.dataops.lake import Column


def test_columns_of_both_sides_are_paired_whatever_their_case():
    """In the order of the side after, under its spelling."""
    pairs = pair_columns(
        [Column("A", "INTEGER"), Column("gone", "DATE")], [Column("new", "DATE"), Column("a", "BIGINT")]
    )

    assert [(pair.name, pair.old.type, pair.new.type) for pair in pairs] == [("a", "INTEGER", "BIGINT")]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("INTEGER", True),
        ("UBIGINT", True),
        ("DECIMAL(18,3)", True),
        ("DOUBLE[]", False),
        ("VARCHAR", False),
        ("UUID", False),
    ],
)
def test_numbers_by_their_types(kind, expected):
    """Lists of numbers are none."""
    assert is_number(kind) is expected


@pytest.mark.parametrize(
    ("old", "new", "as_text"),
    [
        ("INTEGER", "DOUBLE", False),
        ("DATE", "TIMESTAMP WITH TIME ZONE", False),
        ("INTEGER", "VARCHAR", True),
        ("VARCHAR", "VARCHAR", False),
        ("STRUCT(a INTEGER)", "VARCHAR", True),
    ],
)
def test_types_too_different_are_compared_as_text(old, new, as_text):
    """Numbers with numbers and moments with moments are compared as what they are."""
    (pair,) = pair_columns([Column("x", old)], [Column("x", new)])

    assert pair.as_text is as_text
    assert ("::VARCHAR" in pair.read(pair.old)) is as_text


def test_schema_changes_in_words():
    """Retyped and new ones in the order after, gone ones behind."""
    before = [Column("a", "INTEGER"), Column("b", "DATE"), Column("c", "DATE")]
    after = [Column("d", "BOOLEAN"), Column("A", "BIGINT"), Column("c", "DATE")]

    assert [str(change) for change in schema_changes(before, after)] == [
        "d added (BOOLEAN)",
        "A retyped (INTEGER to BIGINT)",
        "b removed (DATE)",
    ]
