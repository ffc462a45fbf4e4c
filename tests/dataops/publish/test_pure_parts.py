"""The parts of publishing that send nothing: declarations, columns that go out, obstacles, addresses and messages."""

from __future__ import annotations

import json

import duckdb
import pytest
from pydantic import ValidationError

from ropewalk.dataops.lake import Column, TableName
from ropewalk.dataops.publish import (
    InvalidPublication,
    Publication,
    PublishFailed,
    PublishSpec,
    TargetDrifted,
    TargetRefused,
    TargetTaken,
    cut_name,
    find_server,
    translate_refusal,
)
from ropewalk.dataops.publish.changes import choose_change
from ropewalk.dataops.publish.checks import refuse_obstacles
from ropewalk.dataops.publish.database import _merge_statements, _place, _Writer
from ropewalk.dataops.publish.declarations import MySQLTarget, PostgresTarget
from ropewalk.dataops.publish.dialects import MYSQL, POSTGRES, Sent
from ropewalk.dataops.publish.documents import document_sql, mapping_of
from ropewalk.dataops.publish.ledger import Entry, Ledger, _entry
from ropewalk.dataops.publish.parquet import Version, _kept, _manifest, _own_versions
from ropewalk.dataops.publish.private import private_columns
from ropewalk.dataops.publish.publishing import choose_columns
from ropewalk.dataops.publish.servers import Server
from ropewalk.dataops.publish.session import Target, TargetSession
from ropewalk.dataops.publish.storage import SwapLost, open_storage
from ropewalk.dataops.publish.values import Content, Order
from ropewalk.errors import Place
from ropewalk.project import load_project

PLACE = Place("ropewalk.yaml", 3)
DATABASE = {"kind": "postgres", "url": "secret://X"}
FOLDER = {"kind": "parquet", "path": "out"}
COLUMNS = (Column("Id", "BIGINT"), Column("who", "VARCHAR"), Column("price", "DOUBLE"))


def declare(to=DATABASE, **options):
    """Return one entry of `publish`."""
    return Publication.model_validate({"table": "mart.orders", "to": to, **options})


def spec(to=DATABASE, private=(), **options):
    return PublishSpec("orders", declare(to, **options), PLACE, dict.fromkeys(private, "pii"))


def order(to=DATABASE, *, rebuilds=False, digest="d1", environment="production", **options):
    content = Content(TableName("mart", "orders"), 7, digest, 2, COLUMNS)
    return Order(spec(to, **options), environment, content, rebuilds)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"columns": ["id", "Id"]}, "columns names Id twice"),
        ({"write": "merge", "key": ["a", "A"]}, "key names A twice"),
        ({"write": "merge", "key": ["c"], "columns": ["a", "b"]}, "key c is not among the columns"),
        ({"to": {**DATABASE, "url": "postgresql://me@h/d?password=hunter2"}}, "has a password in it"),
        (
            {"to": {**DATABASE, "url": "postgresql://h/d?sslmode=require&PASSWORD=hunter2"}},
            "has a password in it",
        ),
        ({"to": {**DATABASE, "url": "mysql://:hunter2@h/d"}}, "has a password in it"),
        ({"to": {**DATABASE, "url": ""}}, "at least 1 character"),
        ({"to": {**DATABASE, "table": "a\nb"}}, "control characters"),
        ({"to": {**FOLDER, "path": "out/}"}}, "only placeholder"),
        ({"to": {**FOLDER, "keep": 0}}, "greater than or equal to 1"),
        ({"to": {**FOLDER, "table": "x"}}, "Extra inputs"),
        ({"pii": "perhaps"}, "'refuse', 'leave_out' or 'include'"),
        ({"table": ""}, "at least 1 character"),
    ],
)
def test_entries_that_cannot_work(options, said):
    """What is named twice, has a password in it or does not fit is refused with its reason."""
    with pytest.raises(ValidationError, match=said):
        declare(**options)


def test_key_and_columns_may_differ_in_case():
    """The lake never tells names apart by case, so neither does the declaration."""
    assert declare(write="merge", key=["ID"], columns=["id", "who"]).key == ("ID",)


