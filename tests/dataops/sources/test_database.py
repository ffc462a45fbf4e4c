"""PostgreSQL, MySQL and DuckDB as sources: types, cursors, probes, connections that break off, names and secrets."""

from __future__ import annotations

import datetime as dt
import re
import threading
from collections.abc import Iterator
from decimal import Decimal

import duckdb
import pytest
from cutting_proxy import cutting_proxy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ropewalk.dataops.sources.dialects import TablePath
from ropewalk.errors import Place, RopewalkError
from ropewalk.pipeline import Status

FEW = settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
UTC = dt.UTC


class Server:
    """A database of the test's own, on either server."""

    def __init__(self, kind: str, url: str, run, port: int) -> None:
        self.kind = kind
        self.url = url
        self.run = run
        self.port = port

    def entry(self, options: str, url: str | None = None) -> str:
        """Return a declaration."""
        return f"{{kind: {self.kind}, url: '{url or self.url}', {options}}}"


@pytest.fixture
def postgres(database_server) -> Iterator[Server]:
    from pg8000.native import Connection

    with database_server.database("template1") as name:
        socket = f"{database_server.folder}/.s.PGSQL.{database_server.port}"
        connection = Connection("ropewalk", unix_sock=socket, database=name)
        yield Server("postgres", database_server.network_url(name), connection.run, database_server.port)
        connection.close()


@pytest.fixture
def mysql(mariadb_server) -> Iterator[Server]:
    with mariadb_server.database() as name:
        yield Server(
            "mysql", mariadb_server.url(name), lambda sql: mariadb_server.run(sql, name), mariadb_server.port
        )


