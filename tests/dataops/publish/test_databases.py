"""Publishing to PostgreSQL and MariaDB: once per version, all of it or none, and never over what others made."""

from __future__ import annotations

import pytest

from ropewalk import plugins
from ropewalk.dataops.publish import (
    InvalidPublication,
    PublishFailed,
    TargetDrifted,
    TargetRefused,
    TargetTaken,
    TargetUnreachable,
    publish_again,
    read_standings,
)
from ropewalk.pipeline import State, declare_graph

ALL = [(1, "ann", 1.5), (2, "bob", 2.5), (3, None, None)]
LEDGER = "SELECT count(*) FROM ropewalk_publications WHERE digest <> ''"
MORE = "SELECT * FROM (VALUES (2, 'bea', 2.5::DOUBLE), (4, 'dan', 4.0)) AS v (id, who, price)"


def node_of(workspace):
    return declare_graph(workspace.project, plugins.kinds()).nodes["publish:orders"]


def again(shop, environment="dev", **options):
    workspace = shop.open(environment)
    return publish_again(workspace, node_of(workspace), **options)


def standing(shop, environment="dev"):
    workspace = shop.open(environment)
    return next(read_standings(workspace, [node_of(workspace)])).state


def rows(database, columns="id, who, price", table="orders"):
    return database.ask(f"SELECT {columns} FROM {table} ORDER BY id, who")


def test_rows_and_line_arrive(shop, database):
    """The target has the table's rows, and a line that says so."""
    shop.declare(database.to)

    result = shop.run()

    assert result.state is State.EXECUTED
    assert rows(database) == ALL
    assert database.ask(LEDGER) == [(1,)]


def test_second_run_writes_nothing(shop, database):
    """A version that is there is not written again: not by a run, and not when asked for."""
    shop.declare(database.to)
    shop.run()

    assert shop.run().state is State.HIT
    assert again(shop).is_new is False
    assert database.ask(LEDGER) == [(1,)]


def test_new_version_takes_the_place_of_the_old(shop, database):
    """Replace: the target has just the rows of the newest version."""
    shop.declare(database.to)
    shop.run()

    shop.run(MORE)

    assert rows(database) == [(2, "bea", 2.5), (4, "dan", 4.0)]
    assert database.ask(LEDGER) == [(2,)]


def test_version_that_comes_back_is_published_again(shop, postgres):
    """An edit that is taken back comes to the target too, although nothing is executed."""
    shop.declare(postgres.to)
    first = (shop.root / "tables/mart/orders.sql").read_text()
    shop.run()
    shop.run(MORE)

    assert shop.run(first).state is State.RESTORED
    assert rows(postgres) == ALL


def test_other_columns_make_the_table_anew(shop, database):
    """Replace: the target's columns are those of the table."""
    shop.declare(database.to)
    shop.run()

    shop.run("SELECT 7 AS id, 'x' AS who, 0.5::DOUBLE AS price, true AS paid")

    assert rows(database, "id, who, price, paid") in ([(7, "x", 0.5, True)], [(7, "x", 0.5, 1)])
    assert database.ask("SELECT count(*) FROM orders") == [(1,)]


def test_merge_replaces_rows_of_the_same_key(shop, database):
    """Merge: rows of other keys stay as they are."""
    shop.declare(database.to, write="merge", key="[id]")
    shop.run()

    shop.run(MORE)

    assert rows(database) == [(1, "ann", 1.5), (2, "bea", 2.5), (3, None, None), (4, "dan", 4.0)]


def test_merge_takes_further_columns(shop, database):
    """Merge: a new column is added, and is empty in rows that did not come again."""
    shop.declare(database.to, write="merge", key="[id]")
    shop.run()

    shop.run("SELECT 2 AS id, 'bea' AS who, 1::DOUBLE AS price, 9 AS stars")

    assert rows(database, "id, stars") == [(1, None), (2, 9), (3, None)]


