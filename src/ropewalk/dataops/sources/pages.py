"""Going through the pages of a web API, by any of the declared ways, without going round in circles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import msgspec

from ropewalk.dataops.sources.bodies import Body
from ropewalk.dataops.sources.errors import PageLoop, SourceBroken
from ropewalk.dataops.sources.fetch import Answer, Asking, Question, fetch
from ropewalk.dataops.sources.redact import origin
from ropewalk.dataops.sources.rest_declarations import (
    HeaderCursor,
    LinkHeader,
    NextCursor,
    NextURL,
    Offset,
    PageNumber,
)
from ropewalk.dataops.sources.rest_route import Route
from ropewalk.pipeline import Stopped

HEADER = "header "


@dataclass(frozen=True)
class Page:
    """One page: its number from 1, and each of its records as the bytes of a JSON object."""

    number: int
    records: Sequence[bytes]


@dataclass
class PageWalk:
    """The way through the pages that begin at one route.

    Attributes:
        asking: how requests are made.
        route: where it starts.
    """

    asking: Asking
    route: Route
    _seen: set[tuple[str, bytes | None]] = field(default_factory=set)
    _received: int = 0
    _totals: list[int] = field(default_factory=list)

    def pages(self) -> Iterator[Page]:
        """Yield page after page.

        Raises:
            SourceUnreachable, SourceRefused, AnswerTooLarge: as `fetch` says.
            SourceBroken: an error answer, or one that is not as declared.
            Stopped: the run is to stop.
            PageLoop: a page leads back to one that was read, or repeats it; or there are not as many records as told.
        """
        question: Question | None = self._first()
        before: Sequence[bytes] = ()
        number = 0
        while question is not None:
            number += 1
            if self.asking.stopping.is_set():
                raise Stopped(f"stopped before page {number} of {self.route.shown}")
            asked = (str(question.address), question.body)
            self._refuse_loop(asked in self._seen, number)
            self._seen.add(asked)
            answer = fetch(self.asking, question)
            if answer.status in question.accepted:
                # Declared to mean that there is nothing, such as 404 for a parent that is gone meanwhile.
                return
            body = self._body(answer, number)
            records = body.records(self.route.source.records)
            # A server that does not know the parameter for pages answers with its first page for ever.
            self._refuse_loop(bool(records) and records == before and self._is_counted, number)
            self._received += len(records)
            self._note_total(answer, body)
            yield Page(number, records)
            before = records
            # Counted pages end with an empty one; a short page proves nothing, as servers cap the size asked for.
            question = self._next(question, answer, body, number) if records or not self._ends_empty else None
        self._check_total()

    def _body(self, answer: Answer, number: int) -> Body:
        # The page is named in errors by its number, as its address may hold credentials.
        what = f"page {number} of {self.route.shown}"
        try:
            return Body.parse(answer.content, what, self.asking.place, answer.headers.get("Content-Type", ""))
        except SourceBroken as error:
            error.detail = self.asking.conceal(error.detail or "") or None
            raise

    @property
    def _ends_empty(self) -> bool:
        by = self.route.source.paginate
        return by.stop_after_empty if isinstance(by, PageNumber) else isinstance(by, Offset)

    @property
    def _is_counted(self) -> bool:
        return isinstance(self.route.source.paginate, PageNumber | Offset)

    def _first(self) -> Question:
        match self.route.source.paginate:
            case PageNumber() as by:
                return self._numbered(by, by.start)
            case Offset() as by:
                return self._offset(by)
            case _:
                return self._question({})

    def _next(self, asked: Question, answer: Answer, body: Body, number: int) -> Question | None:
        match self.route.source.paginate:
            case NextURL() as by:
                return self._linked(asked, body.text_at(by.path))
            case LinkHeader() as by:
                return self._linked(asked, answer.links.get(by.rel))
            case HeaderCursor() as by:
                token = answer.headers.get(by.header)
                return self._question({by.param: token}) if token else None
            case NextCursor() as by:
                token = None if _says_last(by, body) else body.text_at(by.path)
                return self._question({by.param: token}, by.where) if token else None
            case PageNumber() | Offset() as by:
                return self._counted(by, body, number)
            case None:
                self._refuse_more(answer)
        return None

    def _counted(self, by: PageNumber | Offset, body: Body, number: int) -> Question | None:
        if _says_last(by, body) or (self._totals and self._received >= max(self._totals)):
            return None
        following = by.start + (self._received if isinstance(by, Offset) else number)
        if by.maximum is not None and following > by.maximum:
            return None
        if isinstance(by, Offset):
            return self._offset(by)
        is_last = by.pages is not None and number == body.number_at(by.pages)
        return None if is_last else self._numbered(by, following)

    def _numbered(self, by: PageNumber, number: int) -> Question:
        size = {by.size_param: by.size} if by.size else {}
        return self._question({by.param: number, **size}, by.where)

    def _offset(self, by: Offset) -> Question:
        return self._question({by.param: by.start + self._received, by.limit_param: by.limit}, by.where)

    def _question(self, added: Mapping[str, str | int], where: str = "query") -> Question:
        params = dict(self.route.params)
        body: dict[str, Any] = dict(self.route.body)
        if where == "query":
            params |= {key: str(value) for key, value in added.items()}
        else:
            for path, value in added.items():
                body = _placed(body, path.split("."), value)
        method = self.route.source.method
        packed = msgspec.json.encode(body) if method == "POST" else None
        address = httpx.URL(self.route.url)
        address = address.copy_merge_params(params) if params else address
        return Question(address, method, packed, accepted=frozenset(self.route.source.ignore))

    def _linked(self, asked: Question, link: str | None) -> Question | None:
        if not link:
            return None
        try:
            following = asked.address.join(link)
        except httpx.InvalidURL as error:
            raise SourceBroken(
                f"{self.route.shown} leads on to what is no address",
                place=self.asking.place,
                hint="check paginate: is it the path to the next page's address?",
            ) from error
        if origin(str(following)) != origin(self.route.url):
            # The request's headers may hold credentials, which belong to the declared host only.
            raise SourceBroken(
                f"{self.route.shown} leads on to another host, {origin(str(following))}",
                place=self.asking.place,
                hint="declare the url that the pages are at",
            )
        # What the link leaves out, such as an API key in the query, is sent again.
        missing = {key: text for key, text in self.route.params.items() if key not in following.params}
        declared = {key: text for key, text in missing.items() if key in self.route.source.params}
        address = following.copy_merge_params(declared) if declared else following
        return replace(asked, address=address)

    def _refuse_more(self, answer: Answer) -> None:
        """Refuse to take the first page for all there is when the answer itself names a next one."""
        if "next" in answer.links or answer.headers.get("X-Next-Page", "").strip():
            raise SourceBroken(
                f"{self.route.shown} has more pages than the first, and paginate is not declared",
                place=self.asking.place,
                hint="paginate: {kind: link_header}; or {kind: single} if the first page is all that is wanted",
            )

    def _note_total(self, answer: Answer, body: Body) -> None:
        path = self.route.source.total
        if path is None:
            return
        told = (
            answer.headers.get(path.removeprefix(HEADER)) if path.startswith(HEADER) else body.text_at(path)
        )
        if told is not None and told.strip().isdecimal():
            self._totals.append(int(told))

    def _check_total(self) -> None:
        """Hold what came against what was told; an API that changes meanwhile tells several totals."""
        by = self.route.source.paginate
        is_cut = getattr(by, "maximum", None) is not None
        if not self._totals or is_cut or min(self._totals) <= self._received <= max(self._totals):
            return
        raise PageLoop(
            f"{self.route.shown} tells of {self._totals[-1]:,} records, and {self._received:,} came",
            place=self.asking.place,
            hint="the API lies about its total, or its pages miss or repeat records: check paginate and total",
        )

    def _refuse_loop(self, is_loop: bool, number: int) -> None:
        if is_loop:
            raise PageLoop(
                f"page {number} of {self.route.shown} was there before: the pages have no end",
                place=self.asking.place,
                hint="check paginate: the server may not know the declared parameter",
            )


def _says_last(by: NextCursor | PageNumber | Offset, body: Body) -> bool:
    return by.has_more is not None and body.is_false_at(by.has_more)


def _placed(body: Mapping[str, Any], path: Sequence[str], value: object) -> dict[str, Any]:
    """Return `body` with `value` at the path, leaving the one given as it is."""
    head, *rest = path
    inner = body.get(head)
    below = _placed(inner if isinstance(inner, Mapping) else {}, rest, value) if rest else value
    return {**body, head: below}
