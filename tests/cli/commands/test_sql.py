"""`ropewalk sql` loses nothing and tears nothing."""

from __future__ import annotations

import duckdb
import pyarrow as pa
import pytest

from ropewalk.cli.commands.sql import unique


def test_one_row_is_one_row(shop, ropewalk):
    """The count is told in words that fit it."""
    assert ropewalk("sql", "SELECT 1 AS a", cwd=shop).err == "1 row\n"
    assert ropewalk("sql", "SELECT 1 AS a WHERE false", cwd=shop).err == "0 rows\n"


def test_more_rows_than_asked_for(shop, ropewalk):
    """Whoever gets less than there is, is told."""
    said = ropewalk("sql", "SELECT * FROM range(3)", "--limit", "2", cwd=shop)

    assert said.err == "2 rows, and there are more (--limit 2)\n"


def test_numbers_can_be_copied(shop, ropewalk):
    """Years, keys and amounts are shown as they are, not grouped and not rounded."""
    said = ropewalk("sql", "SELECT 20250101 AS day, 1234567.89::DOUBLE AS amount", cwd=shop)

    assert said.out.splitlines()[1].split() == ["20250101", "1234567.89"]


def test_table_of_another_environment(shop, ropewalk):
    """It is not shown by accident: the error says where it is."""
    (shop / "tables" / "mart").mkdir(parents=True, exist_ok=True)
    (shop / "tables" / "mart" / "extra.sql").write_text("SELECT 1 AS n")
    ropewalk("run", "mart.extra", "--environment", "feature", cwd=shop)

    said = ropewalk("sql", "SELECT n FROM mart.extra", cwd=shop)
    there = ropewalk("sql", "SELECT n FROM mart.extra", "--environment", "feature", "--json", cwd=shop)

    assert "has no table 'mart.extra'" in said.err
    assert "'feature' has it (--environment feature)" in said.err
    assert there.json["rows"] == [{"n": 1}]


def test_two_columns_of_one_name(shop, ropewalk):
    """As JSON, where a key stands once, both columns stay."""
    said = ropewalk("sql", "SELECT 1 AS a, 2 AS a", "--json", cwd=shop).json

    assert said["rows"] == [{"a": 1, "a_1": 2}]
    assert [column["name"] for column in said["columns"]] == ["a", "a_1"]


@pytest.mark.parametrize(
    ("names", "expected"),
    [([], []), (["a", "a", "a"], ["a", "a_1", "a_2"]), (["a", "a_1", "a"], ["a", "a_1", "a_2"])],
)
def test_unique_names(names, expected):
    """A new name never takes one that another column has."""
    assert unique(names) == expected


def test_line_breaks_in_data(shop, ropewalk):
    """A text with a line break stays on its line, and commands to the terminal are spelled out."""
    said = ropewalk("sql", "SELECT 'a\nb' AS x, chr(27) || '[31m' AS \"\x1by\"", cwd=shop)

    assert said.out.splitlines() == ["x     \\x1by", "a\\nb  \\x1b[31m"]


def test_error_as_json(shop, ropewalk):
    """A query that fails is one object on stdout, with the place in the query."""
    error = ropewalk("sql", "SELECT amuont FROM raw.orders", "--json", cwd=shop).json["error"]

    assert error["nearest"] == "amount"
    assert error["place"].startswith("query:1:")


def test_answers_as_files(shop, ropewalk, tmp_path):
    """The ending of the file says the format; types stay what they are."""
    for ending in ("csv", "json", "parquet", "arrow"):
        said = ropewalk(
            "sql", "FROM mart.totals ORDER BY late", "-o", str(tmp_path / f"a.{ending}"), cwd=shop
        )
        assert (said.code, said.out) == (0, "")

    assert (tmp_path / "a.csv").read_text() == "late,amount\nFalse,10\nTrue,20\n"
    with duckdb.connect() as connection:
        found = connection.execute(f"DESCRIBE FROM '{tmp_path / 'a.parquet'}'").fetchall()
    assert [row[:2] for row in found] == [("late", "BOOLEAN"), ("amount", "DOUBLE")]
    with pa.ipc.open_stream(tmp_path / "a.arrow") as reader:
        assert reader.read_all().column("late").to_pylist() == [False, True]


def test_format_on_stdout(shop, ropewalk):
    """A pipe gets the rows, and a cut is told beside them."""
    said = ropewalk("sql", "SELECT i FROM range(3) t(i)", "--format", "csv", "--limit", "2", cwd=shop)

    assert said.out == "i\n0\n1\n"
    assert said.err == "2 rows, and there are more (--limit 2)\n"


def test_memory_is_limited(shop, ropewalk):
    """A query that would take more than it is allowed is stopped, and says what to do."""
    said = ropewalk("sql", "SELECT len(list(i)) FROM range(40000000) t(i)", "--memory", "60MB", cwd=shop)

    assert "error[RW437]: the query needed more memory than it is allowed" in said.err
    assert "RW123" in ropewalk("sql", "SELECT 1", "--memory", "'; SET x", cwd=shop).err


def test_file_that_cannot_be_written(shop, ropewalk, tmp_path):
    """The error names it."""
    said = ropewalk("sql", "SELECT 1", "-o", str(tmp_path / "no" / "a.csv"), cwd=shop)

    assert "error[RW411]" in said.err
