"""The report of a merge request: complete, short enough, and nothing in the data is taken for markup."""

from __future__ import annotations

import pytest

from ropewalk.dataops.diff import (
    ColumnDiff,
    DataDiff,
    Figures,
    SampleRow,
    SchemaChange,
    TableDiff,
    Version,
    columns_moved,
    diff_markdown,
    figure_shifts,
    rows_moved,
    shown_value,
)


def table(name: str = "mart.t", **given: object) -> TableDiff:
    values = {
        "before": Version(1, 1000),
        "after": Version(2, 1012),
        "added": 12,
        "changed": 3,
        "key": ("id",),
    }
    return TableDiff(name, "changed", "key", **{**values, **given})


def test_nothing_differs():
    """One sentence is enough."""
    assert (
        diff_markdown(DataDiff("dev", "mr-7", (), 5))
        == "**Data**: all 5 tables are the same in `mr-7` and `dev`.\n"
    )


def test_one_line_for_each_table():
    """With rows, counts and the columns that moved, those with most changes first."""
    columns = (ColumnDiff("a", "INTEGER", 1), ColumnDiff("b", "INTEGER", 3))
    found = diff_markdown(DataDiff("dev", "mr-7", (table(columns=columns),), 2))

    assert "1 of 3 tables differs in `mr-7` from `dev`" in found
    assert "| `mart.t` | 1,000 → 1,012 | 12 | 0 | 3 | b (3), a (1) |" in found


def test_details_are_folded_and_limited():
    """Twenty tables have details; the others are counted."""
    found = diff_markdown(DataDiff("dev", "mr-7", tuple(table(f"mart.t{number}") for number in range(23)), 0))

    assert found.count("<details>") == found.count("</details>") == 20
    assert "3 more tables differ" in found
    assert found.count("\n| `mart.t") == 23


@pytest.mark.parametrize(
    "value",
    [
        "<img src=x>",
        "**bold**",
        "[a](b)",
        "`code`",
        "a|b",
        "# head",
        "~~x~~",
        "@everybody",
        "!12",
        "&lt;",
        "$x$",
    ],
)
def test_data_are_text(value):
    """Whatever stands in a row, or is a column's name, changes nothing of the report's form."""
    row = SampleRow("changed", {"id": 1, "v": value}, {"id": 1, "v": "other"})
    found = diff_markdown(DataDiff("dev", "mr-7", (table(sample=(row,)),), 0))

    line = next(line for line in found.splitlines() if line.startswith("| changed"))
    assert f" {value} " not in line
    assert line.replace("\\|", "").count("|") == 4


def test_changed_values_show_both_sides():
    """And one that is not there is an empty set."""
    row = SampleRow("changed", {"id": 1, "v": None}, {"id": 1, "v": 2.5})
    found = diff_markdown(DataDiff("dev", "mr-7", (table(sample=(row,)),), 0))

    assert "| changed | 1 | ∅ → 2.5 |" in found


def test_empty_texts_are_told_from_missing_values():
    """A value that became an empty text is not shown as one that stayed away."""
    row = SampleRow("changed", {"id": 1, "v": None, "w": ""}, {"id": 1, "v": "", "w": "  "})
    found = diff_markdown(DataDiff("dev", "mr-7", (table(sample=(row,)),), 0))

    assert '| changed | 1 | ∅ → "" | "" → "" |' in found


@pytest.mark.parametrize(
    ("same", "words"),
    [(0, "there are no tables in"), (1, "the one table is the same in"), (2, "all 2 tables")],
)
def test_no_difference_in_words(same, words):
    """Of none, one and several tables it is said as people say it."""
    assert words in diff_markdown(DataDiff("dev", "mr-7", (), same))


def test_one_of_one():
    """A project of one table that differs has no tables."""
    assert "1 of 1 table differs in" in diff_markdown(DataDiff("dev", "mr-7", (table(),), 0))


def test_notes_are_sentences():
    """They begin with a capital, end with a stop, and what they name is text."""
    found = diff_markdown(DataDiff("dev", "mr-7", (table(notes=("a_b does not identify rows",)),), 0))

    assert "\nA\\_b does not identify rows.\n" in found