@pytest.mark.parametrize(
    ("to", "place"),
    [
        (DATABASE, "orders"),
        ({**DATABASE, "table": "shop.sold"}, "shop.sold"),
        (FOLDER, "out"),
        ({"kind": "elasticsearch", "url": "secret://X", "index": "orders-all"}, "orders-all"),
    ],
)
def test_place_of_each_target(to, place):
    """A target has the name that is declared for it, or the table's own."""
    assert declare(to).place == place


@pytest.mark.parametrize(
    ("environments", "acts"),
    [(["production"], (True, False)), (["*"], (True, True)), (["dev"], (False, True))],
)
def test_environments_that_publish(environments, acts):
    """Production does unless others are named; a star names all."""
    entry = declare({**FOLDER, "path": "out/{environment}"}, environments=environments)

    assert (entry.acts_in("production"), entry.acts_in("dev")) == acts


def test_environment_in_the_name_of_the_target():
    """The placeholder becomes the environment that publishes."""
    made = order({**FOLDER, "path": "out/{environment}/x"}, environment="dev", environments=["dev"])

    assert made.place == "out/dev/x"


@pytest.mark.parametrize(
    ("options", "personal", "names"),
    [
        ({}, set(), ["Id", "who", "price"]),
        ({"columns": ["PRICE", "id"]}, set(), ["price", "Id"]),
        ({"columns": ["id"]}, {"who"}, ["Id"]),
        ({"pii": "leave_out"}, {"who", "price"}, ["Id"]),
        ({"pii": "leave_out", "private": ["WHO"]}, set(), ["Id", "price"]),
        ({"pii": "include", "private": ["who"]}, {"who"}, ["Id", "who", "price"]),
    ],
)
def test_columns_that_go_out(options, personal, names):
    """Those that are named, in that order, without what is personal unless it is asked for."""
    assert [column.name for column in choose_columns(spec(**options), COLUMNS, personal)] == names


@pytest.mark.parametrize(
    ("options", "personal", "said"),
    [
        ({"columns": ["prise"]}, set(), "has no column 'prise'"),
        ({}, {"who"}, "would show who, which hold personal data"),
        ({"columns": ["WHO"]}, {"who"}, "would show who"),
        ({"private": ["Price"]}, set(), "would show price"),
        ({"pii": "leave_out"}, {"id", "who", "price"}, "every column of it is private"),
        ({"pii": "leave_out", "write": "merge", "key": ["ID"]}, {"id"}, "its key 'ID' is private"),
    ],
)
def test_columns_that_do_not_go_out(options, personal, said):
    """What is missing, personal or all hidden is refused where the entry stands."""
    with pytest.raises(InvalidPublication) as caught:
        choose_columns(spec(**options), COLUMNS, personal)

    assert said in caught.value.message
    assert caught.value.place == PLACE


def test_nearest_column():
    """Who mistook a letter is shown the right name."""
    with pytest.raises(InvalidPublication) as caught:
        choose_columns(spec(columns=["prise"]), COLUMNS, set())

    assert caught.value.nearest == "price"


CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: orders
version: 1.0.0
status: active
schema:
  - name: orders
    properties:
      - {name: id, logicalType: integer}
      - {name: salary, logicalType: number, classification: confidential}
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Return a project with a contract that calls a column confidential."""
    root = tmp_path_factory.mktemp("project")
    (root / "contracts").mkdir()
    (root / "contracts/mart.orders.odcs.yaml").write_text(CONTRACT, encoding="utf-8")
    (root / "ropewalk.yaml").write_text("project: shop\n", encoding="utf-8")
    return load_project(root, {})


@pytest.mark.parametrize("columns", [(), ("salary",), ("Salary", "id")])
def test_confidential_column_however_it_is_written(project, columns):
    """The contract's word holds for the column, in whatever case the entry writes its name."""
    with pytest.raises(InvalidPublication, match="classifies salary as confidential"):
        private_columns(project, "orders", declare(columns=columns), PLACE)


@pytest.mark.parametrize(("table", "columns"), [("mart.orders", ("ID",)), ("mart.others", ())])
def test_columns_of_everybody(project, table, columns):
    """What is not chosen, and a table without a contract, need no word."""
    entry = Publication.model_validate({"table": table, "to": DATABASE, "columns": columns})

    assert private_columns(project, "orders", entry, PLACE) == {}


def test_key_as_the_columns_are_written():
    """Servers tell names apart by case: the key goes there as the column itself is called."""
    assert order(write="merge", key=["ID", "WHO"]).key == ("Id", "who")


