"""Transactions: all of a change or nothing of it, and nothing where nothing changed."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ropewalk.dataops.lake import InvalidQuery, InvalidTableName, Lake, LakeTransaction, TableMissing
from ropewalk.errors import Place


def replace(lake: Lake, sql: str, table: str = "mart.numbers") -> str:
    """Rebuild a table and return its digest."""
    with lake.transaction("rebuild") as transaction:
        return transaction.replace(table, sql).digest


def replace_and_fail(lake: Lake, fail: Callable[[LakeTransaction], object]) -> None:
    """Rebuild a table and then run into an error within the same transaction."""
    with lake.transaction("fails") as transaction:
        transaction.replace("mart.numbers", "SELECT 2 AS n")
        transaction.record_build("table:mart.numbers", "k", transaction.digest("mart.numbers"))
        fail(transaction)


def read(lake: Lake, sql: str = "FROM mart.numbers ORDER BY ALL") -> list[tuple[object, ...]]:
    with lake.cursor() as connection:
        return connection.execute(sql).fetchall()


def test_replace_creates_schema_and_table(lake: Lake) -> None:
    """A table that does not exist is made with its schema."""
    replace(lake, "SELECT 1 AS n, 'one' AS word")

    assert read(lake) == [(1, "one")]


def test_replace_rebuilds_in_place(lake: Lake) -> None:
    """A second build holds exactly the new rows."""
    replace(lake, "SELECT unnest([1, 2, 3]) AS n")

    replace(lake, "SELECT unnest([2, 4]) AS n")

    assert read(lake) == [(2,), (4,)]


def test_replace_keeps_the_old_version(lake: Lake) -> None:
    """The rows of before stay readable at their snapshot."""
    replace(lake, "SELECT 1 AS n")
    before = lake.snapshot()

    replace(lake, "SELECT 2 AS n")

    assert read(lake, f"FROM mart.numbers AT (VERSION => {before})") == [(1,)]


@pytest.mark.parametrize(
    ("sql", "columns"),
    [
        ("SELECT 1 AS n, 2 AS m", ["n", "m"]),
        ("SELECT 'x' AS n", ["n"]),
        ("SELECT 2 AS m", ["m"]),
        ("SELECT 2 AS m, 1 AS n", ["m", "n"]),
    ],
)
def test_replace_follows_other_columns(lake: Lake, sql: str, columns: list[str]) -> None:
    """A column more, less, of another type or in another place changes the table."""
    replace(lake, "SELECT 1 AS n")

    replace(lake, sql)

    assert [column.name for column in lake.tables()[0].columns] == columns
    assert len(read(lake)) == 1


def test_equal_content_makes_no_snapshot(lake: Lake) -> None:
    """Rebuilding the same rows in another order writes nothing at all."""
    replace(lake, "SELECT unnest([1, 2, 3]) AS n")
    before = lake.snapshot()

    replace(lake, "SELECT unnest([3, 1, 2]) AS n")

    assert lake.snapshot() == before


def test_an_empty_transaction_makes_no_snapshot(lake: Lake) -> None:
    """A message alone is no change."""
    before = lake.snapshot()

    with lake.transaction("nothing"):
        pass

    assert lake.snapshot() == before


def test_a_rebuild_may_read_its_own_table(lake: Lake) -> None:
    """The SELECT sees the table as it was before."""
    replace(lake, "SELECT 1 AS n")

    replace(lake, "SELECT n + 1 AS n FROM mart.numbers UNION ALL FROM mart.numbers")

    assert read(lake) == [(1,), (2,)]


def test_several_tables_change_at_once(lake: Lake) -> None:
    """Two tables and their books make one snapshot."""
    before = lake.snapshot()

    with lake.transaction("both") as transaction:
        transaction.replace("mart.a", "SELECT 1 AS n")
        digest = transaction.replace("mart.b", "SELECT n + 1 AS n FROM mart.a")
        transaction.record_build("table:mart.b", "key", digest)

    assert lake.snapshot() == before + 1
    assert read(lake, "FROM mart.b") == [(2,)]


def test_the_message_is_kept_with_the_snapshot(lake: Lake) -> None:
    """Author and message can be read back, whatever characters they have."""
    with lake.transaction("it's new", author="o'hara") as transaction:
        transaction.replace("mart.numbers", "SELECT 1 AS n")

    rows = read(lake, "SELECT author, commit_message FROM lake.snapshots() ORDER BY snapshot_id DESC LIMIT 1")
    assert rows == [("o'hara", "it's new")]


def test_an_error_of_ours_rolls_back(lake: Lake) -> None:
    """What was written before an error is gone, and the error passes through."""
    replace(lake, "SELECT 1 AS n")
    before = lake.snapshot()

    with pytest.raises(LookupError):
        replace_and_fail(lake, lambda _: {}["missing"])

    assert (lake.snapshot(), read(lake)) == (before, [(1,)])
    assert lake.build("table:mart.numbers") is None


def test_an_error_of_the_engine_rolls_back_and_is_translated(lake: Lake) -> None:
    """DuckDB's error becomes ours, and nothing of the transaction stays."""
    with pytest.raises(InvalidQuery, match="Could not convert"):
        replace_and_fail(lake, lambda t: t.connection.execute("SELECT CAST('x' AS INTEGER)"))

    assert lake.tables() == []


