"""Page tokens of a metric's history: the last point that was given out, so that new points shift no page."""

from __future__ import annotations

from ropewalk.mlops.tracking.errors import InvalidRequest
from ropewalk.mlops.tracking.wire.tokens import read_token, write_token
from ropewalk.pipeline import Workspace
from ropewalk.store.tracking.segments import Point

_SERIES = "series"


def read_place(workspace: Workspace, token: str | None, *series: str) -> Point | None:
    """Return the point after which the page of that token begins; None without a token.

    Raises:
        InvalidRequest: the token is none of this server's, was changed, or is of another series.
    """
    if not token:
        return None
    step, time, value = read_token(workspace, token, tuple[int, int, float], _SERIES, series)
    if not all(-(2**63) <= part < 2**63 for part in (step, time)):
        raise InvalidRequest("Invalid page token: no point is there", hint="start again without one")
    return step, time, value


def place_token(workspace: Workspace, point: Point, *series: str) -> str:
    """Return the token of the page that begins after `point`."""
    return write_token(workspace, point, _SERIES, series)