def test_merge_into_a_table_of_others(shop, database):
    """Merge keeps columns and rows that somebody else put there."""
    database.ask("CREATE TABLE orders (id INT PRIMARY KEY, who VARCHAR(20), price REAL, note VARCHAR(20))")
    database.ask("INSERT INTO orders VALUES (2, 'x', 0, 'mine'), (9, 'y', 0, 'theirs')")
    shop.declare(database.to, write="merge", key="[id]")

    shop.run()

    assert rows(database, "id, who, note") == [
        (1, "ann", None),
        (2, "bob", "mine"),
        (3, None, None),
        (9, "y", "theirs"),
    ]


def test_append_adds_each_version_once(shop, database):
    """Append: each version's rows come with its snapshot, and a version that comes back is not added again."""
    shop.declare(database.to, write="append")
    first = (shop.root / "tables/mart/orders.sql").read_text()
    shop.run()
    shop.run(MORE)
    shop.run(first)

    assert database.ask("SELECT count(*), count(DISTINCT _snapshot) FROM orders") == [(5, 2)]


def test_failed_line_takes_the_rows_along(shop, database):
    """Without its line no version stays; once the cause is gone, it is there exactly once."""
    shop.declare(database.to, write="append")
    shop.run()
    database.ask(database.fail_ledger)

    failed = shop.run(MORE)

    assert isinstance(failed.error, PublishFailed)
    assert "boom" in failed.error.message
    assert rows(database) == ALL
    database.ask(database.mend_ledger)
    shop.run()
    assert database.ask("SELECT count(*) FROM orders") == [(5,)]


def test_table_of_others_is_not_overwritten(shop, database):
    """Replace refuses a table that it did not make, until it is told to."""
    database.ask("CREATE TABLE orders (id INT)")
    database.ask("INSERT INTO orders VALUES (99)")
    shop.declare(database.to)

    failed = shop.run()

    assert isinstance(failed.error, TargetTaken)
    assert database.ask("SELECT id FROM orders") == [(99,)]


def test_environments_do_not_share_a_table(shop, postgres):
    """A target belongs to the environment that wrote it first."""
    shop.declare(postgres.to)
    shop.run()
    shop.declare(postgres.to, environments="[stage]")

    failed = shop.run(environment="stage")

    assert isinstance(failed.error, TargetTaken)
    assert "environment 'dev'" in failed.error.message


def test_only_named_environments_publish(shop, postgres):
    """A branch's run checks and says so; nothing is written, not even a ledger."""
    shop.declare(postgres.to, environments="[production]")

    result = shop.run()

    assert result.state is State.EXECUTED
    assert "'dev' is none of its environments (production)" in result.warning
    assert "ropewalk_publications" not in str(
        postgres.ask("SELECT table_name FROM information_schema.tables")
    )


def test_environment_publishes_what_was_checked_elsewhere(shop, postgres):
    """What `dev` executed is only restored in `production`, and published all the same."""
    shop.declare(postgres.to, environments="[production]")
    shop.run()

    result = shop.run(environment="production")

    assert result.state is not State.EXECUTED
    assert rows(postgres) == ALL


def test_each_environment_in_its_own_table(shop, postgres):
    """The placeholder keeps environments apart, in letters that a name may have."""
    to = postgres.to.replace("}", ", table: 'orders_{environment}'}")
    shop.declare(to, environments="['*']")
    shop.run(environment="dev")
    shop.run(environment="mr-42")

    assert rows(postgres, table="orders_dev") == rows(postgres, table="orders_mr_42") == ALL


def test_drifted_target_is_refused_and_rebuilt_when_asked(shop, database):
    """A column that somebody added is not dropped without a word."""
    shop.declare(database.to)
    shop.run()
    database.ask("ALTER TABLE orders ADD COLUMN note VARCHAR(20)")

    failed = shop.run(MORE)

    assert isinstance(failed.error, TargetDrifted)
    assert "note is new" in failed.error.message
    assert standing(shop) == "drifted"
    again(shop, rebuilds=True)