def test_names_of_tables_are_no_markup():
    """In the list they are code, above the details HTML."""
    found = diff_markdown(DataDiff("dev", "mr-7", (table("m.a`|<b>"),), 0))

    assert "| `m.a\\|<b>` |" in found
    assert "<summary>m.a`|&lt;b&gt; (by key, key id)</summary>" in found


def test_removed_rows_show_what_they_were():
    """With the values of the version before, missing ones empty."""
    row = SampleRow("removed", {"id": 1, "v": None, "w": True}, None)
    found = diff_markdown(DataDiff("dev", "mr-7", (table(sample=(row,)),), 0))

    assert "| removed | 1 |  | true |" in found


def test_shifts_of_columns_are_a_table():
    """With how many rows changed, the greatest change, and nothing where no key tells."""
    columns = (ColumnDiff("a", "INTEGER", 1200, 1234567.0), ColumnDiff("b", "INTEGER", None))
    found = diff_markdown(DataDiff("dev", "mr-7", (table(columns=columns),), 0))

    assert "| `a` | 1,200 | 1.23457e+06 |  |" in found
    assert "| `b` |  |  |  |" in found


def test_wide_tables_show_what_differs():
    """The key and the changed columns come first, and no more than fit."""
    row = {f"c{number}": number for number in range(30)} | {"id": 1}
    columns = (ColumnDiff("c29", "INTEGER", 1),)
    found = diff_markdown(
        DataDiff("dev", "mr-7", (table(columns=columns, sample=(SampleRow("added", None, row),)),), 0)
    )

    header = next(line for line in found.splitlines() if line.startswith("| | "))
    assert header.startswith("| | `id` | `c29` | `c0` |")
    assert header.count("`") == 2 * 12


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"state": "added"}, "table added"),
        (
            {"schema": (SchemaChange("x", None, "DATE"), SchemaChange("y", "DATE", None))},
            "x added (DATE), y removed (DATE)",
        ),
    ],
)
def test_columns_in_words(given, words):
    """Of a table that came or went nothing else is said."""
    state = given.pop("state", "changed")

    assert columns_moved(TableDiff("t", state, **given)) == words


def test_figures_that_moved():
    """Only those; a mean that is not there any more is told too."""
    column = ColumnDiff("x", "DOUBLE", 1, None, Figures(0.0, 4.5, 10), Figures(0.25, 4.75, 10))

    assert list(figure_shifts(column)) == ["mean 4.5 → 4.75", "missing 0.00 % → 25.00 %"]
    assert list(figure_shifts(ColumnDiff("x", "DOUBLE", 1))) == []


def test_figures_that_are_not_there_on_one_side():
    """A mean that is gone is told with nothing behind it; a count that was not worth its time is not told."""
    column = ColumnDiff("x", "DOUBLE", 1, None, Figures(0.0, 4.5, None), Figures(0.00001, None, 10))

    assert list(figure_shifts(column)) == ["mean 4.5 → "]


def test_counts_of_distinct_values_that_moved():
    """About, for they are estimates."""
    column = ColumnDiff("x", "VARCHAR", 1, None, Figures(0.0, None, 1000), Figures(0.0, None, 2500))

    assert list(figure_shifts(column)) == ["distinct about 1,000 → 2,500"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "true"),
        (0.1 + 0.2, "0.3"),
        ("a\nb  c", "a b c"),
        ("x" * 50, "x" * 39 + "…"),
        (12345678, "12345678"),
        (float("nan"), "nan"),
        (1e300, "1e+300"),
        ("", ""),
        ([1, {"a": None}], "[1, {'a': None}]"),
        ("x" * 40, "x" * 40),
    ],
)
def test_values_on_one_line(value, text):
    """Short, and as SQL writes them."""
    assert shown_value(value) == text


def test_rows_of_tables_that_came_or_went():
    """None before, or none after; the same number is said once."""
    assert rows_moved(table(before=None)) == "none → 1,012"
    assert rows_moved(table(after=None)) == "1,000 → none"
    assert rows_moved(table(after=Version(2, 1000))) == "1,000"