def test_key_in_another_case_is_indexed():
    """A text key is given an end in MySQL, however the entry writes its name."""
    made = order({"kind": "mysql", "url": "secret://X"}, write="merge", key=["WHO"])

    assert [MYSQL.sent(column, made.key).type for column in COLUMNS] == ["bigint", "varchar(255)", "double"]


def test_select_of_odd_names():
    """What is added stands behind the columns, whatever words the columns' names have in them."""
    content = Content(TableName("a", "b"), 3, "d", 1, (Column('x FROM "y"', "INTEGER"),))

    assert content.select(["1 AS n"]) == 'SELECT "x FROM ""y""", 1 AS n FROM "lake"."a"."b" AT (VERSION => 3)'
    assert content.select().startswith('SELECT "x FROM ""y""" FROM "lake"')


@pytest.fixture(scope="module")
def rows():
    """Return an engine, and an order's content that stands for rows of its own."""

    class Own(Content):
        relation = "(VALUES (1, 'ann', 'NaN'::DOUBLE), (1, NULL, 2.0), (2, 'bob', 1.0)) AS t (Id, who, price)"

    with duckdb.connect() as connection:
        yield connection, Own(TableName("mart", "orders"), 7, "d", 3, COLUMNS)


@pytest.mark.parametrize(
    ("kind", "key", "said"),
    [
        ("mysql", [], "1 values of column 'price' are NaN or infinite"),
        ("postgres", ["who"], "1 values of column 'who' are missing from the key"),
        ("postgres", ["ID"], r"1 rows have the key \(Id\) of another row"),
        ("postgres", ["id", "PRICE"], None),
        ("postgres", [], None),
    ],
)
def test_obstacles_are_counted(rows, kind, key, said):
    """Values that the target cannot hold, and keys that tell nothing apart, are counted before anything is sent."""
    connection, content = rows
    given = spec(write="merge", key=key) if key else spec()
    sent = [(MYSQL if kind == "mysql" else POSTGRES).sent(column) for column in COLUMNS]
    asked = Order(given, "production", content)

    if said is None:
        refuse_obstacles(connection, asked, sent)
    else:
        with pytest.raises(PublishFailed, match=said) as caught:
            refuse_obstacles(connection, asked, sent)
        assert caught.value.place == PLACE


@pytest.mark.parametrize(
    ("kind", "value", "postgres", "mysql"),
    [
        ("DATE", "'infinity'::DATE", False, True),
        ("DATE", "DATE '2024-02-29'", False, False),
        ("TIMESTAMP", "TIMESTAMP '10000-01-01'", False, True),
        ("DOUBLE", "'-inf'::DOUBLE", False, True),
        ("VARCHAR", "'a' || chr(0)", True, None),
        ("VARCHAR", "'ä'", False, None),
    ],
)
def test_obstacles_of_each_server(rows, kind, value, postgres, mysql):
    """Each condition finds just what its server does not have; None where there is no condition."""
    connection, _ = rows

    def met(dialect):
        obstacle = dialect.sent(Column("x", kind)).obstacle
        sql = f"SELECT {obstacle[0]} FROM (SELECT {value} AS x)" if obstacle else "SELECT NULL"
        found = connection.execute(sql).fetchone()[0]
        return found if dialect is MYSQL or obstacle else False

    assert (met(POSTGRES), met(MYSQL)) == (postgres, mysql)


@pytest.mark.parametrize(
    ("kind", "value", "shown"),
    [
        ("UBIGINT", "18446744073709551615::UBIGINT", "18446744073709551615"),
        ("TIMESTAMP_NS", "'2024-01-02 03:04:05.123456789'::TIMESTAMP_NS", "2024-01-02 03:04:05.123456"),
        ("UUID", "'0190b5f4-6c3e-7d2a-8f00-1234567890ab'::UUID", "0190b5f4-6c3e-7d2a-8f00-1234567890ab"),
        ("INTEGER[]", "[1, NULL]", "[1,null]"),
        ("STRUCT(a INTEGER)", "{'a': 1}", '{"a":1}'),
    ],
)
def test_expressions_give_the_value(rows, kind, value, shown):
    """What goes out is the value that is there, in a type that both servers take."""
    connection, _ = rows

    for dialect in (POSTGRES, MYSQL):
        sql = (
            f"SELECT CAST({dialect.sent(Column('x', kind)).expression} AS VARCHAR) FROM (SELECT {value} AS x)"
        )
        assert connection.execute(sql).fetchone() == (shown,)


