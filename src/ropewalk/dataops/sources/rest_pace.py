"""How fast a web API may be asked: our own pace, and the limits it tells of in its answers."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

# Some tell the time of the reset, some the seconds until then; nobody waits for thirty years.
_EPOCH = 1_000_000_000
_STRUCTURED = re.compile(r"(?P<key>[rt])=(?P<value>\d+)")


class Pace:
    """Holds requests of one API back, whatever thread makes them.

    Args:
        per_minute: the most requests in a minute, spread evenly; None for as many as come.
    """

    def __init__(self, per_minute: int | None = None) -> None:
        self._gap = 60.0 / per_minute if per_minute else 0.0
        self._lock = threading.Lock()
        self._free_at = 0.0

    def wait(self, stopping: threading.Event, longest: float) -> float | None:
        """Wait for the next request's turn; return None when it has come.

        Returns:
            The seconds that would have to be waited for, at once, when they are more than `longest`.
        """
        with self._lock:
            now = time.monotonic()
            turn = max(now, self._free_at)
            if turn - now > longest:
                return turn - now
            self._free_at = turn + self._gap if self._gap else self._free_at
        if turn > now:
            stopping.wait(turn - now)
        return None

    def heed(self, headers: Mapping[str, str]) -> None:
        """Let the next request wait when `headers` say that no more are allowed until some time."""
        pause = used_up(headers)
        if pause is not None:
            with self._lock:
                self._free_at = max(self._free_at, time.monotonic() + pause)


def wanted_pause(headers: Mapping[str, str], otherwise: float) -> float:
    """Return the seconds that a server in trouble asks to be left alone for, else `otherwise`."""
    # Either seconds or a date, as RFC 9110 allows; anything else counts as not said.
    wanted = headers.get("Retry-After", "").strip()
    if wanted.isdecimal():
        return float(wanted)
    try:
        return max(0.0, (parsedate_to_datetime(wanted) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        pause = used_up(headers)
        return otherwise if pause is None else pause


def used_up(headers: Mapping[str, str]) -> float | None:
    """Return the seconds until requests are allowed again, or None while some are left.

    It reads `RateLimit-Remaining` and `-Reset` (GitLab), the same with `X-` before (GitHub and most others), and
    the structured `RateLimit: "name";r=0;t=30` of the IETF's draft.
    """
    found = {
        match["key"]: int(match["value"]) for match in _STRUCTURED.finditer(headers.get("RateLimit", ""))
    }
    if found.get("r") == 0:
        return float(found.get("t", 0))
    for prefix in ("RateLimit", "X-RateLimit", "X-Rate-Limit"):
        if headers.get(f"{prefix}-Remaining", "").strip() == "0":
            return _until(headers.get(f"{prefix}-Reset", "").strip())
    return None


def _until(reset: str) -> float | None:
    try:
        number = float(reset)
    except ValueError:
        return None
    return max(0.0, number - time.time() if number > _EPOCH else number)
