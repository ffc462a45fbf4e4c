"""Going through the pages of a REST API, by any of the declared ways, without going round in circles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import httpx

from ropewalk.dataops.sources.bodies import Body
from ropewalk.dataops.sources.declarations import (
    LinkHeader,
    NextCursor,
    NextURL,
    Offset,
    PageNumber,
    RESTSource,
)
from ropewalk.dataops.sources.errors import PageLoop, SourceBroken
from ropewalk.dataops.sources.fetch import Answer, Asking, Question, fetch
from ropewalk.dataops.sources.redact import origin, redact_url


@dataclass(frozen=True)
class Page:
    """One page: its number from 1, and each of its records as the bytes of a JSON object."""

    number: int
    records: Sequence[bytes]


@dataclass
class PageWalk:
    """The way through one source's pages.

    Attributes:
        asking: how requests are made.
        source: the declaration.
        params: query parameters of the first page: the declared ones and the watermark.
    """

    asking: Asking
    source: RESTSource
    params: Mapping[str, str]
    _seen: set[str] = field(default_factory=set)
    _received: int = 0

    def pages(self) -> Iterator[Page]:
        """Yield page after page.

        Raises:
            SourceUnreachable, SourceRefused: as `fetch` says.
            SourceBroken: an error answer, or one that is not as declared.
            PageLoop: a page leads back to one that was read, or repeats it.
        """
        address: httpx.URL | None = self._first()
        before: Sequence[bytes] = ()
        number = 0
        while address is not None:
            number += 1
            self._refuse_loop(str(address) in self._seen, number)
            self._seen.add(str(address))
            answer = fetch(self.asking, Question(address))
            # The page is named in errors by its number, as its address may hold credentials.
            body = Body.parse(
                answer.content, f"page {number} of {redact_url(self.source.url)}", self.asking.place
            )
            records = body.records(self.source.records)
            # A server that does not know the parameter for pages answers with its first page for ever.
            self._refuse_loop(bool(records) and records == before and self._is_counted, number)
            self._received += len(records)
            yield Page(number, records)
            before = records
            # Counted pages end with an empty one; a short page proves nothing, as servers cap the size asked for.
            address = self._next(address, answer, body, number) if records or not self._is_counted else None

    @property
    def _is_counted(self) -> bool:
        return isinstance(self.source.paginate, PageNumber | Offset)

    def _first(self) -> httpx.URL:
        match self.source.paginate:
            case PageNumber() as by:
                return self._numbered(by, by.start)
            case Offset() as by:
                return self._offset(by)
            case _:
                return self._address({})

    def _next(self, address: httpx.URL, answer: Answer, body: Body, number: int) -> httpx.URL | None:
        match self.source.paginate:
            case NextURL() as by:
                return self._linked(address, body.text_at(by.path))
            case LinkHeader():
                return self._linked(address, answer.links.get("next"))
            case NextCursor() as by:
                token = body.text_at(by.path)
                return self._address({by.param: token}) if token else None
            case PageNumber() as by:
                return self._numbered(by, by.start + number)
            case Offset() as by:
                return self._offset(by)
            case None:
                return None

    def _numbered(self, by: PageNumber, number: int) -> httpx.URL:
        size = {by.size_param: str(by.size)} if by.size else {}
        return self._address({by.param: str(number), **size})

    def _offset(self, by: Offset) -> httpx.URL:
        return self._address({by.param: str(self._received), by.limit_param: str(by.limit)})

    def _address(self, added: Mapping[str, str]) -> httpx.URL:
        return httpx.URL(self.source.url).copy_merge_params({**self.params, **added})

    def _linked(self, address: httpx.URL, link: str | None) -> httpx.URL | None:
        if not link:
            return None
        following = address.join(link)
        if origin(str(following)) != origin(self.source.url):
            # The request's headers may hold credentials, which belong to the declared host only.
            raise SourceBroken(
                f"{redact_url(self.source.url)} leads on to another host, {origin(str(following))}",
                place=self.asking.place,
                hint="declare the url that the pages are at",
            )
        # What the link leaves out, such as an API key in the query, is sent again.
        missing = {key: text for key, text in self.params.items() if key not in following.params}
        declared = {key: text for key, text in missing.items() if key in self.source.params}
        return following.copy_merge_params(declared) if declared else following

    def _refuse_loop(self, is_loop: bool, number: int) -> None:
        if is_loop:
            raise PageLoop(
                f"page {number} of {redact_url(self.source.url)} was there before: the pages have no end",
                place=self.asking.place,
                hint="check paginate: the server may not know the declared parameter",
            )
