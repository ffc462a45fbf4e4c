"""What PostgreSQL reports in the product's own words: one class for each kind of trouble, and never a password."""

from __future__ import annotations

import pytest
from pg8000.exceptions import DatabaseError, InterfaceError

from ropewalk.store.errors import (
    DatabaseBusy,
    DatabaseFailed,
    DatabaseUnreachable,
    DatabaseUnusable,
    RowRefused,
)
from ropewalk.store.server_address import read_address
from ropewalk.store.server_errors import describe, is_stale

ADDRESS = read_address("postgresql://me:hidden-word@server/metadata")


def _answer(code: str, **more: str) -> DatabaseError:
    return DatabaseError({"S": "ERROR", "C": code, "M": "it went wrong", **more})


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("23505", RowRefused),
        ("22001", RowRefused),
        ("40001", DatabaseBusy),
        ("40P01", DatabaseBusy),
        ("55P03", DatabaseBusy),
        ("0A000", DatabaseBusy),
        ("08006", DatabaseUnreachable),
        ("53300", DatabaseUnreachable),
        ("57P01", DatabaseUnreachable),
        ("25P03", DatabaseUnreachable),
        ("28P01", DatabaseUnusable),
        ("3D000", DatabaseUnusable),
        ("42501", DatabaseUnusable),
        ("25006", DatabaseUnusable),
        ("42P01", DatabaseFailed),
        ("53100", DatabaseFailed),
        ("55000", DatabaseFailed),
        ("25P02", DatabaseFailed),
        ("", DatabaseFailed),
    ],
)
def test_answers_of_the_server(code: str, kind: type[Exception]) -> None:
    """By their SQLSTATE, whole or by its class."""
    assert type(describe(_answer(code), ADDRESS)) is kind


def test_the_servers_sentence_and_its_detail() -> None:
    """Both are told where they say what to mend."""
    error = describe(_answer("23505", D="Key (id)=(1) exists.", H="a hint"), ADDRESS)

    assert error.message == "the metadata database refused a row: it went wrong, Key (id)=(1) exists."


@pytest.mark.parametrize("code", ["40001", "08006", "28P01", "42P01", "0A000"])
def test_no_password(code: str) -> None:
    """The address is shown without it."""
    error = describe(_answer(code), ADDRESS)

    assert "hidden-word" not in f"{error.message} {error.hint}"
    assert "server" in error.message


def test_an_answer_behind_another_error() -> None:
    """The driver hides it behind the error of closing the connection."""
    hidden = InterfaceError("closed")
    hidden.__context__ = OSError("broken")
    hidden.__context__.__cause__ = _answer("28P01")

    assert type(describe(hidden, ADDRESS)) is DatabaseUnusable


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        (OSError("no route"), DatabaseUnreachable, "does not answer: no route"),
        (InterfaceError("in failed transaction block"), DatabaseFailed, "nothing of it was written"),
        (InterfaceError("connection is closed"), DatabaseUnreachable, "connection is closed"),
    ],
)
def test_errors_of_the_driver(error: BaseException, kind: type[Exception], said: str) -> None:
    """Without an answer the server is away, unless a statement had failed before."""
    found = describe(error, ADDRESS)

    assert type(found) is kind
    assert said in found.message


@pytest.mark.parametrize(
    ("error", "expected"), [(_answer("0A000"), True), (_answer("42P01"), False), (OSError("0A000"), False)]
)
def test_what_may_be_planned_anew(error: BaseException, expected: bool) -> None:
    """Only a statement whose tables have changed since."""
    assert is_stale(error) is expected
