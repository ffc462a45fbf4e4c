"""One request to a REST API: retried while that may help, its failures in our words and without secrets."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import httpx

from ropewalk.dataops.sources.errors import SourceBroken, SourceRefused, SourceUnreachable
from ropewalk.dataops.sources.redact import redact_url
from ropewalk.errors import Place, RopewalkError

# What may pass by itself: timeouts, limits, and servers in trouble.
RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})
ATTEMPTS = 4
FIRST_PAUSE_S = 0.25
LONGEST_PAUSE_S = 60.0
SHOWN_BODY = 300
_AGAIN = (
    "nothing was loaded; run again later, or declare on_unreachable: keep to go on with what was loaded last"
)


@dataclass(frozen=True)
class Asking:
    """How requests of one source are made.

    Attributes:
        client: with the source's headers and timeout; follows no redirects, as these would carry them elsewhere.
        stopping: ends pauses early when the run is to stop.
        place: where the source is declared, for errors.
        attempts: how often a request is made that fails in a way that may pass.
    """

    client: httpx.Client
    stopping: threading.Event
    place: Place
    attempts: int = ATTEMPTS


def fetch(asking: Asking, address: httpx.URL) -> httpx.Response:
    """Return the answer to a GET of `address`.

    Raises:
        SourceUnreachable: no answer, or one such as 503, after all attempts.
        SourceRefused: the answer is 401 or 403.
        SourceBroken: any other answer than 200.
    """
    for attempt in range(1, asking.attempts + 1):
        try:
            answer = asking.client.get(address)
        except httpx.TransportError as error:
            if attempt == asking.attempts or asking.stopping.is_set():
                raise _unreachable(str(address), error, asking.place) from error
            asking.stopping.wait(_backoff(attempt))
            continue
        pause = _pause(answer, attempt)
        # A server that asks for a long pause is told of, not waited for.
        if answer.status_code not in RETRIED or attempt == asking.attempts or pause > LONGEST_PAUSE_S:
            break
        asking.stopping.wait(pause)
    if answer.status_code != HTTPStatus.OK:
        raise _refusal(str(address), answer, asking.place)
    return answer


def _pause(answer: httpx.Response, attempt: int) -> float:
    """Return how long to wait before the next attempt: what the server asks for, else longer each time."""
    # Either seconds or a date, as RFC 9110 allows; anything else counts as not said.
    wanted = answer.headers.get("Retry-After", "").strip()
    if wanted.isdigit():
        return float(wanted)
    try:
        return max(0.0, (parsedate_to_datetime(wanted) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return _backoff(attempt)


def _backoff(attempt: int) -> float:
    return FIRST_PAUSE_S * 2.0 ** (attempt - 1)


def _unreachable(url: str, error: httpx.TransportError, place: Place) -> SourceUnreachable:
    # httpx's own words may hold the whole URL, so only the kind of failure is said.
    what = "did not answer in time" if isinstance(error, httpx.TimeoutException) else "cannot be reached"
    return SourceUnreachable(
        f"{redact_url(url)} {what}",
        place=place,
        hint=_AGAIN,
    )


def _refusal(url: str, answer: httpx.Response, place: Place) -> RopewalkError:
    status = f"{answer.status_code} {answer.reason_phrase}".strip()
    message = f"{redact_url(url)} answered {status}"
    detail = answer.text[:SHOWN_BODY] or None
    if answer.status_code in RETRIED:
        return SourceUnreachable(message, place=place, hint=_AGAIN, detail=detail)
    if answer.status_code in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return SourceRefused(message, place=place, hint="give credentials as headers: {...: secret://NAME}")
    if answer.is_redirect:
        to = redact_url(str(answer.headers.get("Location", "")))
        return SourceBroken(message, place=place, hint=f"it has moved to {to}; declare that url")
    return SourceBroken(message, place=place, hint="check url and params", detail=detail)
