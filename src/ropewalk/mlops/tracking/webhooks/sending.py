"""One attempt to tell one webhook: signed as MLflow signs, to a pinned address, without redirects, within limits."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import socket
import ssl
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Timer

from ropewalk.errors import RopewalkError
from ropewalk.mlops.tracking.webhooks.addresses import Target, pin_address, read_target

CONNECT_S = 5.0
# For the whole attempt: a receiver that sends a byte now and then would else hold a sender for ever.
WHOLE_S = 15.0
# Of an answer, as much as helps a person who tests a webhook.
ANSWER_BYTES = 16_384
_SIGNATURE = "X-MLflow-Signature"
_TIMESTAMP = "X-MLflow-Timestamp"
_DELIVERY = "X-MLflow-Delivery-Id"


@dataclass(frozen=True)
class Letter:
    """What is sent.

    Attributes:
        id: the delivery's id, the same at every attempt.
        content: the body.
        secret: the key of its signature; None for none.
    """

    id: str
    url: str
    content: str
    secret: str | None


@dataclass(frozen=True)
class Reply:
    """What became of an attempt: an HTTP status with the beginning of the body, or a problem without one."""

    status: int | None
    text: str = ""
    problem: str | None = None
    retry_after_s: int | None = None

    @property
    def is_taken(self) -> bool:
        """Whether the receiver took it."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def may_change(self) -> bool:
        """Whether another attempt may end differently: not when the receiver or our own rules say no."""
        if self.status is None:
            return self.problem is None or not self.problem.startswith("refused")
        return self.status in {408, 425, 429} or self.status >= 500


def send(letter: Letter, allowed: Collection[str]) -> Reply:
    """Send a letter and return what became of it; what goes wrong is in the reply, nothing is raised."""
    try:
        target = read_target(letter.url, allowed)
        with _connected(target, pin_address(target, allowed)) as connection:
            connection.request("POST", target.path, letter.content.encode(), signed_headers(letter))
            answer = connection.getresponse()
            return Reply(
                answer.status,
                answer.read(ANSWER_BYTES).decode("utf-8", "replace"),
                retry_after_s=_seconds(answer.getheader("Retry-After")),
            )
    except RopewalkError as error:
        return Reply(None, problem=f"refused: {error.message}")
    except (OSError, http.client.HTTPException) as error:
        # The kind and not the text of the error: that may repeat the address, which may have a token in its path.
        return Reply(None, problem=_said(error))


def signed_headers(letter: Letter) -> dict[str, str]:
    """Return the headers of a letter that is sent now.

    The signature is `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.content`, as MLflow's documentation of
    webhooks has it, so its verification code works.
    """
    timestamp = str(int(time.time()))
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "ropewalk-webhooks",
        _DELIVERY: letter.id,
        _TIMESTAMP: timestamp,
    }
    if letter.secret:
        signed = f"{letter.id}.{timestamp}.{letter.content}".encode()
        digest = hmac.new(letter.secret.encode(), signed, hashlib.sha256).digest()
        headers[_SIGNATURE] = f"v1,{base64.b64encode(digest).decode()}"
    return headers


@contextmanager
def _connected(target: Target, address: str) -> Iterator[http.client.HTTPConnection]:
    """Yield a connection to exactly that address, which ends when the attempt has lasted too long."""
    with socket.create_connection((address, target.port), CONNECT_S) as plain:
        end = Timer(WHOLE_S, _cut, [plain])
        end.daemon = True
        end.start()
        try:
            yield _speaking(target, plain)
        finally:
            end.cancel()


def _speaking(target: Target, plain: socket.socket) -> http.client.HTTPConnection:
    if not target.is_encrypted:
        connection = http.client.HTTPConnection(target.host, target.port)
        connection.sock = plain
        return connection
    context = ssl.create_default_context()
    secure = http.client.HTTPSConnection(target.host, target.port, context=context)
    # The certificate is that of the name, while the address was chosen by us.
    secure.sock = context.wrap_socket(plain, server_hostname=target.host)
    return secure


def _cut(plain: socket.socket) -> None:
    with suppress(OSError):
        plain.shutdown(socket.SHUT_RDWR)


def _said(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate is not valid: {error.verify_message}"
    if isinstance(error, socket.gaierror):
        return "the host's name cannot be resolved"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    reason = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
    return f"the connection failed: {reason}"


def _seconds(header: str | None) -> int | None:
    return int(header) if header and header.isascii() and header.isdecimal() and len(header) < 6 else None