@pytest.mark.parametrize(
    ("place", "environment", "kind", "expected"),
    [
        ("orders", "production", "postgres", ("public", "orders")),
        ("orders", "production", "mysql", ("shop", "orders")),
        ("mart.orders", "production", "postgres", ("mart", "orders")),
        ("orders_{environment}", "Fix/#12", "postgres", ("public", "orders_fix__12")),
    ],
)
def test_table_there(place, environment, kind, expected):
    """A name without a schema stands where the server's default is; an environment's odd letters become `_`."""
    made = order({**DATABASE, "table": place}, environment=environment)

    found = _place(made, Server(kind, "h", 1, "shop", "", ""))

    assert (found.schema, found.name) == expected


@pytest.mark.parametrize(
    ("place", "kind"),
    [("a.b.c", "postgres"), ("a.", "postgres"), ("ü" * 32, "postgres"), ("x" * 49, "mysql")],
)
def test_name_that_no_table_has_there(place, kind):
    """Names of three parts, of none, and longer in bytes than the server takes are refused with the limit."""
    with pytest.raises(InvalidPublication, match="is no name of a table there") as caught:
        _place(order({**DATABASE, "table": place}), Server(kind, "h", 1, "shop", "", ""))

    assert "of at most" in caught.value.hint


@pytest.mark.parametrize(
    ("dialect", "names", "key", "starts"),
    [
        (
            POSTGRES,
            ["a", "b"],
            ["a"],
            ['UPDATE "s"."t" t SET "b" = s."b" FROM', 'INSERT INTO "s"."t" ("a", "b")'],
        ),
        (MYSQL, ["a", "b"], ["a"], ["UPDATE `s`.`t` t JOIN `s`.`u` s ON", "INSERT INTO `s`.`t` (`a`, `b`)"]),
        (POSTGRES, ["a"], ["a"], ['INSERT INTO "s"."t" ("a")']),
    ],
)
def test_statements_of_a_merge(rows, dialect, names, key, starts):
    """Rows of the same key are updated where they differ, others inserted; with nothing beside the key only inserted."""
    session = TargetSession(rows[0], dialect)

    made = _merge_statements(session, Target("s", "t"), Target("s", "u"), names, key)

    assert [statement.startswith(start) for statement, start in zip(made, starts, strict=True)] == [
        True
    ] * len(starts)


LAST = Entry(4, "d0", (("a", "bigint"), ("b", "text")), (("a", "bigint"), ("b", "text")))


@pytest.mark.parametrize(
    ("present", "said"),
    [
        ([("a", "bigint")], "b is gone"),
        ([("a", "bigint"), ("b", "text"), ("c", "text")], "c is new"),
        ([("a", "int"), ("b", "text")], "a is int and was bigint"),
        ([("b", "text"), ("a", "bigint")], "they stand in another order"),
    ],
)
def test_what_has_drifted_is_told(present, said):
    """The difference is said column by column, with the command that makes the table anew."""
    sent = [Sent("a", "bigint", "a"), Sent("b", "text", "b")]

    with pytest.raises(TargetDrifted, match=said) as caught:
        choose_change(order(), Ledger((LAST,)), present, sent)

    assert "ropewalk publish orders --rebuild" in caught.value.hint


def test_column_that_has_another_type_now():
    """Merge keeps the table, so a changed type is refused with both."""
    sent = [Sent("a", "text", "a"), Sent("b", "text", "b")]

    with pytest.raises(TargetDrifted, match="published as bigint and is text now"):
        choose_change(order(write="merge", key=["id"]), Ledger((LAST,)), LAST.seen, sent)


@pytest.mark.parametrize(
    ("entries", "last", "announced", "next_"),
    [
        ((), None, False, 1),
        ((LAST,), LAST, False, 5),
        ((Entry(5, "", (), ()), LAST), LAST, True, 6),
        ((Entry(1, "", (), ()),), None, True, 2),
    ],
)
def test_what_the_ledger_says(entries, last, announced, next_):
    """The last that was written, whether a change was begun after it, and the number that comes next."""
    ledger = Ledger(entries)

    assert (ledger.last, ledger.is_announced, ledger.next) == (last, announced, next_)


