"""The lake's parts that need no lake: names, SQL text, masks, addresses and what verification compares."""

from __future__ import annotations

import json

import duckdb
import pytest
from blake3 import blake3

from ropewalk.dataops.lake import (
    CheckedTable,
    Column,
    ExportFailed,
    InvalidQuery,
    InvalidSnapshot,
    InvalidTableName,
    Masks,
    Pin,
    QueryNotAllowed,
    StorageTaken,
    TableDigest,
    TableMissing,
    TableName,
    Verified,
    is_number,
    mask_sql,
    masked_relation,
    read_columns,
    read_memory,
    snapshot_of,
    table_of,
)
from ropewalk.dataops.lake.console import (
    Names,
    Query,
    _line_and_column,
    _nodes,
    _parse,
    _refuse_node,
    _with_prefix,
)
from ropewalk.dataops.lake.exporting import PIECE, _appearing, _digest
from ropewalk.dataops.lake.masked_query import refuse_detours
from ropewalk.dataops.lake.masks import is_untraced
from ropewalk.dataops.lake.snapshots import _changed
from ropewalk.dataops.lake.storage import _secret, read_storage
from ropewalk.dataops.lake.verifying import _compare
from ropewalk.errors import Place
from ropewalk.pipeline import Output
from ropewalk.settings import InvalidSetting


@pytest.fixture(scope="module")
def connection():
    """Return an engine."""
    with duckdb.connect() as connection:
        yield connection


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "a",
        "a.",
        ".a",
        "a.b.c",
        "1a.b",
        "a.1b",
        "a b.c",
        "a.b c",
        "a-b.c",
        "a.b\n",
        "a\n.b",
        'a."b"',
        "a..b",
    ],
)
def test_what_is_no_name_of_a_table(text):
    """Only schema.table is one: not a part of it, not more, and not with a line's end behind it."""
    with pytest.raises(InvalidTableName) as caught:
        TableName.parse(text)

    assert repr(text) in caught.value.message
    assert "mart.flights" in caught.value.hint


@pytest.mark.parametrize("text", ["a.b", "_a._b", "mart.flights_2024", "märz.straße", "A.B"])
def test_names_of_tables(text):
    """Letters of any script, digits behind them, and the case that was written."""
    assert str(TableName.parse(text)) == text


def test_name_at_a_snapshot():
    """The snapshot is written as a number, and a quote in a name cannot end it."""
    name = TableName('a"b', "c")

    assert name.at(7) == '"lake"."a""b"."c" AT (VERSION => 7)'
    assert name.unqualified == '"a""b"."c"'


@pytest.mark.parametrize(
    ("sql", "offset", "place"),
    [("abc", 0, (1, 1)), ("abc", 2, (1, 3)), ("a\nbc", 3, (2, 2)), ("ü\nüb", 5, (2, 2)), ("\n\n", 2, (3, 1))],
)
def test_lines_and_columns_of_bytes(sql, offset, place):
    """Offsets count bytes, places count letters."""
    assert _line_and_column(sql, offset) == place


@pytest.mark.parametrize(
    ("sql", "offsets", "expected"),
    [
        ("FROM a.b", [], "FROM a.b"),
        ("FROM a.b", [5], "FROM lake.a.b"),
        ("SELECT 'ü' FROM a.b, c.d", [17, 22], "SELECT 'ü' FROM lake.a.b, lake.c.d"),
    ],
)
def test_prefix_is_put_in_at_bytes(sql, offsets, expected):
    """The lake's name goes in front of each table that is asked for at a time, also behind letters of two bytes."""
    assert _with_prefix(sql, offsets) == expected


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        (None, None),
        (Place("q", 1), Place("q", 1)),
        (Place("q", 1, 4), Place("q", 1, 4)),
        (Place("q", 1, 20), Place("q", 1, 15)),
        (Place("q", 2, 20), Place("q", 2, 20)),
    ],
)
def test_place_in_what_the_person_wrote(place, expected):
    """What was put in before a place on its line is taken off its column."""
    assert Query("", None, moved=((1, 6),)).as_written(place) == expected


