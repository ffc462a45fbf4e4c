"""Claims about the connections to a worker: they are used again, and never after half an answer."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from ropewalk.devops.serving.connections import Connections, Reply
from ropewalk.devops.serving.errors import WorkerLost, WorkerMissing

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def read_request(reader: asyncio.StreamReader) -> bytes:
    """Return the body of one request."""
    head = await reader.readuntil(b"\r\n\r\n")
    return await reader.readexactly(int(head.partition(b"content-length: ")[2].partition(b"\r")[0]))


def against(serve: Serve, scenario: Callable[[Connections], Awaitable[object]], timeout: float = 5) -> object:
    """Run the scenario with connections to a socket that `serve` answers on."""

    async def run() -> object:
        # Short, because a socket's path may not be longer than about a hundred bytes.
        with TemporaryDirectory() as folder:
            path = str(Path(folder) / "0.sock")

            async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                # A client that gave up ends its side; the server must not take it for a fault.
                with contextlib.closing(writer), contextlib.suppress(EOFError, ConnectionError):
                    await serve(reader, writer)

            async with await asyncio.start_unix_server(handle, path):
                connections = Connections(path, timeout)
                found = await scenario(connections)
                await connections.close()
                # The handlers see the end of their connections before the loop ends.
                await asyncio.sleep(0.01)
                return found

    return asyncio.run(run())


def answering(*answers: bytes) -> tuple[Serve, list[int]]:
    """Return a server that gives these answers on each connection and then ends it, and the list of connections."""
    seen: list[int] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        mine = len(seen)
        seen.append(0)
        for answer in answers:
            await read_request(reader)
            seen[mine] += 1
            writer.write(answer)
            await writer.drain()

    return serve, seen


def test_a_connection_is_used_again() -> None:
    """Three requests one after the other take one connection."""
    serve, seen = answering(OK, OK, OK)

    async def scenario(connections: Connections) -> list[Reply]:
        return [await connections.ask(b"[]", "application/json") for _ in range(3)]

    assert against(serve, scenario) == [Reply(200, b"{}")] * 3
    assert seen == [3]


def test_requests_at_once_have_a_connection_each() -> None:
    """Nobody waits for another request's answer."""
    serve, seen = answering(OK)

    async def scenario(connections: Connections) -> list[Reply]:
        return list(await asyncio.gather(*(connections.ask(b"[]", "") for _ in range(5))))

    assert against(serve, scenario) == [Reply(200, b"{}")] * 5
    assert seen == [1] * 5


def test_a_connection_that_the_worker_ended_is_left() -> None:
    """What was closed while it was idle is not asked on again."""
    serve, seen = answering(OK)

    async def scenario(connections: Connections) -> Reply:
        await connections.ask(b"[]", "")
        await asyncio.sleep(0.05)
        return await connections.ask(b"[]", "")

    assert against(serve, scenario) == Reply(200, b"{}")
    assert seen == [1, 1]


@pytest.mark.parametrize(
    "answer",
    [b"", b"HTTP/1.1 200", OK[:-1], b"HTTP/1.1 200 OK\r\n\r\n{}", b"x" * (1 << 17)],
    ids=["none", "half a head", "half a body", "no length", "no head"],
)
def test_an_answer_that_is_not_whole_is_told(answer: bytes) -> None:
    """Whatever breaks off is the worker's loss, with the warning that the prediction may be recorded."""
    serve, _ = answering(answer)

    async def scenario(connections: Connections) -> None:
        with pytest.raises(WorkerLost, match="before it had answered") as caught:
            await connections.ask(b"[]", "")
        assert "may have been recorded" in (caught.value.hint or "")

    against(serve, scenario)


def test_a_worker_that_stalls_is_given_up() -> None:
    """The next request does not get the late answer: its connection is a new one."""
    seen: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await read_request(reader))
        await asyncio.sleep(1.2 if len(seen) == 1 else 0)
        writer.write(OK.replace(b"{}", b"%02d" % len(seen)))
        await asyncio.sleep(0.3)

    async def scenario(connections: Connections) -> Reply:
        with pytest.raises(WorkerLost) as caught:
            await connections.ask(b"first", "")
        assert "TimeoutError" in (caught.value.detail or "")
        return await connections.ask(b"second", "")

    assert against(serve, scenario, timeout=1.0) == Reply(200, b"02")


def test_a_cancelled_request_leaves_no_half_answer() -> None:
    """A client that went away does not leave its answer to the next one."""
    serve, seen = answering(OK, OK)

    async def scenario(connections: Connections) -> Reply:
        task = asyncio.create_task(connections.ask(b"[]", ""))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return await connections.ask(b"[]", "")

    assert against(serve, scenario) == Reply(200, b"{}")
    assert seen[-1] == 1


def test_a_large_body_goes_through() -> None:
    """Eight megabytes arrive whole, and so does an answer of that size."""
    large = b"x" * (8 << 20)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        body = await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()

    async def scenario(connections: Connections) -> bool:
        return (await connections.ask(large, "")).body == large

    assert against(serve, scenario)


def test_without_a_worker_nothing_is_sent(tmp_path: Path) -> None:
    """A socket that is gone is told apart from a worker that died while it answered."""
    with pytest.raises(WorkerMissing, match="the worker is gone"):
        asyncio.run(Connections(str(tmp_path / "no.sock")).ask(b"[]", ""))
