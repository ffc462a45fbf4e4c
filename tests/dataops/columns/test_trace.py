"""Following a column up: what it is made of in the end, and what it is a copy of."""

from __future__ import annotations

from ropewalk.dataops.columns import Origin, copies_of, first_origins, read_table_lineage


def test_fields_that_a_column_is_made_of_in_the_end(open_graph):
    """Back to what no SQL makes."""
    found = read_table_lineage(*open_graph())

    assert first_origins(found, Origin("mart.cities", "paid")) == (Origin("raw.orders", "amount"),)
    assert first_origins(found, Origin("mart.ranks", "place")) == ()
    assert first_origins(found, Origin("raw.orders", "amount")) == ()


def test_copies_mean_the_same(open_graph):
    """A renamed or retyped column is a copy; a sum is not."""
    found = read_table_lineage(*open_graph())

    assert [str(origin) for origin in copies_of(found, Origin("mart.ranks", "city"))] == [
        "mart.cities.city",
        "staging.orders.city",
        "raw.orders.city",
    ]
    assert list(copies_of(found, Origin("mart.cities", "paid"))) == []
    assert list(copies_of(found, Origin("mart.cities", "nothing"))) == []
