"""The metadata database on a PostgreSQL server: values, rows, dropped connections, and what it refuses."""

from __future__ import annotations

import math
import random
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from enum import StrEnum
from typing import TYPE_CHECKING

import pytest

from ropewalk.store import (
    Connection,
    Database,
    DatabaseBusy,
    DatabaseFailed,
    DatabaseTooNew,
    DatabaseUnreachable,
    DatabaseUnusable,
    RowRefused,
    TextUnstorable,
)
from ropewalk.store.postgresql import CONNECTIONS
from ropewalk.store.search import Condition, Page
from ropewalk.store.tracking.runs import NewRun, insert_run, search_runs, set_run_tags

if TYPE_CHECKING:
    from database_server import DatabaseServer

TABLE = "CREATE TABLE thing (id INTEGER PRIMARY KEY, name TEXT, size REAL, content BLOB)"


@pytest.fixture
def name(database_server: DatabaseServer) -> Iterator[str]:
    """Return the name of a database of the test's own."""
    with database_server.database() as found:
        yield found


@pytest.fixture
def database(database_server: DatabaseServer, name: str) -> Iterator[Database]:
    """Return it opened, with a table of things."""
    with closing(Database.open(database_server.url(name), busy_timeout_s=5)) as opened:
        with opened.write() as connection:
            connection.execute(TABLE)
        yield opened


@pytest.fixture
def drop(database_server: DatabaseServer, name: str) -> Callable[[], None]:
    """Return a function that has the server drop every connection to the database."""
    sql = f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{name}'"
    return lambda: database_server.run(sql) and None


def _add(database: Database, name: str) -> None:
    with database.write() as connection:
        connection.execute("INSERT INTO thing (name) VALUES (?)", (name,))


def _names(database: Database) -> list[str]:
    with database.read() as connection:
        return [row["name"] for row in connection.execute("SELECT name FROM thing ORDER BY id")]


def _write(database: Database, *steps: str | Callable[[], None]) -> None:
    """Run statements, and functions between them, in one transaction."""
    with database.write() as connection:
        for step in steps:
            if callable(step):
                step()
            else:
                connection.execute(step)


def _interrupt() -> None:
    raise KeyboardInterrupt


INSERT = "INSERT INTO thing (name) VALUES ('lost')"


class Colour(StrEnum):
    RED = "red"


@pytest.mark.parametrize(
    ("column", "value", "kept"),
    [
        ("id", 2**63 - 1, 2**63 - 1),
        ("id", -(2**63), -(2**63)),
        ("id", True, 1),
        ("size", 0.1 + 0.2, 0.1 + 0.2),
        ("size", 5e-324, 5e-324),
        ("size", 3, 3.0),
        ("size", math.inf, math.inf),
        ("size", -math.inf, -math.inf),
        # As SQLite keeps it.
        ("size", math.nan, None),
        ("name", "", ""),
        ("name", "'\"\\ {},%_ é 🪢\n\x01", "'\"\\ {},%_ é 🪢\n\x01"),
        ("name", Colour.RED, "red"),
        ("name", 5, "5"),
        ("name", None, None),
        ("content", b"", b""),
        ("content", bytes(range(256)), bytes(range(256))),
    ],
)
def test_values(database: Database, column: str, value: object, kept: object) -> None:
    """Values come back as they were bound, in the type that SQLite gives them."""
    with database.write() as connection:
        connection.execute(f"INSERT INTO thing ({column}) VALUES (?)", (value,))
        found = connection.execute(f"SELECT {column} FROM thing").fetchone()[0]

    assert (found, type(found)) == (kept, type(kept))


@pytest.mark.parametrize(("column", "value"), [("id", 2**63), ("id", "many"), ("size", "x"), ("id", "1.5")])
def test_values_that_do_not_fit(database: Database, column: str, value: object) -> None:
    """A value of another type than the column's is refused, and the next transaction works."""
    with pytest.raises(RowRefused, match="refused a row"), database.write() as connection:
        connection.execute(f"INSERT INTO thing ({column}) VALUES (?)", (value,))

    assert _names(database) == []


def test_text_with_a_nul(database: Database) -> None:
    """A NUL is refused before anything is sent."""
    with pytest.raises(TextUnstorable), database.write() as connection:
        connection.execute("INSERT INTO thing (name) VALUES (?)", ("a\0b",))


