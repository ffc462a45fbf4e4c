"""A search cluster: Elasticsearch or OpenSearch, told apart by what it says of itself, spoken to over plain REST.

Only endpoints that both have had for years are used. Sources: the REST API pages of both projects' documentation.
"""

from __future__ import annotations

import re
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, TypeAlias
from urllib.parse import quote

import httpx
import msgspec

from ropewalk.dataops.sources.errors import (
    IndexMissing,
    InvalidSearch,
    InvalidSource,
    PointInTimeLost,
    SearchIncomplete,
    SourceBroken,
)
from ropewalk.dataops.sources.fetch import ATTEMPTS, Answer, Asking, Question, fetch
from ropewalk.dataops.sources.redact import redact_url
from ropewalk.dataops.sources.rest_auth import NO_AUTH, Authorizer
from ropewalk.errors import Place, RopewalkError

Object: TypeAlias = Mapping[str, Any]
NDJSON = "application/x-ndjson"
# The first versions whose points in time can be paged through without losing ties.
OLDEST = {"elasticsearch": (7, 12), "opensearch": (2, 4)}
SHARD_DOC = {"elasticsearch": (7, 12), "opensearch": (3, 3)}
_INCOMPLETE = frozenset({"search_phase_execution_exception", "no_shard_available_action_exception"})
_NOT_UNDERSTOOD = re.compile(
    r"(parsing|parse|query_shard|illegal_argument|mapper|strict_dynamic|invalid_\w+)"
)


@dataclass(frozen=True)
class SearchClusterAddress:
    """Where a cluster is and how it is spoken to.

    Attributes:
        url: scheme, host and port, perhaps a path before the API.
        auth: who asks.
        ca: a file with the certificates that are trusted instead of the system's.
        timeout: seconds to wait for one answer.
        attempts: how often a request is made that fails in a way that may pass.
    """

    url: str
    auth: Authorizer = NO_AUTH
    ca: str | None = None
    timeout: float = 60.0
    attempts: int = ATTEMPTS


@dataclass(frozen=True)
class Product:
    """Which of the two a cluster is, and its version."""

    name: Literal["elasticsearch", "opensearch"]
    version: tuple[int, ...]

    @property
    def has_shard_doc(self) -> bool:
        """Whether a point in time has a tie-breaker of its own."""
        return self.version >= SHARD_DOC[self.name]


@dataclass
class SearchCluster:
    """An open connection to a cluster; see `open_search_cluster`."""

    url: str = field(repr=False)
    asking: Asking = field(repr=False)

    @cached_property
    def product(self) -> Product:
        """Which product it is.

        Raises:
            SourceBroken: it is neither, or too old to be read consistently.
        """
        return _read_product(self.ask("GET", "/"), self)

    def ask(
        self, method: str, path: str, *, body: object = None, params: Mapping[str, str] | None = None
    ) -> Object:
        """Return the JSON object that the cluster answers with.

        Args:
            method: of HTTP.
            path: the endpoint, with names made safe by `path_of`.
            body: sent as JSON, or bytes sent as newline-delimited JSON.
            params: of the query.

        Raises:
            IndexMissing, InvalidSearch, PointInTimeLost, SearchIncomplete: what the cluster says is wrong.
            SourceUnreachable, SourceRefused, SourceBroken: as `fetch` says.
        """
        return self.read(self.answer(method, path, body=body, params=params))

    def answer(
        self, method: str, path: str, *, body: object = None, params: Mapping[str, str] | None = None
    ) -> Answer:
        """Return the cluster's answer as it came; see `ask`."""
        address = httpx.URL(self.url.rstrip("/") + path)
        lines = isinstance(body, bytes)
        packed = body if isinstance(body, bytes) else None if body is None else msgspec.json.encode(body)
        return fetch(
            self.asking,
            Question(
                address.copy_merge_params(dict(params)) if params else address,
                method,
                packed,
                NDJSON if lines else "application/json",
            ),
        )

    def read(self, answer: Answer) -> Object:
        """Return the JSON object in an answer.

        Raises:
            SourceBroken: there is none.
        """
        try:
            return msgspec.json.decode(answer.content, type=dict[str, Any])
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise SourceBroken(
                f"{self.shown} answers with something else than a JSON object",
                place=self.asking.place,
                hint="check url: is there a proxy or a log-in page before the cluster?",
                detail=answer.content[:120].decode(errors="replace"),
            ) from error

    @property
    def shown(self) -> str:
        """The cluster's URL as it may be shown."""
        return redact_url(self.url)


