"""Answers are there whenever they are read, and errors are never lost, however far ahead statements are sent."""

from __future__ import annotations

import pytest

from ropewalk.store import Connection, Database
from ropewalk.store.errors import RowRefused

ADD = "INSERT INTO metric_key (name) VALUES (?)"
COUNT = "SELECT count(*) FROM metric_key"


def _fill(connection: Connection, names: str) -> None:
    connection.executemany(ADD, [(name,) for name in names])


def test_answers_in_any_order(database: Database) -> None:
    """Two statements may both be asked before either answer is read, and the second read first."""
    with database.write() as connection:
        _fill(connection, "abc")
        first = connection.execute("SELECT name FROM metric_key ORDER BY name")
        second = connection.execute(COUNT)

        assert second.fetchone()[0] == 3
        assert [row["name"] for row in first] == ["a", "b", "c"]


def test_an_answer_is_of_its_own_time(database: Database) -> None:
    """What is written after a question is not in its answer, though that is read later."""
    with database.write() as connection:
        _fill(connection, "a")
        before = connection.execute(f"{COUNT} WHERE name = ?", ("b",))
        found = before.fetchone()[0]
        _fill(connection, "b")

        assert found == 0
        assert connection.execute(COUNT).fetchone()[0] == 2


def test_an_unread_refusal(database: Database) -> None:
    """A statement whose answer nobody reads still fails the transaction, at its end at the latest."""
    with pytest.raises(RowRefused), database.write() as connection:
        _fill(connection, "aa")

    with database.read() as connection:
        assert connection.execute(COUNT).fetchone()[0] == 0


def test_a_refusal_before_a_question(database: Database) -> None:
    """A question after a refused row tells of the refused row, and not of the transaction that it ended."""

    def ask(connection: Connection) -> None:
        _fill(connection, "aa")
        connection.execute(COUNT).fetchone()

    with pytest.raises(RowRefused, match="refused a row"), database.write() as connection:
        ask(connection)


def test_the_next_transaction_is_whole(database: Database) -> None:
    """After a refusal the same thread writes and reads as if nothing had been."""
    for _ in range(3):
        with pytest.raises(RowRefused), database.write() as connection:
            _fill(connection, "xx")
    with database.write() as connection:
        _fill(connection, "y")

    with database.read() as connection:
        assert [row[0] for row in connection.execute("SELECT name FROM metric_key")] == ["y"]


def test_much_in_both_directions(database: Database) -> None:
    """Megabytes that are not read yet hold up no megabytes that are written."""
    with database.write() as connection:
        connection.execute("CREATE TABLE heap (content BLOB)")
        connection.executemany("INSERT INTO heap (content) VALUES (?)", [(b"x" * 2_000_000,)] * 3)
    with database.write() as connection:
        unread = connection.execute("SELECT content FROM heap")
        rows = unread.fetchall()
        again = connection.execute("SELECT content FROM heap")
        connection.executemany("INSERT INTO heap (content) VALUES (?)", [(b"y" * 2_000_000,)] * 3)

        assert len(rows) == 3
        assert {len(row["content"]) for row in again} == {2_000_000}


@pytest.mark.parametrize("rows", [1, 199, 200, 201, 1_000])
def test_many_rows_are_counted(database: Database, rows: int) -> None:
    """The count of written rows is right however many messages they took."""
    with database.write() as connection:
        written = connection.executemany(ADD, [(str(number),) for number in range(rows)])

        assert written.rowcount == rows


def test_a_reader_that_reads_nothing(database: Database) -> None:
    """A question that nobody waits for leaves its connection as good as it was."""
    for _ in range(30):
        with database.read() as connection:
            connection.execute(COUNT)

    with database.read() as connection:
        assert connection.execute(COUNT).fetchone()[0] == 0
