"""Page tokens of a metric's history: the last point that was given out, so that new points shift no page."""

from __future__ import annotations

import base64
import binascii

import msgspec
from blake3 import blake3

from ropewalk.mlops.tracking.errors import InvalidRequest
from ropewalk.store.tracking.segments import Point


# Not signed: whoever may read a series may begin at any of its points. The value is text because JSON has no NaN.
class _Token(msgspec.Struct, array_like=True):
    step: int
    time: int
    value: str
    series: str


def read_place(token: str | None, *series: str) -> Point | None:
    """Return the point after which the page of that token begins; None without a token.

    Raises:
        InvalidRequest: the token is none of ours, or of another series.
    """
    if not token:
        return None
    try:
        read = msgspec.json.decode(base64.urlsafe_b64decode(token), type=_Token)
        value = float.fromhex(read.value)
    except (msgspec.MsgspecError, binascii.Error, ValueError, OverflowError):
        raise InvalidRequest(f"Invalid page token {token[:80]!r}", hint="start again without one") from None
    if read.series != _digest(series) or not all(-(2**63) <= part < 2**63 for part in (read.step, read.time)):
        raise InvalidRequest(
            "Invalid page token: it belongs to another series", hint="start again without one"
        )
    return read.step, read.time, value


def place_token(point: Point, *series: str) -> str:
    """Return the token of the page that begins after `point`."""
    step, time, value = point
    token = _Token(step, time, value.hex(), _digest(series))
    return base64.urlsafe_b64encode(msgspec.json.encode(token)).decode()


def _digest(series: tuple[str, ...]) -> str:
    return blake3(repr(series).encode()).hexdigest(8)
