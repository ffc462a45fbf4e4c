"""Connections to one worker's socket: the few bytes of HTTP that router and worker need between them.

Both ends are ours, so nothing is negotiated: one request at a time on a connection that stays open, and an answer
whose length is told. A general client costs more per request here than the model does.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from ropewalk.devops.serving.errors import WorkerLost, WorkerMissing

REQUEST_TIMEOUT_S = 60.0
_HEAD = "POST /invocations HTTP/1.1\r\nhost: worker\r\ncontent-type: {}\r\ncontent-length: {}\r\n\r\n"
_LENGTH = b"content-length:"


@dataclass(frozen=True)
class Reply:
    """What a worker answered: the HTTP status and the body."""

    status: int
    body: bytes


_Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Connections:
    """As many connections to a worker's socket as there are requests at once; each is used again."""

    def __init__(self, path: str, timeout: float = REQUEST_TIMEOUT_S) -> None:
        self._path = path
        self._timeout = timeout
        self._idle: list[_Connection] = []

    async def ask(self, body: bytes, media_type: str) -> Reply:
        """Send a request body to the worker and return its answer.

        Raises:
            WorkerMissing: nothing listens on the socket; nothing was sent.
            WorkerLost: the worker ended or stalled before it had answered.
        """
        reader, writer = await self._connection()
        is_whole = False
        try:
            async with asyncio.timeout(self._timeout):
                reply = await _exchange(reader, writer, body, media_type)
            is_whole = True
        except (OSError, EOFError, ValueError, asyncio.LimitOverrunError) as error:
            raise WorkerLost(
                "the worker ended or stalled before it had answered",
                hint="send the request again; its prediction may have been recorded already",
                detail=f"{type(error).__name__}: {error}",
            ) from error
        finally:
            # Half an answer, also of a client that went away, would be read as the next request's.
            if is_whole:
                self._idle.append((reader, writer))
            else:
                writer.close()
        return reply

    async def close(self) -> None:
        """Close the connections that no request uses."""
        while self._idle:
            _, writer = self._idle.pop()
            writer.close()

    async def _connection(self) -> _Connection:
        while self._idle:
            reader, writer = self._idle.pop()
            # The worker may have ended it meanwhile.
            if not reader.at_eof() and not writer.is_closing():
                return reader, writer
            writer.close()
        try:
            return await asyncio.open_unix_connection(self._path)
        except OSError as error:
            raise WorkerMissing(
                "the worker is gone", hint="try again in a moment: it is being started"
            ) from error


async def _exchange(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes, media_type: str
) -> Reply:
    # In one write: two would wake the worker twice.
    writer.write(_HEAD.format(media_type, len(body)).encode("latin-1") + body)
    await writer.drain()
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(head.partition(_LENGTH)[2].partition(b"\r\n")[0])
    # `HTTP/1.1 200 OK`: the status stands at a fixed place.
    return Reply(int(head[9:12]), await reader.readexactly(length))
