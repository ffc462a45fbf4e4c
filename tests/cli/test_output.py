"""Tables and errors read well without colour."""

from __future__ import annotations

import pytest

from ropewalk.cli.errors import exit_code, format_error, report_error
from ropewalk.cli.output import emit_json, emit_table
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
