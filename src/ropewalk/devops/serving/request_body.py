"""Request bodies as they arrive over ASGI: read whole, up to a limit."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from ropewalk.devops.serving.errors import BadPayload, BodyTooLarge

# ASGI's own types: messages are dictionaries whose shape the server decides.
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

MAX_BODY = 8 << 20
_PATIENCE = 16


async def read_body(receive: Receive, limit: int = MAX_BODY) -> bytes:
    """Return the whole request body.

    Raises:
        BodyTooLarge: it is longer than `limit`; more is read and dropped, so that the client sees the answer.
        BadPayload: the client went away in the middle.
    """
    blocks: list[bytes] = []
    size, more = 0, True
    # Who sends without end is cut off all the same.
    while more and size <= limit * _PATIENCE:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise BadPayload("the client went away before the body was complete")
        block = message.get("body", b"")
        size += len(block)
        if size <= limit:
            blocks.append(block)
        more = message.get("more_body", False)
    if size > limit:
        raise BodyTooLarge(
            f"the request body has {size} bytes or more, and at most {limit} are taken",
            hint="send fewer rows at once",
        )
    return b"".join(blocks)