def test_value_of_no_known_type(database: Database) -> None:
    """What no column can hold is a mistake of the code."""
    with pytest.raises(TypeError, match="values of type object"), database.write() as connection:
        connection.execute("SELECT ?", (object(),))


def test_rows(database: Database) -> None:
    """A row answers by name and by place, and as a dictionary."""
    with database.read() as connection:
        row = connection.execute("SELECT 1 AS a, 'x' AS b, 2 AS a").fetchone()

    assert (row["a"], row[0], row[2], row["b"], len(row)) == (1, 1, 2, "x", 3)
    assert (row.keys(), tuple(row)) == (["a", "b"], (1, "x", 2))
    assert dict(row) == {"a": 1, "b": "x"}
    with pytest.raises(IndexError, match="no column 'c'"):
        row["c"]


def test_cursors(database: Database) -> None:
    """Rows are read one by one, all, or in a loop, each once."""
    with database.read() as connection:
        cursor = connection.execute("SELECT generate_series AS n FROM generate_series(1, 5)")
        first = cursor.fetchone()["n"]
        second = next(iter(cursor))["n"]
        rest = [row["n"] for row in cursor.fetchall()]

        assert (first, second, rest, cursor.fetchone()) == (1, 2, [3, 4, 5], None)


def test_equal_rows(database: Database) -> None:
    """Rows with the same names and values are equal, as values are."""
    with database.read() as connection:
        one, same, other = (
            connection.execute(sql).fetchone() for sql in ("SELECT 1 AS a", "SELECT 1 AS a", "SELECT 1 AS b")
        )

    assert one == same != other
    assert one != (1,)
    assert len({one, same}) == 1


def test_whole_sums(database: Database) -> None:
    """A sum of whole numbers is one, whatever type the server adds them in."""
    with database.read() as connection:
        row = connection.execute(
            "SELECT sum(n), avg(n) FROM (SELECT CAST(1 AS BIGINT) AS n UNION ALL SELECT 2) AS t"
        )

        assert tuple(row.fetchone()) == (3, 1.5)


def test_many_rows(database: Database) -> None:
    """Many rows go to the server together, and are counted."""
    rows = [(number, f"n{number}", None if number % 3 else 0.5) for number in range(1001)]
    with database.write() as connection:
        written = connection.executemany("INSERT INTO thing (id, name, size) VALUES (?, ?, ?)", rows)
        again = connection.executemany(
            "INSERT INTO thing (id) VALUES (?) ON CONFLICT DO NOTHING", [(1,), (2000,)]
        )
        gone = connection.execute("DELETE FROM thing WHERE size IS NULL AND id < ?", (10,))

    assert (written.rowcount, again.rowcount, gone.rowcount) == (1001, 1, 6)


def test_many_rows_and_a_wrong_one(database: Database) -> None:
    """Of many rows with one that is refused none is kept."""
    with pytest.raises(RowRefused), database.write() as connection:
        connection.executemany(
            "INSERT INTO thing (id) VALUES (?)", [(number % 500,) for number in range(900)]
        )

    assert _names(database) == []


def test_no_rows(database: Database) -> None:
    """Nothing to write is nothing written."""
    with database.write() as connection:
        assert connection.executemany("INSERT INTO thing (id) VALUES (?)", []).rowcount == 0


def test_order_of_texts(database: Database) -> None:
    """Texts are ordered by their bytes, as in SQLite, whatever language the server speaks."""
    for text in ("b", "A", "é", "a", "B", "_", "10", "9"):
        _add(database, text)

    with database.read() as connection:
        found = [row["name"] for row in connection.execute("SELECT name FROM thing ORDER BY name")]

    assert found == sorted(found) == ["10", "9", "A", "B", "_", "a", "b", "é"]


def test_more_statements_than_are_kept(database: Database) -> None:
    """Of the statements that were prepared the oldest are forgotten, at the server too."""
    with database.read() as connection:
        for number in (*range(250), *range(250)):
            assert connection.execute(f"SELECT {number}").fetchone()[0] == number
        (kept,) = connection.execute("SELECT count(*) FROM pg_prepared_statements").fetchone()

    assert kept <= 201


def test_values_longer_than_an_index_entry(database: Database) -> None:
    """A tag of any length is kept, and found by its whole value only."""
    long = "".join(random.Random(1).choices("abcdefghij0123456789", k=8000))
    with database.write() as connection:
        run = insert_run(connection, NewRun("abc", "0", "first", "ada", 5))
        set_run_tags(connection, run, {"note": long})

    with database.read() as connection:
        found = [
            search_runs(connection, [Condition("tag", "note", "=", value)], [], Page(5))
            for value in (long, long[:300], long + "x")
        ]
    assert [len(runs) for runs in found] == [1, 0, 0]


