"""Conditions and orderings as SQL: on a table of its own, so that nothing of tracking is needed."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import dedent

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ropewalk.store import Connection, Database
from ropewalk.store.database import split_statements
from ropewalk.store.search import Condition, Ordering, Page, Satellite, Searched, search

SHIPS = Searched(
    table="ship",
    identity=("yard", "number"),
    attributes={"name": "ship.name", "length": "ship.length"},
    satellites={
        "part": Satellite("part", ("yard", "number")),
        "note": Satellite("note", ("yard", "number")),
        "log": Satellite(
            "(SELECT * FROM entry WHERE port = ?)",
            ("yard", "number"),
            key="",
            columns={"text": "text"},
            bound=("Hull",),
        ),
    },
    ties="ship.number",
)


TABLES = """
    CREATE TABLE ship (yard TEXT, number INTEGER, name TEXT, length REAL);
    CREATE TABLE part (yard TEXT, number INTEGER, key TEXT, value REAL);
    CREATE TABLE note (yard TEXT, number INTEGER, key TEXT, value TEXT);
    CREATE TABLE entry (yard TEXT, number INTEGER, port TEXT, text TEXT);
    INSERT INTO ship VALUES ('a', 1, 'Ada', 10), ('a', 2, 'bob', NULL), ('b', 3, 'Cyd', 30);
    INSERT INTO part VALUES ('a', 1, 'mast', 3), ('b', 3, 'mast', 1), ('a', 2, 'mast', NULL), ('b', 1, 'mast', 9);
    INSERT INTO entry VALUES ('a', 1, 'Hull', 'fog'), ('b', 3, 'Cork', 'fog');
"""
# A NUL has a test of its own: PostgreSQL keeps it in no text.
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)))


@pytest.fixture
def connection(database: Database) -> Iterator[Connection]:
    """Return a database with three ships, their parts and their logs, on each engine."""
    with database.write() as opened:
        for statement in split_statements(dedent(TABLES)):
            opened.execute(statement)
        yield opened


def _numbers(connection: Connection, *conditions: Condition, order: tuple[Ordering, ...] = ()) -> list[int]:
    rows = search(connection, SHIPS, conditions, order, Page(10))
    return [row["number"] for row in rows]


def test_everything(connection: Connection) -> None:
    """Without conditions all rows come in the order of ties, with their identity."""
    rows = search(connection, SHIPS, [], [], Page(10))

    assert [tuple(row)[:2] for row in rows] == [("a", 1), ("a", 2), ("b", 3)]


@pytest.mark.parametrize(
    ("condition", "numbers"),
    [
        (Condition("attribute", "name", "=", "Ada"), [1]),
        (Condition("attribute", "name", "!=", "Ada"), [2, 3]),
        (Condition("attribute", "name", "LIKE", "%d%"), [1, 3]),
        (Condition("attribute", "name", "LIKE", "%D%"), []),
        (Condition("attribute", "name", "ILIKE", "%D%"), [1, 3]),
        (Condition("attribute", "name", "IN", ("Ada", "bob")), [1, 2]),
        (Condition("attribute", "name", "NOT IN", ("Ada", "bob")), [3]),
        (Condition("attribute", "length", ">=", 10.0), [1, 3]),
        (Condition("attribute", "length", "!=", 10.0), [2, 3]),
        (Condition("attribute", "length", "IS NULL"), [2]),
        (Condition("attribute", "length", "IS NOT NULL"), [1, 3]),
        (Condition("part", "mast", ">", 2.0), [1]),
        (Condition("part", "mast", "!=", 3.0), [2, 3]),
        (Condition("part", "mast", "IS NULL"), []),
        (Condition("part", "sail", "IS NULL"), [1, 2, 3]),
        (Condition("part", "sail", "IS NOT NULL"), []),
        (Condition("log", "text", "=", "fog"), [1]),
    ],
)
def test_conditions(connection: Connection, condition: Condition, numbers: list[int]) -> None:
    """Attributes and satellites are compared; a satellite belongs by all columns of the identity."""
    assert _numbers(connection, condition) == numbers


@pytest.mark.parametrize(
    ("name", "pattern", "fits"),
    [
        ("Über", "über", True),
        ("STRAẞE", "straß_", True),
        ("Жук", "%ЖУ%", True),
        ("éa", "É", False),
        ("Ada", "ädä", False),
        ("100 % é", "100 \\% É", False),
    ],
)
def test_letters_of_every_alphabet(connection: Connection, name: str, pattern: str, fits: bool) -> None:
    """ILIKE ignores the case of any letter, alike on both databases, and its wild cards stay wild."""
    connection.execute("UPDATE ship SET name = ? WHERE number = 1", (name,))

    assert (1 in _numbers(connection, Condition("attribute", "name", "ILIKE", pattern))) == fits


@pytest.mark.parametrize(
    ("order", "numbers"),
    [
        ((Ordering("attribute", "length"),), [1, 3, 2]),
        ((Ordering("attribute", "length", is_ascending=False),), [3, 1, 2]),
        ((Ordering("part", "mast"),), [3, 1, 2]),
        ((Ordering("part", "mast", is_ascending=False),), [1, 3, 2]),
        ((Ordering("part", "sail"), Ordering("attribute", "name", is_ascending=False)), [2, 3, 1]),
    ],
)
def test_orderings(connection: Connection, order: tuple[Ordering, ...], numbers: list[int]) -> None:
    """What has no value comes last in both directions."""
    assert _numbers(connection, order=order) == numbers


def test_all_at_once(connection: Connection) -> None:
    """Values are bound in the order of the statement: of orderings, then of conditions, then of the page."""
    conditions = (
        Condition("log", "text", "LIKE", "f_g"),
        Condition("part", "mast", "<", 5.0),
        Condition("attribute", "name", "IN", ("Ada", "Cyd")),
    )
    order = (Ordering("part", "sail"), Ordering("part", "mast", is_ascending=False))

    assert _numbers(connection, *conditions, order=order) == [1]


def test_empty_lists(connection: Connection) -> None:
    """Nothing is in an empty list, and everything outside."""
    assert _numbers(connection, Condition("attribute", "name", "IN", ())) == []
    assert _numbers(connection, Condition("attribute", "name", "NOT IN", ())) == [1, 2, 3]


def test_pages(connection: Connection) -> None:
    """A page has a size and a place."""
    rows = [search(connection, SHIPS, [], [], Page(2, offset)) for offset in (0, 2, 9)]

    assert [[row["number"] for row in page] for page in rows] == [[1, 2], [3], []]


@given(key=TEXTS, value=TEXTS, operator=st.sampled_from(["=", "!=", "LIKE", "ILIKE"]))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text(connection: Connection, key: str, value: str, operator: str) -> None:
    """No key and no value is ever read as SQL."""
    _numbers(connection, Condition("note", key, operator, value), order=(Ordering("note", key),))

    assert connection.execute("SELECT count(*) FROM ship").fetchone()[0] == 3


@given(st.text("aA%_*?[]^-!\\", max_size=8), st.text("aA*?[]^-!\\%", max_size=8))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_patterns(connection: Connection, pattern: str, name: str) -> None:
    """LIKE minds case, and only `%` and `_` are wild."""
    import re

    connection.execute("UPDATE ship SET name = ? WHERE number = 1", (name,))
    expected = "".join({"%": ".*", "_": "."}.get(sign, re.escape(sign)) for sign in pattern)

    found = _numbers(connection, Condition("attribute", "name", "LIKE", pattern))

    assert (1 in found) == bool(re.fullmatch(expected, name, re.DOTALL))
