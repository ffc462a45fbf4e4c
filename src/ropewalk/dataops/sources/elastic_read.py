"""Reading all documents of a search at one point in time: page by page, in slices side by side, or not at all."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import msgspec

from ropewalk.dataops.sources.elastic_declarations import ID, INDEX
from ropewalk.dataops.sources.errors import InvalidSearch, PointInTimeLost, SearchIncomplete, SourceBroken
from ropewalk.dataops.sources.pages import Page
from ropewalk.dataops.sources.search_cluster import SearchCluster, path_of
from ropewalk.errors import RopewalkError
from ropewalk.pipeline import Stopped


class Hit(msgspec.Struct, frozen=True):
    """A document as a search finds it; its source stays undecoded."""

    id: str = msgspec.field(name=ID)
    index: str = msgspec.field(name=INDEX)
    sort: msgspec.Raw = msgspec.Raw(b"null")
    source: msgspec.Raw = msgspec.field(name="_source", default=msgspec.Raw())


class Total(msgspec.Struct, frozen=True):
    """How many documents a search finds."""

    value: int
    relation: str = "eq"


class Hits(msgspec.Struct, frozen=True):
    """The part of an answer that holds documents."""

    hits: list[Hit]
    total: Total | None = None


class Shards(msgspec.Struct, frozen=True):
    """How many shards answered."""

    failed: int = 0


class Found(msgspec.Struct, frozen=True):
    """The answer of a search."""

    hits: Hits
    timed_out: bool = False
    shards: Shards = msgspec.field(name="_shards", default=Shards())
    pit_id: str | None = None


@dataclass(frozen=True)
class Search:
    """What is searched for.

    Attributes:
        index: index or pattern.
        query: in the cluster's language.
        fields: those wanted; all when empty.
        page_size: documents per request.
        slices: parts that are read side by side.
        keep_alive: how long the point in time is kept between two pages.
    """

    index: str
    query: Mapping[str, Any]
    fields: Sequence[str] = ()
    page_size: int = 2000
    slices: int = 1
    keep_alive: str = "5m"


def read_documents(cluster: SearchCluster, search: Search) -> Iterator[Page]:
    """Yield the documents that `search` finds, each as one JSON object with `_id` and `_index` before its fields.

    Raises:
        IndexMissing, InvalidSearch: the cluster does not know the index, or does not understand the search.
        PointInTimeLost: the cluster let go of the point in time.
        SearchIncomplete: a shard is missing, or not as many documents came as were found.
        RopewalkError: as `SearchCluster.ask` says.
    """
    with _point_in_time(cluster, search) as point:
        parts = [_Slice(cluster, search, point, number) for number in range(search.slices)]
        number = 0
        with ThreadPoolExecutor(search.slices, thread_name_prefix="slice") as threads:
            waiting: deque[tuple[_Slice, Future[list[bytes]]]] = deque(
                (part, threads.submit(part.next)) for part in parts
            )
            while waiting:
                part, future = waiting.popleft()
                if cluster.asking.stopping.is_set():
                    raise Stopped(f"stopped while reading {cluster.shown}")
                records = future.result()
                # An empty page is the end of a slice, a short one need not be.
                if records:
                    waiting.append((part, threads.submit(part.next)))
                    number += 1
                    yield Page(number, records)
        for part in parts:
            part.check_total()


@contextmanager
def _point_in_time(cluster: SearchCluster, search: Search) -> Iterator[str]:
    is_elastic = cluster.product.name == "elasticsearch"
    path = path_of(search.index, "_pit") if is_elastic else path_of(search.index, "_search", "point_in_time")
    opened = cluster.ask("POST", path, params={"keep_alive": search.keep_alive})
    point = opened.get("id" if is_elastic else "pit_id")
    if not isinstance(point, str):
        raise SourceBroken(f"{cluster.shown} opens no point in time", place=cluster.asking.place)
    try:
        yield point
    finally:
        # It costs the cluster memory until it runs out by itself, which it does in any case.
        with suppress(RopewalkError):
            if is_elastic:
                cluster.ask("DELETE", "/_pit", body={"id": point})
            else:
                cluster.ask("DELETE", "/_search/point_in_time", body={"pit_id": [point]})


class _Slice:
    """One part of a search, of which the pages are asked for one after the other."""

    def __init__(self, cluster: SearchCluster, search: Search, point: str, number: int) -> None:
        self.cluster = cluster
        self.search = search
        self.point = point
        self.number = number
        self.after: msgspec.Raw | None = None
        self.received = 0
        self.total: int | None = None

    def next(self) -> list[bytes]:
        """Return the next page's documents, none after the last."""
        answer = self.cluster.answer(
            "POST", "/_search", body=self._body(), params={"allow_partial_search_results": "false"}
        )
        try:
            found = msgspec.json.decode(answer.content, type=Found)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise SourceBroken(
                f"{self.cluster.shown} answers a search with something else: {error}",
                place=self.cluster.asking.place,
            ) from error
        self._check(found)
        self.point = found.pit_id or self.point
        hits = found.hits.hits
        if hits and self.after is not None and bytes(hits[-1].sort) == bytes(self.after):
            raise PointInTimeLost(
                f"{self.cluster.shown} gives the same page again",
                place=self.cluster.asking.place,
                hint="run again",
            )
        self.after = hits[-1].sort if hits else self.after
        self.received += len(hits)
        return [self._record(hit) for hit in hits]

    def check_total(self) -> None:
        """Hold what came against what was found at first.

        Raises:
            SearchIncomplete: it is not as many.
        """
        if self.total is not None and self.received != self.total:
            raise SearchIncomplete(
                f"{self.cluster.shown} finds {self.total:,} documents, and {self.received:,} came",
                place=self.cluster.asking.place,
                hint="nothing was loaded; if ids repeat over shards, OpenSearch 3.3 or later is needed",
            )

    def _body(self) -> dict[str, Any]:
        tie_breakers = ["_shard_doc"] if self.cluster.product.has_shard_doc else [ID, INDEX]
        body: dict[str, Any] = {
            "size": self.search.page_size,
            "query": self.search.query,
            "pit": {"id": self.point, "keep_alive": self.search.keep_alive},
            "sort": [{name: "asc"} for name in tie_breakers],
            # Counted once: a cluster has work with it.
            "track_total_hits": self.total is None,
        }
        if self.after is not None:
            body["search_after"] = self.after
        if self.search.slices > 1:
            body["slice"] = {"id": self.number, "max": self.search.slices}
        if self.search.fields:
            body["_source"] = list(self.search.fields)
        return body

    def _check(self, found: Found) -> None:
        if found.timed_out or found.shards.failed:
            what = "did not answer in time" if found.timed_out else f"misses {found.shards.failed} shards"
            raise SearchIncomplete(
                f"{self.cluster.shown}: the search {what}",
                place=self.cluster.asking.place,
                hint="nothing was loaded; look after the cluster, and run again",
            )
        if self.total is None and found.hits.total is not None and found.hits.total.relation == "eq":
            self.total = found.hits.total.value

    def _record(self, hit: Hit) -> bytes:
        if not bytes(hit.source):
            raise InvalidSearch(
                f"{self.cluster.shown}: index {hit.index!r} does not keep the source of its documents",
                place=self.cluster.asking.place,
                hint="_source is disabled in its mapping: there is nothing to load",
            )
        source = bytes(hit.source)
        if b"\n" in source:
            # A line break would end the record; the cluster hands a document out as it was laid out.
            source = msgspec.json.format(source, indent=-1)
        lead = msgspec.json.encode({ID: hit.id, INDEX: hit.index})[:-1]
        inner = source.lstrip()[1:]
        return lead + (b"" if inner.lstrip().startswith(b"}") else b",") + inner
