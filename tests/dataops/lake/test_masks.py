"""Masks as SQL: what each kind leaves of a value, whatever the value and its type."""

from __future__ import annotations

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ropewalk.dataops.lake import Column, Masks, literal, mask_sql, masked_relation

TYPES = [
    ("VARCHAR", "'Miller'"),
    ("INTEGER", "54321"),
    ("DECIMAL(10,2)", "54321.99"),
    ("DOUBLE", "54321.5"),
    ("BOOLEAN", "true"),
    ("DATE", "DATE '1980-05-17'"),
    ("TIMESTAMP", "TIMESTAMP '1980-05-17 12:34:56'"),
    ("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ '1980-05-17 12:34:56+00'"),
    ("TIME", "TIME '12:34:56'"),
    ("UUID", "'0190b5f4-6c3e-7d2a-8f00-1234567890ab'::UUID"),
    ("BLOB", "'Miller'::BLOB"),
    ("VARCHAR[]", "['Miller']"),
    ("STRUCT(a VARCHAR)", "{'a': 'Miller'}"),
    ("MAP(VARCHAR, VARCHAR)", "MAP {'Miller': 'x'}"),
    ("INTERVAL", "INTERVAL 54321 SECONDS"),
]


@pytest.fixture(scope="module")
def connection():
    """Return an engine."""
    with duckdb.connect() as connection:
        yield connection


def masked(connection, type_, value, kind, key="k"):
    sql = mask_sql(Column("x", type_), kind, key)
    return connection.execute(f"SELECT {sql} FROM (SELECT {value} AS x)").fetchone()[0]


@pytest.mark.parametrize(("type_", "value"), TYPES)
@pytest.mark.parametrize("kind", ["hash", "partial", "null"])
def test_no_type_shows_its_value(connection, type_, value, kind):
    """Of a value of any type no mask shows the whole, and a missing one stays missing."""
    shown = str(masked(connection, type_, value, kind))

    assert not any(part in shown for part in ("Miller", "54321", "05-17", "12:34", "6c3e"))
    assert masked(connection, type_, f"CAST(NULL AS {type_})", kind) is None


@pytest.mark.parametrize("kind", ["partial", "null", "total"])
@pytest.mark.parametrize(("type_", "value"), [item for item in TYPES if item[0] != "VARCHAR"])
def test_dates_and_numbers_keep_their_types(connection, type_, value, kind):
    """A query over a masked date still computes with dates; texts and what is shown as text stay texts."""
    sql = mask_sql(Column("x", type_), kind, "k")
    found = connection.sql(f"SELECT {sql} AS x FROM (SELECT CAST({value} AS {type_}) AS x)").types[0]

    assert str(found) in (type_, "VARCHAR")
    assert type_ in ("UUID", "BLOB") or str(found) == type_


@pytest.mark.parametrize(("type_", "value"), TYPES)
def test_totals_show_numbers_alone(connection, type_, value):
    """A sum or a count over persons is shown; a text, a date or a list made of them is not."""
    shown = masked(connection, type_, value, "total")

    assert (shown is not None) == (type_ in ("INTEGER", "DECIMAL(10,2)", "DOUBLE", "BOOLEAN"))


@given(text=st.text(min_size=1).filter(lambda text: "\0" not in text))
@settings(max_examples=40)
def test_texts_lose_all_but_their_beginning(connection, text):
    """A partial mask is the first sign and three stars; a hash says nothing of its text and is always the same."""
    value = literal(text)

    one, other, again = (masked(connection, "VARCHAR", value, "hash", key) for key in "aba")

    assert masked(connection, "VARCHAR", value, "partial") == text[0] + "***"
    assert one == again != other
    assert (len(one), set(one) <= set("0123456789abcdef")) == (16, True)


@pytest.mark.parametrize("type_", ["ENUM('Miller', 'x')", "ENUM('Miller', 'x')[]"])
def test_type_tells_no_values(connection, type_):
    """An enumeration names its values in its type: what is masked is of another."""
    found = connection.sql(
        f"SELECT {mask_sql(Column('x', type_), 'null', 'k')} AS x FROM (SELECT NULL::{type_} AS x)"
    )

    assert str(found.types[0]) == "VARCHAR"


def test_hash_without_a_key_is_none():
    """Where nobody needs to join, nothing of the value is left to be guessed."""
    assert "sha256" not in mask_sql(Column("x", "VARCHAR"), "hash", None)


def test_names_are_quoted(connection):
    """A column may be called anything."""
    column = Column('say "hi"; --', "VARCHAR")
    relation = masked_relation("t", [column], {column.name: "partial"}, "it's")
    connection.execute('CREATE OR REPLACE TABLE t AS SELECT \'ann\' AS "say ""hi""; --"')

    assert connection.execute(f"FROM {relation}").fetchall() == [("a***",)]


def test_relation_without_masks_is_itself():
    """What has nothing personal is read as it is."""
    assert masked_relation("lake.a.b", [Column("x", "INTEGER")], {}, "k") == "lake.a.b"


def test_masks_by_table_and_by_name():
    """A table's own masks count, else those of names; of a row in quarantine all but where it failed is hidden."""
    masks = Masks({"mart.a": {"x": "hash"}, "mart.c": {}}, {"mail": "partial"})
    columns = [Column(name, "VARCHAR") for name in ("X", "Mail", "_column", "_row")]

    assert masks.of("Mart.A", columns) == {"X": "hash"}
    assert masks.of("mart.b", columns) == {"Mail": "partial"}
    assert masks.of("mart.c", columns) == {}
    assert masks.of("quarantine.q", columns) == dict.fromkeys(("X", "Mail", "_row"), "null")
    assert bool(masks)
    assert not Masks()


def test_why_a_row_did_not_fit_is_shown():
    """Reasons are words of ours: who may not see the row sees what is wrong with it, and where."""
    columns = [Column(name, "VARCHAR") for name in ("_reason", "_column", "_value", "_file", "_line", "_row")]

    assert Masks(names={"mail": "hash"}).of("quarantine.q", columns) == {"_value": "null", "_row": "null"}