@pytest.fixture(params=["postgres", "mysql"])
def server(request: pytest.FixtureRequest) -> Server:
    """Return either."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def orders(server: Server) -> Server:
    """Return a database with two orders."""
    server.run("CREATE TABLE orders (id INT, name VARCHAR(20), at BIGINT)")
    server.run("INSERT INTO orders VALUES (1, 'ann', 10), (2, NULL, 20)")
    return server


POSTGRES_TYPES = [
    ("smallint", "7", "SMALLINT", 7),
    ("bigint", "9223372036854775807", "BIGINT", 2**63 - 1),
    ("numeric(10,2)", "12.34", "DECIMAL(10,2)", Decimal("12.34")),
    ("numeric", "1.234567890123456789", "VARCHAR", "1.234567890123456789"),
    ("numeric(60,30)", "0.1", "VARCHAR", "0.100000000000000000000000000000"),
    ("real", "1.5", "FLOAT", 1.5),
    ("double precision", "'NaN'", "DOUBLE", None),
    ("boolean", "true", "BOOLEAN", True),
    ("text", "'é😀'", "VARCHAR", "é😀"),
    ("char(3)", "'a'", "VARCHAR", "a"),
    ("bytea", "'\\x00ff'", "BLOB", b"\x00\xff"),
    ("date", "'2024-02-29'", "DATE", dt.date(2024, 2, 29)),
    ("time", "'10:11:12.123456'", "TIME", dt.time(10, 11, 12, 123456)),
    (
        "timestamp",
        "'2024-01-02 03:04:05.123456'",
        "TIMESTAMP",
        dt.datetime.fromisoformat("2024-01-02T03:04:05.123456"),
    ),
    (
        "timestamptz",
        "'2024-01-02 03:04:05+02'",
        "TIMESTAMP WITH TIME ZONE",
        dt.datetime(2024, 1, 2, 1, 4, 5, tzinfo=UTC),
    ),
    ("interval", "'3 days'", "INTERVAL", dt.timedelta(days=3)),
    ("uuid", "'11111111-1111-1111-1111-111111111111'", "UUID", None),
    ("jsonb", """'{"a": [1]}'""", "JSON", '{"a": [1]}'),
    ("int[]", "'{1,2}'", "INTEGER[]", [1, 2]),
    ("text[]", "'{a,NULL}'", "VARCHAR[]", ["a", None]),
    ("numeric[]", "'{1.5,2}'", "VARCHAR[]", ["1.5", "2"]),
    ("mood", "'sad'", "VARCHAR", "sad"),
    ("mood[]", "'{sad,ok}'", "VARCHAR[]", ["sad", "ok"]),
    ("positive", "5", "INTEGER", 5),
    ("precise", "1.5", "VARCHAR", "1.5"),
    ("bit(3)", "B'101'", "VARCHAR", "101"),
    ("inet", "'10.0.0.1'", "VARCHAR", "10.0.0.1/32"),
    ("money", "12.3", "DECIMAL(20,2)", Decimal("12.30")),
    ("oid", "4294967295", "BIGINT", 2**32 - 1),
    ("int4range", "'[1,5)'", "VARCHAR", "[1,5)"),
    ("point", "'(1,2)'", "VARCHAR", "(1,2)"),
]


def test_types_of_postgres(project, postgres: Server) -> None:
    """Each arrives exactly, or as text that says all of it."""
    postgres.run("CREATE TYPE mood AS ENUM ('sad', 'ok')")
    postgres.run("CREATE DOMAIN positive AS int CHECK (value > 0)")
    postgres.run("CREATE DOMAIN precise AS numeric")
    columns = ", ".join(f"c{n} {kind}" for n, (kind, _, _, _) in enumerate(POSTGRES_TYPES))
    postgres.run(f"CREATE TABLE t ({columns})")
    postgres.run(f"INSERT INTO t VALUES ({', '.join(value for _, value, _, _ in POSTGRES_TYPES)})")

    project.declare(postgres.entry("table: t")).load()

    found = project.rows("SELECT *")[0]
    types = list(project.types().values())
    for (kind, _, wanted, value), type_, got in zip(POSTGRES_TYPES, types, found, strict=True):
        assert type_ == wanted, kind
        assert value is None or got == value, kind


MYSQL_TYPES = [
    ("tinyint", "-1", "TINYINT", -1),
    ("tinyint(1)", "5", "TINYINT", 5),
    ("smallint unsigned", "65535", "USMALLINT", 65535),
    ("mediumint", "-8388608", "INTEGER", -8388608),
    ("bigint unsigned", "18446744073709551615", "UBIGINT", 2**64 - 1),
    ("decimal(10,2)", "12.34", "DECIMAL(10,2)", Decimal("12.34")),
    (
        "decimal(65,30)",
        "'12345678901234567890.5'",
        "VARCHAR",
        "12345678901234567890.500000000000000000000000000000",
    ),
    ("float", "1.5", "FLOAT", 1.5),
    ("double", "2.5", "DOUBLE", 2.5),
    ("bit(1)", "b'1'", "BOOLEAN", True),
    ("bit(10)", "b'1000000001'", "UBIGINT", 513),
    ("varchar(10)", "'é😀'", "VARCHAR", "é😀"),
    ("text character set latin1", "'é'", "VARCHAR", "é"),
    ("varchar(5) collate utf8mb4_bin", "'x'", "VARCHAR", "x"),
    ("varbinary(4)", "x'00ff'", "BLOB", b"\x00\xff"),
    ("date", "'2024-02-29'", "DATE", dt.date(2024, 2, 29)),
    ("date", "'0000-00-00'", "DATE", None),
    (
        "datetime(6)",
        "'2024-01-02 03:04:05.123456'",
        "TIMESTAMP",
        dt.datetime.fromisoformat("2024-01-02T03:04:05.123456"),
    ),
    (
        "timestamp null",
        "'2024-01-02 03:04:05'",
        "TIMESTAMP WITH TIME ZONE",
        dt.datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC),
    ),
    ("time", "'-838:59:59'", "VARCHAR", "-838:59:59"),
    ("year", "2024", "INTEGER", 2024),
    ("enum('a','b')", "'b'", "VARCHAR", "b"),
    ("set('x','y')", "'x,y'", "VARCHAR", "x,y"),
    ("json", """'{"a": 1}'""", "VARCHAR", '{"a": 1}'),
    ("point", "ST_GeomFromText('POINT(1 2)')", "VARCHAR", "POINT(1 2)"),
    ("uuid", "'11111111-1111-1111-1111-111111111111'", "VARCHAR", "11111111-1111-1111-1111-111111111111"),
]


def test_types_of_mysql(project, mysql: Server) -> None:
    """Each arrives exactly, or as text that says all of it; zero dates are no dates."""
    columns = ", ".join(f"c{n} {kind}" for n, (kind, _, _, _) in enumerate(MYSQL_TYPES))
    values = ", ".join(value for _, value, _, _ in MYSQL_TYPES)
    mysql.run(
        f"SET sql_mode = '', time_zone = '+00:00'; CREATE TABLE t ({columns}); INSERT INTO t VALUES ({values})"
    )

    project.declare(mysql.entry("table: t")).load()

    found = project.rows("SELECT *")[0]
    types = list(project.types().values())
    for (kind, _, wanted, value), type_, got in zip(MYSQL_TYPES, types, found, strict=True):
        assert (type_, got) == (wanted, value), kind


DECLARED = [
    ("numeric", "1.5", "DECIMAL(10,1)", "1.5"),
    ("numeric", "'NaN'", "DOUBLE", "nan"),
    ("numeric(5,2)", "'NaN'", "DOUBLE", "nan"),
    ("numeric(5,2)", "1.25", "VARCHAR", "1.25"),
    ("int[]", "'{{1,2},{3,4}}'", "JSON", "[[1, 2], [3, 4]]"),
    ("timestamp", "'infinity'", "VARCHAR", "infinity"),
]


def test_declared_types(project, postgres: Server) -> None:
    """A declared type takes the way that loses nothing."""
    columns = ", ".join(f"c{n} {kind}" for n, (kind, _, _, _) in enumerate(DECLARED))
    postgres.run(f"CREATE TABLE t ({columns})")
    postgres.run(f"INSERT INTO t VALUES ({', '.join(value for _, value, _, _ in DECLARED)})")
    types = ", ".join(f"c{n}: '{wanted}'" for n, (_, _, wanted, _) in enumerate(DECLARED))

    project.declare(postgres.entry(f"table: t, types: {{{types}}}")).load()

    found = project.rows("SELECT " + ", ".join(f"CAST(c{n} AS VARCHAR)" for n in range(len(DECLARED))))[0]
    assert list(found) == [shown for _, _, _, shown in DECLARED]


def test_not_a_number_is_never_zero(project, postgres: Server) -> None:
    """The scanner would read it as 0; the load fails and says what to declare."""
    postgres.run("CREATE TABLE t (c numeric(5,2))")
    postgres.run("INSERT INTO t VALUES (1), ('NaN')")

    error = project.declare(postgres.entry("table: t")).fail()

    assert (error.code, "holds NaN" in error.message) == ("RW127", True)
    assert "DOUBLE" in str(error.hint)


def test_a_date_with_a_month_of_zero(project, mysql: Server) -> None:
    """Is no date; as text it can be taken."""
    mysql.run("SET sql_mode = ''; CREATE TABLE t (c date); INSERT INTO t VALUES ('2024-00-10')")

    error = project.declare(mysql.entry("table: t")).fail()
    project.declare(mysql.entry("table: t, types: {c: VARCHAR}")).load()

    assert error.code == "RW127"
    assert project.rows("SELECT c") == [("2024-00-10",)]


@pytest.mark.parametrize(
    "query",
    ["SELECT id * 2 AS twice FROM orders WHERE id = 1;", "SELECT id * 2 AS twice FROM orders LIMIT 1 -- x"],
)
def test_a_query_runs_in_the_database(project, orders: Server, query: str) -> None:
    """In its own SQL."""
    project.declare(orders.entry(f'query: "{query}"')).load()

    assert project.rows("SELECT twice") == [(2,)]


def test_queries_that_the_database_does_not_take(project, orders: Server) -> None:
    """Its own words are told, and nothing is changed there."""
    for query in (
        "DELETE FROM orders",
        "SELECT 1 AS a; DROP TABLE orders",
        "SELECT nothing FROM orders",
        "SELEC 1",
        "SELECT 1 FROM nope",
    ):
        error = project.declare(orders.entry(f'query: "{query}"')).fail()
        assert error.code == "RW123", error.as_json()

    project.declare(orders.entry("table: orders")).load()
    assert len(project.rows("SELECT id")) == 2


def test_views_and_odd_names(project, server: Server) -> None:
    """A name is a name, whatever it holds; only quotes of the declaration's own set parts apart."""
    mark = "`" if server.kind == "mysql" else '"'
    odd = "a.b'; DROP --"
    server.run(f"CREATE TABLE {mark}{odd}{mark} (id INT, {mark}x {mark}{mark}y{mark} INT)")
    server.run(f"INSERT INTO {mark}{odd}{mark} VALUES (1, 2)")
    server.run(f"CREATE VIEW v AS SELECT * FROM {mark}{odd}{mark}")

    quoted = '"' + odd.replace('"', '""') + '"'
    for name in (quoted, "v"):
        text = name.replace("'", "''")
        project.declare(server.entry(f"table: '{text}'")).load()
        assert project.rows("SELECT *") == [(1, 2)]