def test_rebuild_makes_it_anew(shop, database):
    """After a rebuild the target is what is published, and current."""
    shop.declare(database.to)
    shop.run()
    database.ask("ALTER TABLE orders ADD COLUMN note VARCHAR(20)")

    assert again(shop, rebuilds=True).is_new
    assert standing(shop) == "current"
    assert rows(database) == ALL


def test_dropped_table_comes_back(shop, postgres):
    """A target that was lost is told of, and made again when asked."""
    shop.declare(postgres.to)
    shop.run()
    postgres.ask("DROP TABLE orders")

    assert standing(shop) == "missing"
    assert again(shop).is_new
    assert rows(postgres) == ALL


def test_changed_type_is_refused_by_merge(shop, postgres):
    """Merge does not force values of another type into the rows that are there."""
    shop.declare(postgres.to, write="merge", key="[id]")
    shop.run()

    failed = shop.run("SELECT 1 AS id, 5 AS who, 1::DOUBLE AS price")

    assert isinstance(failed.error, TargetDrifted)
    assert "'who'" in failed.error.message


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELECT 1 AS id UNION ALL SELECT 1", "1 rows have the key (id) of another row"),
        ("SELECT NULL::INTEGER AS id", "1 values of column 'id' are missing from the key"),
    ],
)
def test_key_that_tells_nothing_apart(shop, postgres, sql, said):
    """A key with doubles or gaps is found before anything is sent."""
    shop.declare(postgres.to, write="merge", key="[id]")

    failed = shop.run(sql)

    assert isinstance(failed.error, PublishFailed)
    assert said in failed.error.message


def test_values_that_mysql_does_not_have(shop, mysql):
    """NaN, and times beyond its calendar, are counted and refused, not rounded."""
    shop.declare(mysql.to)

    nan = shop.run("SELECT 1 AS id, 'NaN'::DOUBLE AS price UNION ALL SELECT 2, 'inf'::DOUBLE")
    late = shop.run("SELECT 1 AS id, 'infinity'::TIMESTAMP AS at")

    assert "2 values of column 'price' are NaN or infinite" in nan.error.message
    assert "1 values of column 'at' are outside the years" in late.error.message


def test_values_that_postgres_has(shop, postgres):
    """NaN and infinity arrive; the character NUL is refused."""
    shop.declare(postgres.to)
    shop.run("SELECT 1 AS id, 'NaN'::DOUBLE AS a, '-inf'::FLOAT AS b, 'infinity'::TIMESTAMP AS c")

    nul = shop.run("SELECT 1 AS id, 'a' || chr(0) AS who")

    assert postgres.ask("SELECT a::text, b::text, c::text FROM orders") == [("NaN", "-Infinity", "infinity")]
    assert "hold the character NUL" in nul.error.message


TYPES = """
SELECT 1 AS id, 12.345::DECIMAL(10, 3) AS d, 18446744073709551615::UBIGINT AS u, DATE '2024-02-29' AS day,
    TIMESTAMP '2024-02-29 01:02:03.456789' AS at, TIMESTAMPTZ '2024-02-29 01:02:03+01' AS tz, TIME '10:11:12' AS t,
    INTERVAL 3 DAY AS i, [1, 2] AS l, {'a': 1} AS s, '\\x00\\xFF'::BLOB AS b, true AS yes,
    '5cbb4a1c-0b8e-4b39-9c2b-6f2d5f1c2a3b'::UUID AS uu, 'it''s "ü" \\ `x`' AS who
"""