def test_after_an_error_the_lake_can_be_written_again(lake: Lake) -> None:
    """The lease is given back with the roll-back."""
    with pytest.raises(InvalidQuery):
        replace(lake, "SELECT nothing")

    replace(lake, "SELECT 1 AS n")

    assert read(lake) == [(1,)]


def test_an_error_names_the_line_of_the_file(lake: Lake) -> None:
    """With an origin, the place is that of the person's file."""
    origin = Place("tables/mart/numbers.sql", 3, 1)

    with pytest.raises(InvalidQuery) as caught, lake.transaction("fails") as transaction:
        transaction.replace(
            "mart.numbers", "SELECT n,\n  speling\nFROM (SELECT 1 AS n, 2 AS spelling)", origin
        )

    assert str(caught.value.place) == "tables/mart/numbers.sql:4:3"
    assert caught.value.nearest == "spelling"


def test_an_unknown_table_names_the_nearest(lake: Lake) -> None:
    """A misspelt table is told from the ones there are."""
    replace(lake, "SELECT 1 AS n")

    with pytest.raises(TableMissing) as caught:
        replace(lake, "SELECT n FROM mart.numbrs", "mart.other")

    assert caught.value.nearest == "mart.numbers"


@pytest.mark.parametrize(
    "sql", ["DROP TABLE mart.numbers", "SELECT 1 AS n; SELECT 2 AS n", "", "-- nothing", "DELETE FROM x"]
)
def test_only_one_select_makes_a_table(lake: Lake, sql: str) -> None:
    """Anything else is refused before it runs."""
    with pytest.raises(InvalidQuery):
        replace(lake, sql)


def test_sql_that_does_not_parse_is_refused_with_its_place(lake: Lake) -> None:
    """A typo in a keyword names line and column."""
    with pytest.raises(InvalidQuery, match="syntax error") as caught:
        replace(lake, "SELECT 1 AS n\nFORM x y")

    assert caught.value.place is not None
    assert caught.value.place.line == 2


@pytest.mark.parametrize("name", ["numbers", "a.b.c", "mart.", ".x", "mart.a b", 'mart."x"', "mart.1", ""])
def test_a_table_name_has_two_plain_parts(lake: Lake, name: str) -> None:
    """Every other name is refused before it reaches SQL."""
    with pytest.raises(InvalidTableName):
        replace(lake, "SELECT 1 AS n", name)


def test_a_type_the_lake_cannot_keep_is_said(lake: Lake) -> None:
    """An ENUM gives a hint to cast."""
    with pytest.raises(InvalidQuery, match="ENUM") as caught:
        replace(lake, "SELECT 'a'::ENUM('a', 'b') AS e")

    assert caught.value.hint is not None