def test_a_table_that_is_not_there(project, orders: Server) -> None:
    """The nearest is named, and those that there are."""
    error = project.declare(orders.entry("table: oders")).fail()

    assert (error.code, error.nearest) == ("RW226", "orders")
    assert "orders" in str(error.hint)


def test_a_table_of_another_schema(project, postgres: Server) -> None:
    """Is named with it."""
    postgres.run("CREATE SCHEMA shop")
    postgres.run("CREATE TABLE shop.orders AS SELECT 1 AS id")

    project.declare(postgres.entry("table: shop.orders")).load()

    assert project.rows("SELECT id") == [(1,)]
    assert project.declare(postgres.entry("table: shop.oders")).fail().nearest == "shop.orders"


def test_the_plan_asks_for_the_greatest_value(project, orders: Server) -> None:
    """Fresh while nothing came; stale after a row, also one with the value of the watermark itself."""
    options = "table: orders, cursor: {column: at}, key: [id]"
    project.declare(orders.entry(options)).load()
    assert project.plan().status is Status.FRESH

    orders.run("INSERT INTO orders VALUES (3, 'late', 20)")

    assert project.plan().status is Status.STALE
    assert project.load().summary == {"rows": 3, "added": 1, "watermark": "20"}
    assert project.is_hit()


