"""The parts of publishing that need no server: types, URLs, refusals, changes of columns, documents."""

from __future__ import annotations

import duckdb
import pytest

from ropewalk.dataops.lake import Column, TableName
from ropewalk.dataops.publish import (
    InvalidPublication,
    Publication,
    PublishFailed,
    PublishSpec,
    TargetDrifted,
    TargetRefused,
    TargetTaken,
    TargetUnreachable,
    find_server,
    happened_meanwhile,
    translate_refusal,
)
from ropewalk.dataops.publish.changes import choose_change
from ropewalk.dataops.publish.declarations import MySQLTarget, PostgresTarget
from ropewalk.dataops.publish.dialects import MYSQL, POSTGRES, Sent
from ropewalk.dataops.publish.documents import document_sql, mapping_of, not_finite
from ropewalk.dataops.publish.ledger import Entry, Ledger
from ropewalk.dataops.publish.servers import Server
from ropewalk.dataops.publish.values import Content, Order
from ropewalk.errors import Place

PLACE = Place("ropewalk.yaml", 3)
SERVER = Server("postgres", "db", 5432, "shop", "me", "hunter2")


@pytest.mark.parametrize(
    ("kind", "postgres", "mysql"),
    [
        ("BOOLEAN", "boolean", "boolean"),
        ("TINYINT", "smallint", "tinyint"),
        ("UINTEGER", "bigint", "bigint"),
        ("BIGINT", "bigint", "bigint"),
        ("UBIGINT", "decimal(38,0)", "decimal(38,0)"),
        ("DECIMAL(18,3)", "decimal(18,3)", "decimal(18,3)"),
        ("FLOAT", "real", "float"),
        ("DOUBLE", "double precision", "double"),
        ("VARCHAR", "text", "longtext"),
        ("ENUM('a', 'b')", "text", "longtext"),
        ("DATE", "date", "date"),
        ("TIMESTAMP_NS", "timestamp", "datetime(6)"),
        ("TIMESTAMP WITH TIME ZONE", "timestamptz", "datetime(6)"),
        ("INTERVAL", "interval", "varchar(64)"),
        ("UUID", "uuid", "char(36)"),
        ("BLOB", "bytea", "longblob"),
        ("INTEGER[]", "jsonb", "json"),
        ("STRUCT(a INTEGER)", "jsonb", "json"),
        ("MAP(VARCHAR, INTEGER)", "jsonb", "json"),
        ("JSON", "jsonb", "json"),
        ("BIT", "text", "longtext"),
    ],
)
def test_every_type_has_its_own(kind, postgres, mysql):
    """Each of the engine's types becomes the nearest that the target has."""
    assert POSTGRES.sent(Column("a", kind)).type == postgres
    assert MYSQL.sent(Column("a", kind)).type == mysql


def test_text_of_a_key_has_an_end():
    """MySQL indexes no text without one; what is longer is an obstacle."""
    sent = MYSQL.sent(Column("a", "VARCHAR"), ("a",))

    assert sent.type == "varchar(255)"
    assert sent.obstacle is not None


@pytest.mark.parametrize(("dialect", "quoted"), [(POSTGRES, '"a""b"'), (MYSQL, '`a"b`')])
def test_names_are_quoted(dialect, quoted):
    """A quote in a name is part of it."""
    assert dialect.quote('a"b') == quoted


@pytest.mark.parametrize(
    ("url", "shown", "user", "password"),
    [
        ("postgresql://me:p%40ss@db:6000/shop", "postgres://db:6000/shop", "me", "p@ss"),
        ("postgres://db/shop?sslmode=require", "postgres://db:5432/shop", "", ""),
        ("postgresql://me@localhost/shop?host=/tmp", "postgres:///tmp:5432/shop", "me", ""),
    ],
)
def test_url_of_a_server(monkeypatch, url, shown, user, password):
    """Host, port, user and password are read, also where they are escaped; what is shown has no password."""
    monkeypatch.setenv("WAREHOUSE", url)

    server = find_server(PostgresTarget(kind="postgres", url="secret://WAREHOUSE"), PLACE)

    assert (server.shown, server.user, server.password) == (shown, user, password)
    assert not password or password not in repr(server)


def test_password_beside_the_url(monkeypatch):
    """The password may be a secret of its own."""
    monkeypatch.setenv("SECRET_WORD", "hunter2")
    target = MySQLTarget(kind="mysql", url="mysql://me@db/shop", password="secret://SECRET_WORD")  # its name

    assert find_server(target, PLACE).password == "hunter2"


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        (
            'FATAL:  password authentication failed for user "me"',
            TargetRefused,
            "password authentication failed",
        ),
        ("Access denied for user 'me'@'x' (using password: YES)", TargetRefused, "Access denied"),
        (
            'Failed to execute query "SELECT 1": ERROR:  permission denied for schema s',
            TargetRefused,
            "schema s",
        ),
        ('IO Error: Unable to connect to Postgres at "password=hunter2": refused', TargetUnreachable, "***"),
        (
            "Failed to connect to MySQL: Can't connect to server on 'db' (115)",
            TargetUnreachable,
            "Can't connect",
        ),
        (
            "IO Error: Failed to run query \"INSERT INTO t VALUES ('ann')\": Data too long for column",
            PublishFailed,
            "Data too long",
        ),
        (
            "Failed to copy data: ERROR:  duplicate key\nDETAIL:  Key (who)=(ann) already exists.",
            PublishFailed,
            "duplicate key",
        ),
    ],
)
def test_refusals_in_our_words(text, kind, said):
    """What a server says is told without the statement, its rows and the password."""
    error = translate_refusal(duckdb.Error(text), SERVER)

    assert type(error) is kind
    assert said in error.message
    assert "ann" not in error.message
    assert "hunter2" not in error.message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ERROR: could not serialize access due to concurrent update", True),
        ("Deadlock found when trying to get lock", True),
        ('duplicate key value violates unique constraint "ropewalk_publications_pkey"', True),
        ('duplicate key value violates unique constraint "orders_pkey"', False),
    ],
)
def test_what_may_be_tried_again(text, expected):
    """Only what another writer came in the way of is tried again."""
    assert happened_meanwhile(duckdb.Error(text)) is expected