def test_every_node_in_the_order_of_the_text():
    """The first part that is not allowed is the one that is named."""
    tree = {"n": 1, "a": [{"n": 2, "b": {"n": 3}}, [{"n": 4}]], "c": {"n": 5}, "d": "text"}

    assert [node["n"] for node in _nodes(tree)] == [1, 2, 3, 4, 5]
    assert list(_nodes("text")) == []


def test_nodes_of_a_deep_query():
    """However deep a query is, going through it does not exhaust the stack."""
    tree: object = {"n": 0}
    for _ in range(5000):
        tree = {"children": [tree]}

    assert sum(1 for _ in _nodes(tree)) == 5001


def test_query_that_is_too_deep(connection):
    """A sum inside a sum inside a sum is refused in one sentence that says how else to write it."""
    with pytest.raises(InvalidQuery, match="too deep inside each other") as caught:
        _parse(connection, "SELECT " + "+".join(["1"] * 900))

    assert "list_sum" in caught.value.hint


@pytest.mark.parametrize("sql", ["CALL pragma_version()", "PIVOT (SELECT 1 AS a) ON a"])
def test_what_looks_like_a_select(connection, sql):
    """Statements that give rows, and are no SELECT, are refused."""
    with pytest.raises(QueryNotAllowed, match="SELECT"):
        _parse(connection, sql)


@pytest.mark.parametrize(
    ("node", "said", "nearest"),
    [
        ({"type": "TABLE_FUNCTION", "function": {"function_name": "RANG"}}, "'rang'", "range"),
        ({"type": "TABLE_FUNCTION", "function": {}}, "''", None),
        ({"type": "BASE_TABLE", "table_name": "/etc/passwd"}, "is a file", None),
        ({"type": "BASE_TABLE", "table_name": "x.csv"}, "is a file", None),
        ({"function_name": "GETENV"}, "'GETENV'", None),
    ],
)
def test_parts_that_reach_beyond_tables(node, said, nearest):
    """A file, a function of the machine and a table function that nobody listed are refused by name, in any case."""
    with pytest.raises(QueryNotAllowed) as caught:
        _refuse_node(node)

    assert said in caught.value.message
    assert caught.value.nearest == nearest


@pytest.mark.parametrize(
    "node",
    [{}, {"type": "BASE_TABLE", "table_name": "flights"}, {"function_name": "sum"}, {"type": "SUBQUERY"}],
)
def test_parts_that_are_allowed(node):
    """Tables, functions and everything else of a SELECT pass."""
    _refuse_node(node)


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("FROM other.mart.a", "'other.mart.a'"),
        ("FROM information_schema.tables", "'information_schema.tables'"),
        ("FROM duckdb_views", "'duckdb_views'"),
        ("FROM lake.mart.b", "'lake.mart.b'"),
        ("SELECT current_setting('x')", "'current_setting'"),
        ("SELECT STATS(1)", "'stats'"),
    ],
)
def test_ways_around_a_mask(connection, sql, said):
    """Who is masked may name tables only: no catalogue, no other database, no function that tells of either."""
    nodes = list(_nodes(_parse(connection, sql)))

    with pytest.raises(QueryNotAllowed) as caught:
        refuse_detours(connection, nodes, {"mart.a"}.__contains__)

    assert said in caught.value.message
    assert "masked" in caught.value.hint


def test_a_missing_table_is_told_as_missing(connection):
    """A name that no table has is no way around a mask: who is masked is told that there is none, as anybody is."""
    nodes = list(_nodes(_parse(connection, "FROM mart.b")))

    with pytest.raises(TableMissing, match=r"there is no table 'mart\.b' here"):
        refuse_detours(connection, nodes, {"mart.a"}.__contains__)