@contextmanager
def open_search_cluster(
    address: SearchClusterAddress, place: Place, stopping: threading.Event
) -> Iterator[SearchCluster]:
    """Yield a connection to the cluster at `address`, closed after the block; nothing is asked yet.

    Args:
        address: where it is.
        place: where it is declared, for errors.
        stopping: ends pauses early when the run is to stop.

    Raises:
        InvalidSource: the file of certificates cannot be read.
    """
    with httpx.Client(
        headers={"Accept": "application/json"}, timeout=address.timeout, verify=_verify(address.ca, place)
    ) as client:
        asking = Asking(
            client, stopping, place, address.attempts, auth=address.auth, explain=lambda a: explain(a, place)
        )
        yield SearchCluster(address.url, asking)


def path_of(*names: str) -> str:
    """Return a path of names, each quoted: an index called `../x` is only ever an index."""
    return "".join(f"/{quote(name, safe='*,')}" for name in names)


def _verify(ca: str | None, place: Place) -> ssl.SSLContext | bool:
    if ca is None:
        return True
    try:
        return ssl.create_default_context(cafile=ca)
    except (OSError, ssl.SSLError) as error:
        raise InvalidSource(f"ca: {ca} holds no certificates that can be read", place=place) from error


def _read_product(said: Object, cluster: SearchCluster) -> Product:
    told = said.get("version")
    version = told if isinstance(told, dict) else {}
    number = tuple(int(part) for part in re.findall(r"\d+", str(version.get("number", "")))[:3])
    is_opensearch = version.get("distribution") == "opensearch"
    product = Product("opensearch" if is_opensearch else "elasticsearch", number)
    if not number or ("tagline" not in said and not is_opensearch):
        raise SourceBroken(
            f"{cluster.shown} is neither Elasticsearch nor OpenSearch",
            place=cluster.asking.place,
            hint="check url: its first answer names no version",
        )
    if number < OLDEST[product.name]:
        oldest = ".".join(map(str, OLDEST[product.name]))
        raise SourceBroken(
            f"{cluster.shown} is {product.name} {version['number']}, which has no points in time to page through",
            place=cluster.asking.place,
            hint=f"{product.name} {oldest} or later is needed",
        )
    return product


def explain(answer: Answer, place: Place) -> RopewalkError | None:
    """Return the error that a cluster's answer describes, or None when it describes none of its own."""
    try:
        error = msgspec.json.decode(answer.content, type=dict[str, Any])["error"]
        causes = [error, *error.get("root_cause", [])]
        kinds = [str(cause["type"]) for cause in causes]
        reason = next((str(cause["reason"]) for cause in reversed(causes) if cause.get("reason")), kinds[0])
    except (msgspec.MsgspecError, UnicodeDecodeError, KeyError, TypeError, AttributeError):
        return None
    return _cluster_error(answer, kinds, reason, place)


def _cluster_error(answer: Answer, kinds: list[str], reason: str, place: Place) -> RopewalkError | None:
    where = redact_url(str(answer.address))
    if "index_not_found_exception" in kinds:
        return IndexMissing(f"{where}: {reason}", place=place, hint="check index")
    if "search_context_missing_exception" in kinds:
        return PointInTimeLost(
            f"{where}: the cluster let go of the point in time that was being read",
            place=place,
            hint="run again",
        )
    if answer.status == 400 and (any(map(_NOT_UNDERSTOOD.match, kinds))):
        return InvalidSearch(
            f"{where} does not understand: {reason}", place=place, hint="check query and fields"
        )
    if _INCOMPLETE & {*kinds} and answer.status >= 500:
        return SearchIncomplete(f"{where}: shards failed: {reason}", place=place, hint="nothing was loaded")
    return None