def test_types_in_postgres(shop, postgres):
    """Every type becomes the one that PostgreSQL has for it."""
    shop.declare(postgres.to)
    shop.run(TYPES)

    found = postgres.ask(
        "SELECT d::text, u::text, day::text, at::text, (tz AT TIME ZONE 'UTC')::text, t::text, i::text, l::text,"
        " s::text, encode(b, 'hex'), yes, uu::text, who FROM orders"
    )
    kinds = postgres.ask(
        "SELECT data_type FROM information_schema.columns WHERE table_name = 'orders' ORDER BY ordinal_position"
    )

    assert found[0][:7] == (
        "12.345",
        "18446744073709551615",
        "2024-02-29",
        "2024-02-29 01:02:03.456789",
        "2024-02-29 00:02:03",
        "10:11:12",
        "3 days",
    )
    assert found[0][7:] == (
        "[1, 2]",
        '{"a": 1}',
        "00ff",
        True,
        "5cbb4a1c-0b8e-4b39-9c2b-6f2d5f1c2a3b",
        'it\'s "ü" \\ `x`',
    )
    assert [kind for (kind,) in kinds][5:10] == [
        "timestamp with time zone",
        "time without time zone",
        "interval",
        "jsonb",
        "jsonb",
    ]


def test_types_in_mysql(shop, mysql):
    """Every type becomes one that MySQL has; a time with a zone becomes that time in UTC."""
    shop.declare(mysql.to)
    shop.run(TYPES)

    found = mysql.ask("SELECT CONCAT_WS('|', d, u, day, at, tz, t, i, l, s, HEX(b), yes, uu) FROM orders")

    assert str(found[0][0]).split("|") == [
        "12.345",
        "18446744073709551615",
        "2024-02-29",
        "2024-02-29 01:02:03.456789",
        "2024-02-29 00:02:03.000000",
        "10:11:12.000000",
        "3 days",
        "[1,2]",
        '{"a":1}',
        "00FF",
        "1",
        "5cbb4a1c-0b8e-4b39-9c2b-6f2d5f1c2a3b",
    ]
    assert mysql.ask("SELECT HEX(who) FROM orders")[0][0] == b'it\'s "\xc3\xbc" \\ `x`'.hex().upper()


def test_names_are_quoted(shop, database):
    """Column names that are words of SQL, or look like an attack, are only names."""
    shop.declare(database.to)

    result = shop.run("""SELECT 1 AS id, 'x' AS who, 2 AS "select", 3 AS "a b; DROP TABLE orders --" """)

    assert result.error is None
    assert database.ask("SELECT count(*) FROM orders") == [(1,)]


def test_empty_table_is_published(shop, postgres):
    """A table without rows is a version like any other."""
    shop.declare(postgres.to)

    shop.run("SELECT 1 AS id, 'x' AS who, 1.0::DOUBLE AS price WHERE false")

    assert rows(postgres) == []
    assert postgres.ask(LEDGER) == [(1,)]


def test_wrong_password_is_not_shown(shop, database, monkeypatch):
    """The error says who refuses, and nothing of the credentials."""
    monkeypatch.setenv(
        "WAREHOUSE", "postgresql://me:hunter2@127.0.0.1:1/x".replace("postgresql", database.kind)
    )
    shop.declare(database.to)

    failed = shop.run()

    assert isinstance(failed.error, TargetUnreachable)
    assert "hunter2" not in str(failed.error.as_json())


def test_refused_credentials(shop, database, monkeypatch):
    """A server that refuses is told apart from one that does not answer."""
    import os

    monkeypatch.setenv("WAREHOUSE", os.environ["WAREHOUSE"].replace("s3cret-word", "hunter2"))
    shop.declare(database.to)

    failed = shop.run()

    assert isinstance(failed.error, TargetRefused)
    assert "hunter2" not in str(failed.error.as_json())


def test_columns_may_be_chosen(shop, postgres):
    """Only the named columns go out, in their order."""
    shop.declare(postgres.to, columns="[who, id]")
    shop.run()

    assert postgres.ask("SELECT * FROM orders ORDER BY id")[:2] == [("ann", 1), ("bob", 2)]


def test_unknown_column(shop, postgres):
    """A column that the table does not have is told with the nearest."""
    shop.declare(postgres.to, columns="[id, whu]")

    failed = shop.run()

    assert isinstance(failed.error, InvalidPublication)
    assert failed.error.nearest == "who"