@pytest.mark.parametrize(
    "sql", ["FROM mart.a", "FROM Lake.Mart.A", "WITH t AS (FROM mart.a) FROM t", "SELECT upper('x')"]
)
def test_tables_are_no_way_around(connection, sql):
    """A table is asked for by its name in any case, with the lake in front or without."""
    refuse_detours(connection, _nodes(_parse(connection, sql)), {"mart.a"}.__contains__)


def test_unknown_names_are_told_in_order():
    """Each name that the environment does not have is told once, whatever case it was written in."""
    told: list[str] = []
    names = Names({"mart.a": 3}, told.append, lambda: ("Mart.Z",))

    names.refuse_unknown({TableName("mart", "Y"), TableName("MART", "A"), TableName("mart", "b")})

    assert told == ["mart.b", "mart.y"]
    assert names.snapshots([TableName("MART", "a")]) == {TableName("MART", "a"): 3}
    assert [names.is_table(name) for name in ("mart.a", "mart.z", "mart.y")] == [True, True, False]


@pytest.mark.parametrize(
    ("type_", "expected"),
    [
        ("DOUBLE", True), ("UINTEGER", True), ("DECIMAL(9,2)", True), ("HUGEINT", True), ("BOOLEAN", True),
        ("DOUBLE[]", False), ("DECIMAL(9,2)[3]", False), ("INTERVAL", False), ("VARCHAR", False), ("STRUCT(a INTEGER)", False),
    ],
)  # fmt: skip
def test_numbers_are_single(type_, expected):
    """A list of numbers has one of each person, and is no total."""
    assert is_number(Column("x", type_)) is expected


def test_mask_without_a_key_tells_only_that_there_is_a_value(connection):
    """Without a key a hash is three stars, and nothing stays nothing."""
    sql = mask_sql(Column("x", "VARCHAR"), "hash", None)

    found = connection.execute(f"SELECT {sql} FROM (VALUES ('ann'), (NULL)) AS t (x) ORDER BY ALL").fetchall()

    assert found == [("***",), (None,)]


def test_kind_of_mask_that_nobody_knows_hides(connection):
    """A kind from a newer version is not taken for none."""
    sql = mask_sql(Column("x", "INTEGER"), "scramble", "k")

    assert connection.execute(f"SELECT {sql} FROM (SELECT 5 AS x)").fetchall() == [(None,)]


def test_other_columns_and_their_order_stay(connection):
    """A mask replaces a column in its place."""
    columns = [Column(name, "INTEGER") for name in "abc"]
    relation = masked_relation("(SELECT 1 AS a, 2 AS b, 3 AS c)", columns, {"b": "null"}, "k")

    assert connection.execute(f"FROM {relation}").fetchall() == [(1, None, 3)]


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ("steps.a", True),
        ("predictions.a", True),
        ("predictions_dev.a", True),
        ("mart.a", False),
        ("stepson.a", False),
    ],
)
def test_tables_that_python_made(table, expected):
    """They are known by their schema: nobody knows where their columns come from."""
    assert is_untraced(table) is expected


def test_contract_of_a_table_that_python_made():
    """Names that are personal elsewhere hide a column there, unless the table's contract has spoken of it."""
    masks = Masks(untraced={"mail": "hash", "who": "hash"}, described={"steps.a": frozenset({"who"})})

    assert masks.known("steps.a") == {"mail": "hash"}
    assert masks.known("mart.a") == {}
    assert (masks.is_personal("Steps.A"), masks.is_personal("mart.a")) == (True, False)


def test_key_of_hashes_is_not_shown():
    """Whoever prints masks in a log does not print what hashes can be guessed with."""
    assert "very-secret" not in repr(Masks(key="very-secret"))