def test_password(database: Database, database_server: DatabaseServer, name: str) -> None:
    """Over the network the password counts; a wrong one is not in the message."""
    with closing(Database.open(database_server.network_url(name))) as opened:
        assert _names(opened) == []

    with pytest.raises(DatabaseUnusable, match="password authentication failed") as caught:
        Database.open(database_server.network_url(name, "wr0ng"))
    assert "wr0ng" not in f"{caught.value.as_json()} {caught.value.__cause__}"


@pytest.mark.parametrize("password", ["", ":"])
def test_no_password(database_server: DatabaseServer, password: str) -> None:
    """Without the password that the server asks for there is one clear error."""
    url = database_server.network_url("migrated").replace(":s3cret-word", password)

    with pytest.raises(DatabaseUnusable, match="cannot be used as the metadata database"):
        Database.open(url)


def test_database_that_does_not_exist(database_server: DatabaseServer) -> None:
    """A wrong name is told by name."""
    with pytest.raises(DatabaseUnusable, match='database "nowhere" does not exist') as caught:
        Database.open(database_server.url("nowhere"))

    assert "ROPEWALK_DATABASE_URL" in (caught.value.hint or "")


@pytest.mark.parametrize(
    "url", ["postgresql://ada:geheim@127.0.0.1:1/flights", "postgresql://ada:geheim@x/f?host=/nowhere"]
)
def test_no_server(url: str) -> None:
    """A server that is not there is something outside that may come back."""
    with pytest.raises(DatabaseUnreachable, match="does not answer") as caught:
        Database.open(url)

    assert caught.value.may_pass
    assert "geheim" not in f"{caught.value.as_json()} {caught.value.__cause__}"


def test_server_without_encryption(database_server: DatabaseServer) -> None:
    """Whoever asks for encryption gets it or an error, never a plain connection."""
    with pytest.raises(DatabaseUnusable, match="has no encryption") as caught:
        Database.open(database_server.network_url("migrated") + "?sslmode=require")

    assert "sslmode" in (caught.value.hint or "")


def test_database_of_another_encoding(database_server: DatabaseServer) -> None:
    """A database that does not keep UTF-8 would lose texts, and is refused."""
    database_server.run("CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'")

    with pytest.raises(DatabaseUnusable, match="keeps texts as LATIN1"):
        Database.open(database_server.url("latin"))


def test_database_of_a_newer_ropewalk(database: Database, database_server: DatabaseServer, name: str) -> None:
    """A newer schema is refused and left as it is."""
    with database.write() as connection:
        database.engine.set_schema_version(connection, 9999)

    with pytest.raises(DatabaseTooNew, match="schema 9999"):
        Database.open(database_server.url(name))


def test_user_who_may_not_make_tables(database_server: DatabaseServer) -> None:
    """A user without rights learns that it is the rights."""
    with suppress(Exception):
        database_server.run("CREATE ROLE guest LOGIN")
    with database_server.database("template0") as name:
        url = database_server.url(name).replace("ropewalk@", "guest@")

        with pytest.raises(DatabaseUnusable, match="permission denied"):
            Database.open(url)


def test_dropped_connections(database: Database, drop: Callable[[], None]) -> None:
    """After the server has dropped every connection the next transactions open new ones."""
    _add(database, "before")

    drop()

    assert _names(database) == ["before"]
    drop()
    _add(database, "after")
    assert _names(database) == ["before", "after"]


def test_dropped_inside_a_transaction(database: Database, drop: Callable[[], None]) -> None:
    """A transaction whose connection is dropped is an error that may pass, and leaves nothing."""
    with pytest.raises(DatabaseUnreachable) as caught:
        _write(database, INSERT, drop, INSERT)

    assert caught.value.may_pass
    assert _names(database) == []


def test_dropped_before_the_commit(database: Database, drop: Callable[[], None]) -> None:
    """What was not committed when the connection went is not there, and nobody is told that it is."""
    with pytest.raises(DatabaseUnreachable):
        _write(database, INSERT, drop)

    assert _names(database) == []