@pytest.mark.parametrize(
    "value",
    ["1::HUGEINT", "INTERVAL 1 day", "TIMESTAMPTZ '2013-01-01'", "[1, 2]", "{'a': 1}", "MAP {'a': 1}", "'{}'::JSON",
     "1.5::DECIMAL(20, 4)", "TIME '10:00'", "'a'::BLOB", "NULL", "'nan'::DOUBLE"],
)  # fmt: skip
def test_types_survive_and_their_digest_is_stable(lake: Lake, value: str) -> None:
    """What is staged and what is stored have one digest, so that a second build writes nothing."""
    first = replace(lake, f"SELECT {value} AS v")
    before = lake.snapshot()

    assert replace(lake, f"SELECT {value} AS v") == first
    assert lake.snapshot() == before


@pytest.mark.parametrize(
    "value", ["9007199254740993::HUGEINT", "-9007199254740993::HUGEINT", "2::UHUGEINT ** 70"]
)
def test_whole_numbers_are_not_rounded(lake: Lake, value: str) -> None:
    """What the file format would round is refused, with the cast that keeps it."""
    with pytest.raises(InvalidQuery, match="would round") as caught:
        replace(lake, f"SELECT CAST({value} AS HUGEINT) AS total")

    assert caught.value.hint == 'CAST("total" AS DECIMAL(38, 0))'


def test_sums_are_kept(lake: Lake) -> None:
    """A sum, which is HUGEINT in the engine, is kept while it is exact."""
    replace(lake, "SELECT sum(n) AS total FROM range(10) r(n)")

    assert read(lake) == [(45,)]


def test_digest_of_a_missing_table(lake: Lake) -> None:
    """Asking for it is an error of its own."""
    with pytest.raises(TableMissing), lake.transaction("ask") as transaction:
        transaction.digest("mart.none")


def test_columns_and_drop(lake: Lake) -> None:
    """A table shows its columns within the transaction, and is gone after a drop."""
    with lake.transaction("make and drop") as transaction:
        transaction.replace("mart.numbers", "SELECT 1 AS n")
        seen = transaction.columns("mart.numbers")
        transaction.drop("mart.numbers")
        gone = transaction.columns("mart.numbers")

    assert seen is not None
    assert [column.type for column in seen] == ["INTEGER"]
    assert gone is None


def test_books_are_kept_by_owner(lake: Lake) -> None:
    """Rewriting one owner's rows leaves the others alone, and odd texts come back as they were."""
    with lake.transaction("books") as transaction:
        transaction.rewrite_book("watermarks", "o'hara", [("o'hara", "d", None)])
        transaction.rewrite_book("watermarks", "b", [("b", "d", "1")])
        transaction.rewrite_book("watermarks", "b", [("b", "d", "2")])

    assert lake.read_book("watermarks", "o'hara") == [("o'hara", "d", None)]
    assert lake.read_book("watermarks", "b") == [("b", "d", "2")]


def test_a_book_stays_one_file(lake: Lake) -> None:
    """However often it is rewritten, one live file and no delete file hold it."""
    for number in range(5):
        with lake.transaction("books") as transaction:
            transaction.rewrite_book("watermarks", f"source {number}", [(f"source {number}", "d", "1")])

    files = read(
        lake, "SELECT data_file FROM ducklake_list_files('lake', 'watermarks', schema => 'ropewalk')"
    )
    assert len(files) == 1


def test_a_rehearsal_changes_nothing(lake: Lake) -> None:
    """What is written in it can be seen in it, and is gone after it."""
    replace(lake, "SELECT 1 AS n")
    before = lake.snapshot()

    with lake.rehearsal() as transaction:
        transaction.replace("mart.numbers", "SELECT 2 AS n")
        seen = transaction.connection.execute("FROM mart.numbers").fetchall()

    assert (seen, read(lake), lake.snapshot()) == ([(2,)], [(1,)], before)