@pytest.mark.parametrize(
    ("told", "rows", "digest", "expected", "said"),
    [
        (3, 3, "d", "d", None),
        (3, 3, "d", None, None),
        (3, 2, "d", "d", "the catalogue says it has 3 rows, and it has 2"),
        (3, 3, "d", "e", "its content is not what was written down"),
    ],
)
def test_what_verification_finds(told, rows, digest, expected, said):
    """Rows are held against the catalogue, and content against whoever wrote down a digest."""
    assert _compare(told, TableDigest(rows, digest), expected) == said


def test_problems_are_sentences():
    """Each table and file that is wrong has its sentence; a file that nobody names has none."""
    bad, good = (
        CheckedTable("mart.a", 4, ("head",), None, "broken"),
        CheckedTable("mart.b", 4, ("head",), 1, None),
    )
    found = Verified(
        (bad, good), 3, 30, missing=("x",), damaged=("/d/y",), unknown=("/d/z",), unknown_bytes=1
    )

    assert found.problems == [
        "mart.a at snapshot 4: broken",
        "x is gone",
        "/d/y has not the size that was written",
    ]


@pytest.mark.parametrize("name", ["", "14", "-a", "a b", "a/b", "a\n", "ä", "a" * 101])
def test_names_that_no_pin_has(name):
    """A number would be a snapshot, and a path or an option is taken for something else."""
    with pytest.raises(InvalidSnapshot) as caught:
        Pin.new(name, "me", "")

    assert "begin with a letter" in caught.value.hint


@pytest.mark.parametrize(
    "setting", ["gs://bucket/x", "s3://UPPER/x", "s3://me:hunter2@bucket", "s3://bucket/a?b"]
)
def test_addresses_of_no_storage(tmp_path, setting):
    """What is not s3://BUCKET/PREFIX is refused, and not repeated: it may have credentials in it."""
    with pytest.raises(InvalidSetting) as caught:
        read_storage(setting, tmp_path, tmp_path)

    assert setting not in str(caught.value.as_json())


@pytest.mark.parametrize(
    ("environ", "has", "lacks"),
    [
        ({}, ["REGION 'us-east-1'"], ["ENDPOINT", "KEY_ID", "USE_SSL"]),
        ({"AWS_DEFAULT_REGION": "eu-north-1"}, ["REGION 'eu-north-1'"], ["us-east-1"]),
        ({"AWS_ENDPOINT_URL": "http://h:9"}, ["ENDPOINT 'h:9'", "URL_STYLE 'path'", "USE_SSL false"], []),
        ({"AWS_ENDPOINT_URL": "https://h"}, ["ENDPOINT 'h'"], ["USE_SSL"]),
        ({"AWS_ENDPOINT_URL": "http://a", "AWS_ENDPOINT_URL_S3": "http://b"}, ["ENDPOINT 'b'"], ["'a'"]),
        (
            {"AWS_ENDPOINT_URL": "https://h", "AWS_VIRTUAL_HOSTED_STYLE_REQUEST": "TRUE"},
            ["'vhost'"],
            ["'path'"],
        ),
        ({"AWS_SECRET_ACCESS_KEY": "it's"}, ["SECRET 'it''s'"], []),
    ],
)
def test_how_the_engine_logs_in(environ, has, lacks):
    """Variables that all clients read say where and as whom; plain HTTP is used only where they say so."""
    statement = _secret("s3://bucket/", "own", environ)

    assert [part for part in has if part not in statement] == []
    assert [part for part in lacks if part in statement] == []


@pytest.mark.parametrize("text", ["512MB", " 2GB ", "1.5GB"])
def test_amounts_are_trimmed(text):
    """Spaces around an amount are none of it."""
    assert read_memory(text) == text.strip()


def test_tree_is_what_the_engine_reads(connection):
    """The parse that is looked at can be turned back into the SQL that is run."""
    tree = _parse(connection, "SELECT a FROM mart.t WHERE b = 'x'")
    text = json.dumps(tree).replace("'", "''")

    [(sql,)] = connection.execute(f"SELECT json_deserialize_sql('{text}')").fetchall()

    assert "mart.t" in sql


