"""Claims about errors over HTTP: every class has a status, and comes back as the same class."""

from __future__ import annotations

import json

import pytest

from ropewalk.devops.serving import errors
from ropewalk.devops.serving.replies import error_from_reply, error_reply
from ropewalk.errors import Failed, RopewalkError

CLASSES = [
    value
    for value in vars(errors).values()
    if isinstance(value, type) and value.__module__ == errors.__name__
]


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_every_error_comes_back_as_it_went(kind: type[RopewalkError]) -> None:
    """What a worker raises is what the caller of `predict` catches, with all that helps."""
    sent = kind("wrong", nearest="right", hint="do this", detail="because")

    status, body = error_reply(sent)
    found = error_from_reply(status, body, "in the batch from row 0 on")

    assert type(found) is kind
    assert found.as_json() == sent.as_json()


@pytest.mark.parametrize(
    ("kind", "status", "name"),
    [
        (errors.BadPayload, 400, "BAD_REQUEST"),
        (errors.BodyTooLarge, 413, "BAD_REQUEST"),
        (errors.UnknownMediaType, 415, "BAD_REQUEST"),
        (errors.PathMissing, 404, "ENDPOINT_NOT_FOUND"),
        (errors.DeploymentMissing, 404, "RESOURCE_DOES_NOT_EXIST"),
        (errors.DeploymentAmbiguous, 409, "RESOURCE_CONFLICT"),
        (errors.PredictionFailed, 500, "INTERNAL_ERROR"),
        (errors.PredictionNotRecorded, 507, "INTERNAL_ERROR"),
        (errors.WorkerMissing, 503, "TEMPORARILY_UNAVAILABLE"),
    ],
)
def test_statuses_are_what_clients_of_mlflow_expect(
    kind: type[RopewalkError], status: int, name: str
) -> None:
    """The status says who must act, and `error_code` is MLflow's word for it."""
    found, body = error_reply(kind("wrong"))

    assert (found, json.loads(body)["error_code"]) == (status, name)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"code": 1}'])
def test_an_answer_of_something_else_is_told(body: bytes) -> None:
    """A proxy's page between us and the server is no traceback."""
    found = error_from_reply(502, body, "in the batch from row 0 on")

    assert type(found) is Failed
    assert "502" in found.message


def test_an_unknown_code_is_still_an_error() -> None:
    """A newer server's errors keep their sentence."""
    found = error_from_reply(400, b'{"code": "RW9876", "message": "new"}', "where")

    assert (type(found), found.message, found.detail) == (Failed, "new", "where")


def test_codes_are_one_per_class() -> None:
    """No two classes of this room share a code, and all lie in its ranges."""
    codes = [kind.code for kind in CLASSES]

    assert len(set(codes)) == len(codes)
    assert {code[:2] + code[3] for code in codes} == {"RW6"}