def test_a_row_without_a_cursor_is_never_lost(project, orders: Server) -> None:
    """It makes the source stale once, and goes to quarantine with the reason."""
    project.declare(orders.entry("table: orders, cursor: {column: at}, key: [id]")).load()
    orders.run("INSERT INTO orders VALUES (3, 'nowhen', NULL), (4, 'd', 40)")

    output = project.load()

    assert (output.summary["added"], output.summary["quarantined"]) == (1, 1)
    assert project.is_hit()


def test_a_late_row_without_a_key_is_told_of(project, orders: Server) -> None:
    """Where rows are only appended, one more with the watermark's value cannot be told apart; nobody is left in the dark."""
    project.declare(orders.entry("table: orders, cursor: {column: at}")).load()
    orders.run("INSERT INTO orders VALUES (3, 'late', 20)")

    output = project.load()

    assert "1 row" in str(output.summary["warning"])


def test_the_database_does_the_filtering(project, postgres: Server) -> None:
    """What is older than the watermark is not sent: a row that could not be read is never touched."""
    postgres.run("CREATE TABLE t (id int, c numeric(5,2))")
    postgres.run("INSERT INTO t VALUES (1, 1), (2, 2)")
    project.declare(postgres.entry("table: t, cursor: {column: id}, key: [id]")).load()
    postgres.run("UPDATE t SET c = 'NaN' WHERE id = 1")
    postgres.run("INSERT INTO t VALUES (3, 3)")

    assert project.load().summary["added"] == 1


def test_cursors_of_many_types(project, server: Server) -> None:
    """The watermark goes to the database and back without a loss."""
    backslash = "\\\\" if server.kind == "mysql" else "\\"
    for number, (kind, value) in enumerate(
        [
            ("date", "'2024-01-02'"),
            ("timestamp", "'2024-01-02 03:04:05'"),
            ("varchar(20)", f"'it''s {backslash} é'"),
            ("decimal(10,2)", "1.5"),
        ]
    ):
        server.run(f"CREATE TABLE t{number} (id int, c {kind})")
        server.run(f"INSERT INTO t{number} VALUES (1, {value})")
        project.declare(server.entry(f"table: t{number}, cursor: {{column: c}}, key: [id]")).load()

        assert project.plan().status is Status.FRESH, kind
        server.run(f"INSERT INTO t{number} VALUES (2, {value})")
        assert project.load().summary["added"] == 1, kind


