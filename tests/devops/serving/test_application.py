"""Claims about the bare ASGI side that need no process: bodies in pieces, and failures nobody foresaw."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path

import httpx
import pytest

from ropewalk.devops.serving.application import ServingApplication
from ropewalk.devops.serving.engines import open_engine
from ropewalk.devops.serving.errors import BadPayload, BodyTooLarge
from ropewalk.devops.serving.payload import Values
from ropewalk.devops.serving.request_body import Message, read_body
from ropewalk.devops.serving.segments import SegmentWriter, read_segments
from ropewalk.devops.serving.signature import Column, Signature

from .conftest import HEADER, SavedModel


class BrokenEngine:
    """A model with a fault that nobody foresaw."""

    name = "broken"
    signature = Signature((Column("hour", "double"),))

    def predict(self, columns: Sequence[Values]) -> list[object]:
        """Fail."""
        raise ZeroDivisionError


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[SegmentWriter]:
    found = SegmentWriter(tmp_path, HEADER)
    yield found
    found.close()


def read(*blocks: bytes, limit: int = 10, last: str = "http.request") -> bytes:
    messages: list[Message] = [{"type": "http.request", "body": block, "more_body": True} for block in blocks]
    messages.append({"type": last, "body": b"", "more_body": False})
    waiting = iter(messages)

    async def receive() -> Message:
        return next(waiting)

    return asyncio.run(read_body(receive, limit))


def test_a_body_may_come_in_pieces() -> None:
    """What the network cut up is put together, up to the limit."""
    assert read(b"12345", b"", b"67890") == b"1234567890"


@pytest.mark.parametrize("blocks", [(b"12345", b"678901"), (b"x" * 100,) * 100])
def test_a_body_over_the_limit_is_refused(blocks: tuple[bytes, ...]) -> None:
    """The size counts over all pieces, and an endless body is not read to its end."""
    with pytest.raises(BodyTooLarge, match="at most 10 are taken"):
        read(*blocks)


def test_a_client_that_leaves_is_no_request() -> None:
    """Half a body is never parsed."""
    with pytest.raises(BadPayload, match="went away"):
        read(b"123", last="http.disconnect")


def post(application: ServingApplication, payload: object) -> httpx.Response:
    async def scenario() -> httpx.Response:
        transport = httpx.ASGITransport(application)  # type: ignore[arg-type]  # a bare ASGI application
        async with httpx.AsyncClient(transport=transport, base_url="http://worker") as client:
            return await client.post("/invocations", json=payload)

    return asyncio.run(scenario())


def test_a_fault_nobody_foresaw_is_told_in_our_shape(tmp_path: Path, writer: SegmentWriter) -> None:
    """The client gets JSON without a traceback, and nothing is recorded."""
    reply = post(ServingApplication(BrokenEngine(), writer, HEADER), {"inputs": {"hour": [1]}})

    assert (reply.status_code, reply.json()["code"]) == (500, "RW463")
    assert reply.json()["error_code"] == "INTERNAL_ERROR"
    assert "ZeroDivision" not in reply.text
    assert list(read_segments(tmp_path, {})) == []


def test_what_cannot_be_recorded_is_not_answered(late_model: SavedModel, writer: SegmentWriter) -> None:
    """Without a log there is no answer: 507, and the hint says what to do."""
    application = ServingApplication(open_engine(late_model.folder), writer, HEADER)
    with Path("/dev/full").open("wb") as full:
        writer._descriptor, real = full.fileno(), writer._descriptor
        reply = post(application, late_model.split(1))
        writer._descriptor = real

    assert (reply.status_code, reply.json()["code"]) == (507, "RW462")
    assert "make room" in reply.json()["hint"]