def test_lines_of_the_ledger_are_read():
    """Numbers may come as decimals, and an empty digest as nothing at all."""
    columns = json.dumps({"sent": [["a", "bigint"]], "seen": []})

    assert _entry("3", None, columns) == Entry(3, "", (("a", "bigint"),), ())


def version(digest):
    return Version(digest, 7, 2, f"versions/{digest}/part-0.parquet", 10, "2026-01-01T00:00:00+00:00")


@pytest.mark.parametrize(
    ("write", "rebuilds", "kept"),
    [
        ("replace", False, ["d3"]),
        ("append", False, ["d3", "d2"]),
        ("replace", True, []),
        ("append", True, []),
    ],
)
def test_versions_that_stay(write, rebuilds, kept):
    """Replace keeps as many as asked, append all; made anew, none stays, and a lost one is not listed twice."""
    made = order(FOLDER, write=write, rebuilds=rebuilds)
    before = [version("d1"), version("d3"), version("d2")]

    assert [one.digest for one in _kept(made, before, _manifest(made, before))] == kept


@pytest.mark.parametrize("change", [{"columns": []}, {"columns": [{"name": "x", "type": "DATE"}]}, None])
def test_append_to_files_of_other_columns(change):
    """Readers take all files together: other columns, or a manifest that names none, begin anew or not at all."""
    made = order(FOLDER, write="append")
    manifest = json.loads(_manifest(made, [version("d0")]))
    manifest.pop("columns")

    with pytest.raises(TargetDrifted, match="has files of other columns"):
        _kept(made, [version("d0")], json.dumps(manifest | (change or {})).encode())


@pytest.mark.parametrize("text", ["", "[]", "7", '"x"', "{}", '{"publication": "orders"}', "\xff"])
def test_manifest_of_others(tmp_path, text):
    """Whatever stands there and is no manifest of ours is left alone."""
    storage = open_storage("out", tmp_path)

    with pytest.raises(TargetTaken, match="Ropewalk did not write it"):
        _own_versions(order(FOLDER), storage, text.encode("latin-1"))


def test_manifest_of_another_publication(tmp_path):
    """Whose it is is said, and how to keep out of its way."""
    theirs = _manifest(order(FOLDER, environment="dev"), [version("d1")])

    with pytest.raises(TargetTaken, match="publication 'orders' of environment 'dev'") as caught:
        _own_versions(order(FOLDER), open_storage("out", tmp_path), theirs)

    assert "{environment}" in caught.value.hint


def test_manifest_comes_back():
    """What is written down is read back, newest first, and only the newest is to be read after a replace."""
    made = order(FOLDER)
    text = _manifest(made, [version("d2"), version("d1")])

    assert json.loads(text)["files"] == ["versions/d2/part-0.parquet"]
    assert _own_versions(made, None, text) == [version("d2"), version("d1")]


def test_folder_takes_the_place_of_what_was_read(tmp_path):
    """A name is written for nobody, or in place of the version that was read, and of no other."""
    storage = open_storage("out", tmp_path)
    storage.swap("m", b"1", None)
    first = storage.read("m")

    storage.swap("m", b"22", first[1])

    assert storage.read("m")[0] == b"22"
    assert [storage.has("m", size) for size in (1, 2)] == [False, True]
    for stale in (None, first[1]):
        with pytest.raises(SwapLost):
            storage.swap("m", b"3", stale)


def test_folder_that_is_a_file(tmp_path):
    """What cannot be made is said with its path."""
    (tmp_path / "out").write_text("", encoding="utf-8")

    with pytest.raises(TargetRefused, match="cannot be made"):
        open_storage("out/deeper", tmp_path)


@pytest.mark.parametrize(
    "address", ["gs://bucket", "s3://A", "s3://me:hunter2@bucket/x", "http://h/x", "s3://b?x"]
)
def test_addresses_of_no_storage(tmp_path, address):
    """An address that is none is refused without being repeated."""
    with pytest.raises(InvalidPublication) as caught:
        open_storage(address, tmp_path)

    assert address not in str(caught.value.as_json())