def test_interrupted(database: Database) -> None:
    """After Ctrl-C inside a transaction nothing of it is left, and the write lock is free."""
    with pytest.raises(KeyboardInterrupt):
        _write(database, INSERT, _interrupt)

    _add(database, "whole")
    assert _names(database) == ["whole"]


def test_reading_writes_nothing(database: Database) -> None:
    """A reader that writes by mistake is refused."""
    with pytest.raises(DatabaseUnusable, match="read-only"), database.read() as connection:
        connection.execute("INSERT INTO thing (name) VALUES ('x')")


def test_error_that_nobody_minded(database: Database) -> None:
    """A transaction in which a statement failed cannot be committed as if it had not."""

    def fail_unnoticed(connection: Connection) -> None:
        connection.execute(INSERT)
        with suppress(Exception):
            connection.execute("SELECT * FROM nowhere")

    with pytest.raises(DatabaseFailed, match="nothing of it was written"), database.write() as connection:
        fail_unnoticed(connection)

    assert _names(database) == []


def test_unknown_table(database: Database) -> None:
    """A statement that the server cannot run says what the server says."""
    with (
        pytest.raises(DatabaseFailed, match='relation "nowhere" does not exist'),
        database.read() as connection,
    ):
        connection.execute("SELECT * FROM nowhere")


def test_tables_that_another_process_changes(
    database: Database, database_server: DatabaseServer, name: str
) -> None:
    """A statement that was planned for the old tables fails once, as something that passes."""

    def read(connection: Connection) -> list[str]:
        return connection.execute("SELECT * FROM thing").fetchall()

    with database.read() as connection:
        read(connection)
    with closing(Database.open(database_server.url(name))) as newer, newer.write() as connection:
        connection.execute("ALTER TABLE thing ADD COLUMN extra TEXT")

    with pytest.raises(DatabaseBusy, match="has just changed the tables"), database.read() as connection:
        read(connection)
    with database.read() as connection:
        assert read(connection) == []


def test_more_threads_than_connections(database: Database) -> None:
    """Any number of threads share a few connections and take turns at writing."""
    threads = [threading.Thread(target=_add, args=(database, f"t{number}")) for number in range(25)]
    threads += [threading.Thread(target=_names, args=(database,)) for _ in range(25)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with database.read() as connection:
        (used,) = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'ropewalk'"
        ).fetchone()
    assert sorted(_names(database)) == sorted(f"t{number}" for number in range(25))
    assert used <= CONNECTIONS


def test_busy_in_this_process(database_server: DatabaseServer, name: str) -> None:
    """A thread that waited in vain for another of its process learns that too."""
    found = list[Exception]()

    def add(database: Database) -> None:
        try:
            _write(database, "SELECT 1")
        except DatabaseBusy as error:
            found.append(error)

    with closing(Database.open(database_server.url(name), busy_timeout_s=0.1)) as database, database.write():
        thread = threading.Thread(target=add, args=(database,))
        thread.start()
        thread.join()

    assert "in use by this process for 0.1 seconds" in str(found[0])


def test_no_update_is_lost(database: Database, database_server: DatabaseServer, name: str) -> None:
    """What is read in a write transaction stays true to its end, also beside other processes' writers."""
    _add(database, "0")

    def count_up(counting: Database) -> None:
        for _ in range(20):
            with counting.write() as connection:
                now = int(connection.execute("SELECT name FROM thing").fetchone()["name"])
                connection.execute("UPDATE thing SET name = ?", (str(now + 1),))

    others = [Database.open(database_server.url(name)) for _ in range(3)]
    threads = [threading.Thread(target=count_up, args=(counting,)) for counting in (database, *others)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for other in others:
        other.close()

    assert _names(database) == ["80"]


def test_files_need_no_driver() -> None:
    """Whoever keeps the metadata in a file never imports PostgreSQL's driver."""
    code = (
        "import sys, tempfile; from pathlib import Path; from ropewalk.store import Database\n"
        "Database.open(Path(tempfile.mkdtemp()) / 'a.db').close(); print('pg8000' in sys.modules)"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "False"


def test_missing_driver() -> None:
    """Without the driver the error names what to install."""
    code = (
        "import sys; sys.modules['pg8000'] = None\n"
        "from ropewalk.store import Database, DatabaseUnusable\n"
        "try: Database.open('postgresql://ada:geheim@db/x')\n"
        "except DatabaseUnusable as error: print(error, error.hint)"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "pip install 'ropewalk[postgres]'" in done.stdout
    assert "geheim" not in done.stdout