def test_folder_appears_as_a_whole(tmp_path):
    """Until everything is written nothing of it is there, and an empty folder may be in its place."""
    (tmp_path / "out").mkdir()

    with _appearing(tmp_path / "out") as unfinished:
        (unfinished / "a").write_text("x", encoding="utf-8")
        assert list((tmp_path / "out").iterdir()) == []

    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert (tmp_path / "out/a").read_text(encoding="utf-8") == "x"


def test_folder_that_fails_leaves_nothing(tmp_path):
    """After an error neither the folder nor what was written of it is there."""
    with pytest.raises(ZeroDivisionError), _appearing(tmp_path / "deep/out"):
        _ = 1 / 0

    assert list((tmp_path / "deep").iterdir()) == []


@pytest.mark.parametrize(
    ("name", "error"), [("full", StorageTaken), ("full/a", StorageTaken), ("full/a/b", ExportFailed)]
)
def test_folders_that_cannot_be_filled(tmp_path, name, error):
    """Files that are there are never written over, and a path below a file cannot be made."""
    (tmp_path / "full").mkdir()
    (tmp_path / "full/a").write_text("mine", encoding="utf-8")

    with pytest.raises(error), _appearing(tmp_path / name):
        raise AssertionError

    assert (tmp_path / "full/a").read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize("length", [0, 1, PIECE, PIECE + 1])
def test_digest_of_a_file_in_pieces(tmp_path, length):
    """However many pieces a file is read in, its digest is that of its bytes."""
    (tmp_path / "a").write_bytes(b"x" * length)

    assert _digest(tmp_path / "a") == blake3(b"x" * length).hexdigest()


@pytest.mark.parametrize(
    ("sql", "columns"),
    [("SELECT 1 AS a", ["a INTEGER"]), ("SELECT 'x' AS \"B c\", [1] AS d", ["B c VARCHAR", "d INTEGER[]"])],
)
def test_columns_of_a_relation(connection, sql, columns):
    """Names come as they are written and types as the engine calls them, without a row being read."""
    found = read_columns(connection, f"({sql})")

    assert [f"{column.name} {column.type}" for column in found] == columns


@pytest.mark.parametrize(
    ("reference", "snapshot"),
    [
        ("snapshot:14", 14),
        ("snapshot:", None),
        ("snapshot:-1", None),
        ("snapshot:²", None),
        ("object:14", None),
        ("", None),
    ],
)
def test_snapshot_of_an_output(reference, snapshot):
    """Only a reference to a snapshot by its number is one."""
    assert snapshot_of(Output("digest", reference, {})) == snapshot


@pytest.mark.parametrize(
    ("node", "table"),
    [
        ("table:Mart.A", "mart.a"),
        ("source:orders", "raw.orders"),
        ("step:fit", "steps.fit"),
        ("publish:x", None),
        ("", None),
    ],
)
def test_table_of_a_node(node, table):
    """Each kind of node has its tables in a schema of its own, and other kinds make none."""
    assert table_of(node) == table


@pytest.mark.parametrize(
    ("changes", "tables"),
    [
        ({"tables_inserted_into": ["1"], "tables_created": ['"mart"."b"']}, ("mart.a", "mart.b")),
        ({"tables_deleted_from": ["1"], "tables_inserted_into": ["1"]}, ("mart.a",)),
        ({"tables_inserted_into": ["2", "9"]}, ()),
        ({"schemas_created": ["mart"]}, ()),
        ({}, ()),
    ],
)
def test_tables_that_a_commit_changed(changes, tables):
    """They are told by number or by name, each once; the books and tables that nobody knows are left out."""
    names = {"1": TableName("mart", "a"), "2": TableName("ropewalk", "pins")}

    assert _changed(changes, names) == tables
