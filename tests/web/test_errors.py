"""Statuses: every error of the product has one, through its class."""

from __future__ import annotations

import pytest

from ropewalk import errors
from ropewalk.access import CredentialRefused, ForeignHost, NotAllowed, NotSignedIn, TooManyFailures
from ropewalk.errors import error_classes
from ropewalk.web.errors import (
    InvalidQuery,
    MethodNotAllowed,
    PageNotFound,
    PortInUse,
    Unexpected,
    problem,
    status_of,
)


class TornSail(errors.Failed):
    """An error of a room that the web side has never heard of."""

    code = "RW999"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.InvalidInput, 400),
        (InvalidQuery, 400),
        (NotSignedIn, 401),
        (CredentialRefused, 401),
        (NotAllowed, 403),
        (ForeignHost, 403),
        (TooManyFailures, 429),
        (errors.NotFound, 404),
        (PageNotFound, 404),
        (MethodNotAllowed, 405),
        (errors.Conflict, 409),
        (PortInUse, 409),
        (errors.Failed, 422),
        (TornSail, 422),
        (errors.GateFailed, 422),
        (Unexpected, 500),
        (errors.RopewalkError, 500),
        (errors.Unavailable, 503),
    ],
)
def test_status(error: type[errors.RopewalkError], status: int) -> None:
    """An error has the status of the nearest class above it that has one."""
    assert status_of(error("x")) == status


def test_every_error_has_a_status() -> None:
    """No class of any room that is loaded here is without one."""
    for error in error_classes():
        assert 400 <= status_of(error("x")) < 600


def test_codes_differ() -> None:
    """Each class of the web side has a code of its own."""
    codes = [error.code for error in error_classes() if error.__module__ == "ropewalk.web.errors"]

    assert len(codes) == len(set(codes)) == 6


def test_problem_document() -> None:
    """The document has the standard's fields and our own."""
    error = InvalidQuery("no", nearest="yes", hint="ask again")

    assert problem(error, "/sql", "id1") == {
        "type": "urn:ropewalk:error:RW180",
        "title": "no",
        "status": 400,
        "instance": "/sql",
        "request_id": "id1",
        "code": "RW180",
        "message": "no",
        "place": None,
        "nearest": "yes",
        "hint": "ask again",
        "detail": None,
    }
