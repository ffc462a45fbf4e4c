"""One request to a web API: retried while that may help, its failures in our words and without secrets."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from http import HTTPStatus

import httpx

from ropewalk.dataops.sources.errors import (
    AnswerTooLarge,
    SourceBroken,
    SourceRefused,
    SourceUnreachable,
)
from ropewalk.dataops.sources.redact import origin, redact_url
from ropewalk.dataops.sources.rest_auth import NO_AUTH, Authorizer, conceal
from ropewalk.dataops.sources.rest_pace import Pace, wanted_pause
from ropewalk.errors import Place, RopewalkError

# What may pass by itself: timeouts, limits, and servers in trouble.
RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})
ATTEMPTS = 4
FIRST_PAUSE_S = 0.25
LONGEST_PAUSE_S = 60.0
MOST_REDIRECTS = 5
LARGEST_BODY = 256 << 20
SHOWN_BODY = 300
_AGAIN = (
    "nothing was loaded; run again later, or declare on_unreachable: keep to go on with what was loaded last"
)


@dataclass(frozen=True)
class Question:
    """One request: its address, for some APIs a body, and statuses that are an answer beside 200."""

    address: httpx.URL
    method: str = "GET"
    body: bytes | None = None
    content_type: str = "application/json"
    accepted: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Answer:
    """What came back, unpacked and whole.

    Attributes:
        address: what was asked, after redirects within the same origin.
        status: the HTTP status.
        reason: its words.
        headers: of the answer.
        content: the body.
        links: address by `rel` of the Link header.
    """

    address: httpx.URL
    status: int
    reason: str
    headers: httpx.Headers
    content: bytes
    links: dict[str, str]


@dataclass(frozen=True)
class Asking:
    """How requests of one source are made.

    Attributes:
        client: with the source's headers and timeout; it follows no redirects by itself.
        stopping: ends pauses early when the run is to stop.
        place: where the source is declared, for errors.
        attempts: how often a request is made that fails in a way that may pass.
        auth: what adds credentials to each request.
        pace: what holds requests back for the sake of a limit.
        largest: the most bytes an answer may have, unpacked.
        explain: makes an error of an answer in the API's own way of saying so, or None.
        secrets: what else was sent that must not be shown.
    """

    client: httpx.Client
    stopping: threading.Event
    place: Place
    attempts: int = ATTEMPTS
    auth: Authorizer = NO_AUTH
    pace: Pace = field(default_factory=Pace)
    largest: int = LARGEST_BODY
    explain: Callable[[Answer], RopewalkError | None] = lambda _answer: None
    secrets: tuple[str, ...] = ()

    def conceal(self, text: str) -> str:
        """Return `text`, which the API wrote, with every secret that was sent to it replaced."""
        return conceal(self.auth.conceal(text), self.secrets)


def fetch(asking: Asking, question: Question) -> Answer:
    """Return the answer to `question`.

    Redirects are followed within the origin that was asked, and to nowhere else.

    Raises:
        SourceUnreachable: no answer, or one such as 503, after all attempts.
        SourceRefused: the answer is 401 or 403.
        SourceBroken: any other answer than 200 and what is accepted beside it.
        AnswerTooLarge: the answer has more bytes than `asking` allows.
    """
    answer = _ask_often(asking, question)
    if answer.status != HTTPStatus.OK and answer.status not in question.accepted:
        raise asking.explain(answer) or _refusal(answer, asking)
    return answer


def _ask_often(asking: Asking, question: Question) -> Answer:
    """Return the first answer that is not likely to be another the next time, or the last one."""
    for attempt in range(1, asking.attempts + 1):
        is_last = attempt == asking.attempts
        try:
            answer = _ask(asking, question)
        except httpx.TransportError as error:
            if is_last or asking.stopping.is_set():
                raise _unreachable(str(question.address), error, asking.place) from error
            asking.stopping.wait(_backoff(attempt))
            continue
        pause = wanted_pause(answer.headers, _backoff(attempt))
        # A server that asks for a long pause is told of, not waited for.
        if answer.status not in RETRIED or is_last or pause > LONGEST_PAUSE_S or asking.stopping.is_set():
            break
        asking.stopping.wait(pause)
    return answer


def _backoff(attempt: int) -> float:
    return FIRST_PAUSE_S * 2.0 ** (attempt - 1)


def _ask(asking: Asking, question: Question) -> Answer:
    """Return the answer, with new credentials when the old ones ran out, and from where it moved to nearby."""
    answer = _send(asking, question)
    if answer.status == HTTPStatus.UNAUTHORIZED and asking.auth.renew():
        answer = _send(asking, question)
    for _ in range(MOST_REDIRECTS):
        following = _moved_to(question, answer)
        if following is None:
            break
        question = replace(question, address=following)
        answer = _send(asking, question)
    return answer


def _moved_to(question: Question, answer: Answer) -> httpx.URL | None:
    """Return where to ask again, or None: another origin must not get the credentials of this one."""
    if question.method != "GET" or not 300 <= answer.status < 400:
        return None
    location = answer.headers.get("Location")
    following = question.address.join(location) if location else None
    return following if following and origin(str(following)) == origin(str(question.address)) else None


def _send(asking: Asking, question: Question) -> Answer:
    until = asking.pace.wait(asking.stopping, LONGEST_PAUSE_S)
    if until is not None:
        raise SourceUnreachable(
            f"{redact_url(str(question.address))} takes no request for another {until:.0f} s",
            place=asking.place,
            hint="its rate limit is used up; " + _AGAIN,
        )
    given = asking.auth.credentials()
    headers = dict(given.headers)
    if question.body is not None:
        headers["Content-Type"] = question.content_type
    address = question.address.copy_merge_params(given.params) if given.params else question.address
    with asking.client.stream(
        question.method, address, headers=headers, content=question.body, follow_redirects=False
    ) as response:
        content = _read(response, asking)
    asking.pace.heed(response.headers)
    links = {rel: link["url"] for rel, link in response.links.items() if rel and "url" in link}
    return Answer(
        question.address, response.status_code, response.reason_phrase, response.headers, content, links
    )


def _read(response: httpx.Response, asking: Asking) -> bytes:
    """Return the unpacked body, of which never more is held than is allowed and one chunk."""
    parts: list[bytes] = []
    size = 0
    try:
        for part in response.iter_bytes():
            parts.append(part)
            size += len(part)
            if size > asking.largest:
                raise AnswerTooLarge(
                    f"{redact_url(str(response.url))} answers with more than {asking.largest:,} bytes",
                    place=asking.place,
                    hint="ask for smaller pages, or raise max_page_mb",
                )
    except httpx.DecodingError as error:
        raise SourceBroken(
            f"{redact_url(str(response.url))}: the answer cannot be unpacked as its Content-Encoding says",
            place=asking.place,
        ) from error
    return b"".join(parts)


def _unreachable(url: str, error: httpx.TransportError, place: Place) -> SourceUnreachable:
    # httpx's own words may hold the whole URL, so only the kind of failure is said.
    what = "did not answer in time" if isinstance(error, httpx.TimeoutException) else "cannot be reached"
    return SourceUnreachable(
        f"{redact_url(url)} {what}",
        place=place,
        hint=_AGAIN,
    )


def _refusal(answer: Answer, asking: Asking) -> RopewalkError:
    place = asking.place
    status = f"{answer.status} {answer.reason}".strip()
    message = f"{redact_url(str(answer.address))} answered {status}"
    detail = asking.conceal(answer.content[:SHOWN_BODY].decode(errors="replace")) or None
    if answer.status in RETRIED:
        return SourceUnreachable(message, place=place, hint=_AGAIN, detail=detail)
    if answer.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return SourceRefused(
            message,
            place=place,
            hint="declare auth, such as auth: {type: bearer, token: secret://NAME}"
            if asking.auth is NO_AUTH
            else "the credentials are wrong, have run out, or lack a right",
        )
    if location := answer.headers.get("Location"):
        to = redact_url(location)
        return SourceBroken(message, place=place, hint=f"it has moved to {to}; declare that url")
    return SourceBroken(message, place=place, hint="check url and params", detail=detail)
