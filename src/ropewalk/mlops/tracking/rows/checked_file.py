"""A file as a download whose bytes are held against their digest while they go out."""

from __future__ import annotations

from pathlib import Path

from blake3 import blake3
from starlette.datastructures import Headers
from starlette.responses import FileResponse
from starlette.types import Message, Receive, Scope, Send

from ropewalk.pipeline import ObjectDamaged


class CheckedFile(FileResponse):
    """A download that breaks off before its end when the bytes are not what their digest says.

    Parts of a file (ranges) are sent as they are: only whoever has all of them can hold them against the digest, which is
    in the header `ETag`.
    """

    def __init__(self, place: Path, digest: str, *, headers: dict[str, str], name: str) -> None:
        tag = {"ETag": f'"{digest}"'}
        super().__init__(
            place, headers={**headers, **tag}, media_type="application/octet-stream", filename=name
        )
        self.digest = digest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the file, and never its last piece when it is damaged.

        Raises:
            ObjectDamaged: it is; the connection ends.
        """
        is_whole = scope["method"] == "GET" and "range" not in Headers(scope=scope)
        await super().__call__(scope, receive, _Checking(send, self.digest) if is_whole else send)


class _Checking:
    """Passes messages on, each body one message late, and the last one only when all bytes were right."""

    def __init__(self, send: Send, digest: str) -> None:
        self._send = send
        self._digest = digest
        self._hash = blake3()
        self._held: Message | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] != "http.response.body":
            await self._send(message)
            return
        self._hash.update(message.get("body", b""))
        is_last = not message.get("more_body", False)
        if is_last and self._hash.hexdigest() != self._digest:
            raise ObjectDamaged(
                f"object {self._digest} is damaged, and its download was broken off",
                hint="`ropewalk cache verify` removes what is damaged; store the file again",
            )
        if self._held is not None:
            await self._send(self._held)
        self._held = message
        if is_last:
            await self._send(message)