def order(write="replace", *, rebuilds=False):
    """Return an order to publish one table."""
    entry = Publication.model_validate(
        {
            "table": "mart.t",
            "to": {"kind": "postgres", "url": "secret://X"},
            "write": write,
            "key": ["a"] if write == "merge" else [],
        }
    )
    content = Content(TableName("mart", "t"), 1, "d", 1, (Column("a", "BIGINT"),))
    return Order(PublishSpec("p", entry, PLACE), "production", content, rebuilds)


A, B = Sent("a", "bigint", "a"), Sent("b", "text", "b")
LAST = Entry(1, "d", (("a", "bigint"),), (("a", "bigint"),))
SEEN = [("a", "bigint")]


@pytest.mark.parametrize(
    ("write", "entries", "present", "sent", "makes", "adds"),
    [
        ("replace", (), None, [A], True, 0),
        ("replace", (LAST,), SEEN, [A], False, 0),
        ("replace", (LAST,), SEEN, [A, B], True, 0),
        ("merge", (LAST,), SEEN, [A, B], False, 1),
        ("append", (LAST,), SEEN, [A, B], False, 1),
        ("merge", (), [("a", "int"), ("more", "text")], [A], False, 0),
        # Announced, and killed before or after the table changed.
        ("replace", (Entry(1, "", (), ()),), SEEN, [A], True, 0),
        ("merge", (Entry(2, "", (), ()), LAST), [*SEEN, ("b", "text")], [A, B], False, 0),
        ("replace", (Entry(2, "", (), ()), LAST), [*SEEN, ("b", "text")], [A, B], True, 0),
    ],
)
def test_what_becomes_of_the_table(write, entries, present, sent, makes, adds):
    """Made anew, given columns, or left as it is: by what the ledger says and what is there."""
    change = choose_change(order(write), Ledger(entries), present, sent)

    assert (change.makes, len(change.adds)) == (makes, adds)


@pytest.mark.parametrize(
    ("write", "entries", "present", "sent", "kind"),
    [
        ("replace", (), SEEN, [A], TargetTaken),
        ("merge", (), [("x", "int")], [A], TargetDrifted),
        ("replace", (LAST,), [("a", "text")], [A], TargetDrifted),
        ("merge", (LAST,), [], [A], TargetDrifted),
        ("append", (LAST,), SEEN, [Sent("a", "text", "a")], TargetDrifted),
    ],
)
def test_tables_that_are_left_alone(write, entries, present, sent, kind):
    """What somebody else made or changed is refused; told to rebuild, it is made anew."""
    with pytest.raises(kind):
        choose_change(order(write), Ledger(entries), present, sent)

    assert choose_change(order(write, rebuilds=True), Ledger(entries), present, sent).makes


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        ("BIGINT", "long"),
        ("UBIGINT", "unsigned_long"),
        ("DECIMAL(9,2)", "scaled_float"),
        ("DECIMAL(30,2)", "double"),
        ("VARCHAR", "text"),
        ("UUID", "keyword"),
        ("TIMESTAMP WITH TIME ZONE", "date"),
        ("BLOB", "binary"),
        ("STRUCT(a INTEGER)", None),
        ("INTEGER[]", None),
    ],
)
def test_mapping_of_documents(kind, field):
    """Each type has its field; what is nested the cluster maps itself."""
    assert mapping_of((Column("a", kind),))["properties"].get("a", {}).get("type") == field


def test_documents_are_json():
    """A row is one JSON object, with times as clusters read them and binary values as Base64."""
    columns = (Column("it's", "BIGINT"), Column("b", "BLOB"), Column("t", "TIMESTAMP"))
    with duckdb.connect() as connection:
        sql = f"SELECT {document_sql(columns)} FROM (SELECT 1 AS \"it's\", 'x'::BLOB AS b, TIMESTAMP '2024-01-02' AS t)"
        [(text,)] = connection.execute(sql).fetchall()

    assert text == """{"it's":1,"b":"eA==","t":"2024-01-02T00:00:00.000000"}"""
    assert list(not_finite((*columns, Column("x", "DOUBLE")))) == ["x"]


def test_server_of_another_kind(monkeypatch):
    """A MySQL URL is none of PostgreSQL."""
    monkeypatch.setenv("WAREHOUSE", "mysql://me:hunter2@db/shop")

    with pytest.raises(InvalidPublication) as caught:
        find_server(PostgresTarget(kind="postgres", url="secret://WAREHOUSE"), PLACE)

    assert "hunter2" not in str(caught.value.as_json())