def test_declarations_that_cannot_work(project, postgres: Server) -> None:
    """A cursor without an order, columns and tables that are none."""
    postgres.run("CREATE TABLE t (id int, b boolean)")
    postgres.run("INSERT INTO t VALUES (1, true)")

    for options, code in [
        ("table: t, cursor: {column: b}", "RW191"),
        ("table: t, cursor: {column: nope}", "RW227"),
        ("table: t, cursor: {column: id}, types: {id: VARCHAR}", "RW191"),
        ("table: 't\"'", "RW125"),
        ("table: a.b.c", "RW125"),
    ]:
        assert project.declare(postgres.entry(options)).fail().code == code, options


def test_without_a_cursor_every_run_loads(project, orders: Server) -> None:
    """Equal rows make no snapshot; with `refresh` nobody looks until it is time."""
    project.declare(orders.entry("table: orders")).load()
    project.load()
    before = project.lake.snapshot()
    project.load()
    assert project.lake.snapshot() == before

    project.declare(orders.entry("table: orders, refresh: 1h")).load()
    orders.run("DELETE FROM orders")
    assert project.is_hit()


def test_a_connection_that_breaks_off(project, server: Server) -> None:
    """The error may pass; table and watermark are as they were, and the next load brings everything."""
    server.run("CREATE TABLE t (id INT, pad VARCHAR(200))")
    server.run("INSERT INTO t VALUES (1, 'a')")
    with cutting_proxy(server.port) as proxy:
        url = re.sub(r":\d+/", f":{proxy.port}/", server.url)
        project.declare(server.entry("table: t, cursor: {column: id}, key: [id]", url)).load()
        numbers = "seq_2_to_9000" if server.kind == "mysql" else "generate_series(2, 9000) AS s (seq)"
        server.run(f"INSERT INTO t SELECT seq, repeat('x', 200) FROM {numbers}")
        # MySQL's protocol packs what it sends.
        proxy.limit = 30_000 if server.kind == "mysql" else 500_000

        error = project.fail()

        assert (error.code in {"RW690", "RW621"}, error.may_pass) == (True, True), error.as_json()
        assert "s3cret" not in str(error.as_json())
        assert project.rows("SELECT id") == [(1,)]
        proxy.limit = None
        assert project.load().summary["rows"] == 9000


def test_nobody_answers(project, server: Server) -> None:
    """Told with host and port, and without the login."""
    url = re.sub(r":\d+/", ":1/", server.url)

    error = project.declare(server.entry("table: t", url)).fail()

    assert (error.code, "127.0.0.1:1/" in error.message) == ("RW621", True)
    assert "s3cret" not in str(error.as_json())


def test_a_wrong_password(project, server: Server) -> None:
    """Is a refusal; neither the password nor the user is told."""
    url = server.url.replace("s3cret-word", "wr0ng%20p%40ss")

    error = project.declare(server.entry("table: t", url)).fail()

    assert error.code == "RW623"
    assert not re.search("wr0ng|p@ss|p%40ss", f"{error.as_json()}{error.__cause__}")


def test_a_url_of_another_kind(project, monkeypatch: pytest.MonkeyPatch) -> None:
    """The secret's value is not shown, whatever it is."""
    for value in ("redis://u:hunter2@h/x", "postgresql://u:hunter2@h:port/x", "hunter2"):
        monkeypatch.setenv("SHOP_URL", value)
        error = project.declare("{kind: postgres, url: 'secret://SHOP_URL', table: t}").fail()
        assert (error.code, "hunter2" in str(error.as_json())) == ("RW190", False)


def test_tls_that_the_server_does_not_have(project, server: Server) -> None:
    """`require` does not fall back to an open connection."""
    error = project.declare(server.entry("table: t, tls: {mode: require}")).fail()

    assert (error.code, "SSL" in error.message) == ("RW621", True)


@pytest.mark.parametrize(
    "entry",
    [
        "kind: postgres, table: t",
        "kind: postgres, url: 'mysql2://h/d', table: t",
        "kind: mysql, url: 'mysql://h/d', host: h, table: t",
        "kind: postgres, host: h, table: t, query: q",
        "kind: duckdb, path: x",
        "kind: postgres, host: h, table: t, refresh: sometimes",
        "kind: postgres, host: h, table: t, cursor: {column: a}, refresh: 1h",
        "kind: postgres, host: h, port: 70000, table: t",
        "kind: postgres, host: h, table: t, tls: {mode: maybe}",
    ],
)
def test_declarations_that_are_refused(project, entry: str) -> None:
    """Before anything is asked."""
    project.declare(f"{{{entry}}}")

    with pytest.raises(RopewalkError):
        project.workspace  # noqa: B018  # reading the declaration is what fails


