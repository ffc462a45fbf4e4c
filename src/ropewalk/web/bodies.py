"""Reading what a request sends, of which nobody knows how much it will be."""

from __future__ import annotations

from starlette.requests import Request

from ropewalk.web.errors import InvalidQuery


async def read_body(request: Request, most: int) -> bytes:
    """Return the body of a request.

    Raises:
        InvalidQuery: it has more than `most` bytes; the rest is not read.
    """
    body = bytearray()
    # Counted while it arrives: a length that a client names is not to be believed.
    async for block in request.stream():
        body += block
        if len(body) > most:
            raise InvalidQuery(f"a request here has at most {most:,} bytes")
    return bytes(body)
