"""Tables and errors read well without colour."""

from __future__ import annotations

import pytest

from ropewalk.cli.errors import exit_code, format_error, report_error
from ropewalk.cli.output import count, emit_json, emit_table, plain, short_ids, shorten
from ropewalk.errors import (
    Conflict,
    Failed,
    GateFailed,
    InvalidInput,
    NotFound,
    Place,
    RopewalkError,
    Unavailable,
)


def test_columns_are_aligned(capsys):
    """Numbers stand right, words left, and what is missing is blank."""
    emit_table(("name", "rows"), [("a", 1_234_567), ("longer", None)])

    lines = capsys.readouterr().out.splitlines()

    assert lines[1:] == ["a       1234567", "longer"]


def test_no_rows_print_nothing(capsys):
    """An empty table has no header either."""
    emit_table(("a",), [])

    assert capsys.readouterr().out == ""


def test_cells_are_short(capsys):
    """Floats have the digits that mean something, booleans are words."""
    emit_table(("x", "y"), [(0.1 + 0.2, True)])

    assert capsys.readouterr().out.splitlines()[1].split() == ["0.3", "true"]


def test_json_is_one_document(capsys):
    """Values that JSON does not know are written as text."""
    emit_json({"place": Place("a.sql", 1, 2)})

    assert '"a.sql:1:2"' in capsys.readouterr().out


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InvalidInput, 2),
        (NotFound, 3),
        (Conflict, 4),
        (Failed, 1),
        (GateFailed, 1),
        (Unavailable, 5),
        (RopewalkError, 5),
    ],
)
def test_exit_codes_follow_the_tree(error, code):
    """A class exits as its nearest ancestor in the table does."""
    derived = type("Derived", (error,), {"code": error.code})

    assert exit_code(derived) == code


def test_error_shows_all_its_parts():
    """Code, sentence, place, nearest, evidence and hint stand on lines of their own."""
    error = NotFound("no x", place=Place("a.yaml", 3, 1), nearest="y", hint="look", detail="one\ntwo")

    text = format_error(error).splitlines()

    assert text[0].endswith("error[RW200]: no x") or "error[RW200]" in text[0]
    assert text[1:] == ["  --> a.yaml:3:1", "  did you mean: y", "  | one", "  | two", "hint: look"]


def test_report_returns_the_exit_code(capsys):
    """Reporting prints to stderr and returns the code to exit with."""
    assert report_error(Conflict("busy"), as_json=False, debug=False) == 4
    assert "busy" in capsys.readouterr().err


def test_wide_characters_are_aligned(capsys):
    """A terminal gives some characters two columns; what follows them stands in line."""
    emit_table(("city", "n"), [("日本", "x"), ("Äpfel", "y")])

    assert capsys.readouterr().out.splitlines()[1:] == ["日本   x", "Äpfel  y"]


@pytest.mark.parametrize(("number", "said"), [(0, "0 rows"), (1, "1 row"), (2000, "2,000 rows")])
def test_counts_are_words(number, said):
    """One of a thing is not many."""
    assert count(number, "row") == said


@pytest.mark.parametrize(
    ("text", "said"), [("äö 日", "äö 日"), ("a\tb\r\n", "a\\tb\\r\\n"), ("\x07", "\\x07")]
)
def test_plain_text(text, said):
    """What can be seen stays, what steers a terminal is spelled out."""
    assert plain(text) == said


@pytest.mark.parametrize(("text", "said"), [("abc", "abc"), ("abcd", "ab…"), ("a  d", "a…")])
def test_shortened_text_says_so(text, said):
    """What is cut ends in a sign of it."""
    assert shorten(text, 3) == said


def test_error_cannot_steer_the_terminal():
    """A message, a place and a log from outside are shown, not obeyed."""
    error = Failed("a\nb\x1b[2J", place=Place("x\x07.csv"), nearest="\x1b", detail="ok\n\x1b[31mred")

    text = format_error(error)

    assert text.splitlines()[1:] == [
        "  b\\x1b[2J",
        "  --> x\\x07.csv",
        "  did you mean: \\x1b",
        "  | ok",
        "  | \\x1b[31mred",
    ]


def test_error_without_words():
    """An error that says nothing still has its code."""
    assert "error[RW400]" in format_error(Failed(""))


def test_long_ids_are_cut():
    """People tell ids apart by their first digits; numbers and words stay whole."""
    assert (
        short_ids("files:4220c4f8191cd9188613 -> snapshot:12 at cafe")
        == "files:4220c4f8 -> snapshot:12 at cafe"
    )