@pytest.mark.parametrize(
    ("url", "password"),
    [
        ("postgresql://me@h/d?password=hunter2&sslmode=require", "hunter2"),
        ("postgresql://me:first@h/d?password=second", "first"),
        ("postgresql://me@h/d", ""),
    ],
)
def test_password_among_the_options(monkeypatch, url, password):
    """It is taken from there as libpq does, and the server's text does not have it."""
    monkeypatch.setenv("WAREHOUSE", url)

    server = find_server(PostgresTarget(kind="postgres", url="secret://WAREHOUSE"), PLACE)

    assert server.password == password
    assert not any(word in repr(server) for word in ("hunter2", "first", "second"))


@pytest.mark.parametrize(
    "url",
    [
        "mysql://h",
        "mysql://h/",
        "mysql:///d",
        "mysql://h:0x/d",
        "mysql://h:99999/d",
        "postgresql://h/d",
        "h/d",
        "mysql://[::1/d",
    ],
)
def test_urls_of_no_server(monkeypatch, url):
    """Without host or database, with a port that is none, or of another kind: refused with an example."""
    monkeypatch.setenv("WAREHOUSE", url)

    with pytest.raises(InvalidPublication, match="not that of a mysql database") as caught:
        find_server(MySQLTarget(kind="mysql", url="secret://WAREHOUSE"), PLACE)

    assert "mysql://USER@HOST/DATABASE" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "IO Error: ERROR:  value too long\nCONTEXT:  COPY t, line 1: ann",
            "did not take the rows: value too long",
        ),
        ("Binder Error:\n odd\n   thing", "did not take the rows: odd thing"),
        ("ERROR:  bad hunter2 here", "did not take the rows: bad *** here"),
    ],
)
def test_one_line_of_a_refusal(text, message):
    """The server's own sentence on one line, without rows and without the password."""
    error = translate_refusal(duckdb.Error(text), Server("postgres", "db", 5432, "shop", "me", "hunter2"))

    assert error.message == f"postgres://db:5432/shop {message}"


@pytest.mark.parametrize(
    ("kind", "value", "shown"),
    [
        ("DATE", "DATE '2024-02-29'", '"2024-02-29"'),
        ("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ '2024-01-02 03:04:05+00'", '"2024-01-02T03:04:05.000000Z"'),
        ("BLOB", r"'\x00\xFF'::BLOB", '"AP8="'),
        ("INTEGER[]", "[1, NULL]", "[1,null]"),
        ("VARCHAR", """'say "hi"'""", r'"say \"hi\""'),
        ("BIGINT", "NULL", "null"),
    ],
)
def test_values_of_documents(rows, kind, value, shown):
    """Each value is written as clusters read it."""
    connection, _ = rows
    sql = f"SELECT {document_sql((Column('x', kind),))} FROM (SELECT CAST({value} AS {kind}) AS x)"

    connection.execute("SET TimeZone = 'UTC'")

    assert connection.execute(sql).fetchone() == (f'{{"x":{shown}}}',)


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        ("DECIMAL(18,3)", {"type": "scaled_float", "scaling_factor": 1000}),
        ("DECIMAL(19,3)", {"type": "double"}),
        ("UTINYINT", {"type": "short"}),
        ("HUGEINT", {"type": "keyword"}),
        ("TIME", {"type": "keyword"}),
        ("ENUM('a')", {"type": "keyword"}),
    ],
)
def test_fields_at_the_edges(kind, field):
    """Sums that fit whole numbers stay exact; what clusters have no type for is kept as a word."""
    assert mapping_of((Column("x", kind),)) == {"properties": {"x": field}}


@pytest.mark.parametrize(
    ("name", "longest", "cut"),
    [("abc", 5, "abc"), ("abc", 2, "ab"), ("aüü", 4, "aü"), ("語", 2, ""), ("", 3, "")],
)
def test_names_are_cut_between_letters(name, longest, cut):
    """A name has no half letters, and never more bytes than it may."""
    assert cut_name(name, longest) == cut


@pytest.mark.parametrize("name", ["x" * 63, "ü" * 31])
def test_tables_beside_a_long_name(rows, name):
    """However long the table's own name is, each of those beside it has a name that the server does not cut."""
    writer = _Writer(TargetSession(rows[0], POSTGRES), order(), Target("public", name))

    beside = [writer._beside(what).name for what in ("new", "old", "stage")]

    assert len(set(beside)) == 3
    assert max(len(one.encode()) for one in beside) <= 63