def test_a_secret_that_is_not_set(project) -> None:
    """Is named."""
    error = project.declare("{kind: postgres, url: 'secret://NO_SUCH_URL', table: t}").fail()

    assert (error.code, "NO_SUCH_URL" in error.message) == ("RW128", True)


def test_a_duckdb_file_that_changed(project) -> None:
    """Is told by its bytes, also while its log is not written back."""
    path = project.root / "shop.duckdb"
    path.parent.mkdir(parents=True)
    with duckdb.connect(path) as connection:
        connection.execute("CREATE TYPE mood AS ENUM ('ok'); CREATE TABLE t (id INT, m mood)")
        connection.execute(
            "CREATE SCHEMA s; CREATE TABLE s.u AS SELECT 1 AS a; INSERT INTO t VALUES (1, 'ok')"
        )
    project.declare("{kind: duckdb, path: shop.duckdb, table: t}").load()
    assert (project.is_hit(), project.rows("SELECT *")) == (True, [(1, "ok")])

    with duckdb.connect(path) as connection:
        connection.execute("INSERT INTO t VALUES (2, NULL)")
    assert project.load().summary["rows"] == 2

    project.declare('{kind: duckdb, path: shop.duckdb, query: "SELECT a + 1 AS b FROM s.u -- x"}').load()
    assert project.rows("SELECT b") == [(2,)]
    assert project.declare("{kind: duckdb, path: shop.duckdb, table: s.v}").fail().nearest == "s.u"


def test_a_duckdb_file_that_is_none(project) -> None:
    """Is said so."""
    project.write("shop.duckdb", b"nothing of the kind" * 1000)

    assert project.declare("{kind: duckdb, path: shop.duckdb, table: t}").fail().code == "RW126"


ROWS = st.lists(
    st.tuples(
        st.integers(-(2**31), 2**31 - 1),
        st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8),
        st.decimals(-(10**6), 10**6, places=2, allow_nan=False),
    ),
    max_size=4,
    unique_by=lambda row: row[0],
)


@FEW
@given(rows=ROWS)
def test_whatever_a_database_holds(project, server: Server, rows: list[tuple[int, str, Decimal]]) -> None:
    """Any numbers and texts arrive as they are, load after load."""
    server.run("DROP TABLE IF EXISTS anything")
    server.run("CREATE TABLE anything (id INT, name VARCHAR(40), price DECIMAL(12, 2))")
    for number, text, price in rows:
        coded = text.encode().hex()
        shown = (
            f"convert_from('\\x{coded}', 'UTF8')"
            if server.kind == "postgres"
            else f"CONVERT(X'{coded}' USING utf8mb4)"
        )
        server.run(f"INSERT INTO anything VALUES ({number}, {shown}, {price})")

    project.declare(server.entry("table: anything")).load()

    assert project.rows("SELECT *") == sorted(rows)


PARTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=6)


@given(st.lists(PARTS, min_size=1, max_size=2))
def test_quoted_names_are_read_back(parts: list[str]) -> None:
    """Whatever a table's name holds, quotes around its parts make it one."""
    text = ".".join('"' + part.replace('"', '""') + '"' for part in parts)

    found = TablePath.parse(text, Place("x"))

    assert [found.schema, found.name] == [parts[0] if len(parts) == 2 else None, parts[-1]]


def test_two_sources_of_one_server_at_once(project, postgres: Server) -> None:
    """Each has a connection of its own, and none waits for ever."""
    postgres.run("CREATE TABLE t AS SELECT 1 AS id")
    project.close()
    entries = "".join(f"  s{n}: {postgres.entry('table: t')}\n" for n in range(4))
    project.write("ropewalk.yaml", f"project: test\nsources:\n{entries}")
    done = threading.Event()

    project.run()
    done.set()

    assert project.lake.table_names() == ("raw.s0", "raw.s1", "raw.s2", "raw.s3")
