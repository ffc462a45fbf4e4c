"""A small search cluster on the loopback that keeps documents and speaks a strict part of the REST protocol.

It has exactly the endpoints that Ropewalk uses, of Elasticsearch or of OpenSearch as asked, and refuses everything
else (endpoints, query parameters, keys of bodies, content types) with the error JSON that those two answer with. It
is no search engine: of queries it knows a few. That it is honest is proved by driving it with the official clients.
"""

from __future__ import annotations

import base64
import json
import re
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qsl, unquote, urlsplit

from search_peer_queries import Refused, check_document, matches, sort_values

VERSIONS = {"elasticsearch": "9.5.1", "opensearch": "3.6.0"}
SUFFIX = re.compile(r"^application/(vnd\.elasticsearch\+)?(?P<kind>json|x-ndjson)\s*(;.*)?$")
SEARCH_KEYS = {"size", "query", "pit", "slice", "sort", "search_after", "track_total_hits", "_source"}
LIMITS = {"size": 10_000}
NAME = "([^_/][^/]*)"
# Methods, path, the product that has it if not both, and what answers.
ROUTES = (
    ({"GET", "HEAD"}, "/", None, "_about"),
    ({"PUT"}, f"/{NAME}", None, "_make"),
    ({"GET", "HEAD"}, f"/{NAME}", None, "_describe"),
    ({"DELETE"}, f"/{NAME}", None, "_drop"),
    ({"GET"}, f"/{NAME}/_mapping", None, "_show_mapping"),
    ({"PUT"}, f"/{NAME}/_mapping", None, "_change_mapping"),
    ({"POST"}, f"/{NAME}/_refresh", None, "_refresh"),
    ({"POST", "PUT"}, f"(?:/{NAME})?/_bulk", None, "_bulk"),
    ({"GET", "POST"}, f"(?:/{NAME})?/_search", None, "_search"),
    ({"GET", "POST"}, f"/{NAME}/_count", None, "_count"),
    ({"POST"}, "/_aliases", None, "_change_aliases"),
    ({"GET"}, f"/_alias/{NAME}", None, "_show_alias"),
    ({"POST"}, f"/{NAME}/_pit", "elasticsearch", "_open_point"),
    ({"DELETE"}, "/_pit", "elasticsearch", "_close_elastic"),
    ({"POST"}, f"/{NAME}/_search/point_in_time", "opensearch", "_open_point"),
    ({"DELETE"}, "/_search/point_in_time", "opensearch", "_close_open"),
)


@dataclass
class Index:
    """An index: its settings, its mapping, its documents, and those that searches see."""

    settings: dict[str, Any]
    mapping: dict[str, Any]
    documents: dict[str, dict[str, Any]] = field(default_factory=dict)
    visible: dict[str, dict[str, Any]] = field(default_factory=dict)
    order: dict[str, int] = field(default_factory=dict)

    @property
    def shards(self) -> int:
        return int(self.settings.get("number_of_shards", 1))


@dataclass(frozen=True)
class Request:
    """A request as it came."""

    method: str
    parts: tuple[str, ...]
    params: dict[str, str]
    kind: str | None
    content: bytes
    headers: dict[str, str]

    @property
    def body(self) -> dict[str, Any]:
        return json.loads(self.content) if self.content else {}


class SearchPeer:
    """The cluster's state, and the server that answers for it.

    Attributes:
        product: `elasticsearch` or `opensearch`.
        version: what it says its version is.
        user: `name:password` that it wants, or None.
        busy: how many items of bulk requests are still refused with 429.
        failing_shards: how many shards every search misses.
        requests: method and path of all requests.
    """

    def __init__(
        self, product: str = "elasticsearch", version: str | None = None, user: str | None = None
    ) -> None:
        self.product, self.version, self.user = product, version or VERSIONS[product], user
        self.indices: dict[str, Index] = {}
        self.aliases: dict[str, set[str]] = {}
        self.points: dict[str, list[tuple[str, int, dict[str, dict[str, Any]], dict[str, int]]]] = {}
        self.busy = self.failing_shards = 0
        self.searches_until_expiry: int | None = None
        self.requests: list[str] = []
        self.lock = threading.RLock()
        handler = type("Handler", (_Handler,), {"peer": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    @property
    def is_elastic(self) -> bool:
        return self.product == "elasticsearch"

    def fill(
        self,
        name: str,
        documents: list[dict[str, Any]],
        mapping: dict[str, Any] | None = None,
        shards: int = 1,
    ) -> None:
        """Make an index anew with `documents`, whose ids are their numbers, all of them visible."""
        index = Index({"number_of_shards": shards}, {"properties": {}, **(mapping or {})})
        self.indices[name] = index
        for number, source in enumerate(documents):
            self._apply("index", name, str(number), source)
        index.visible = dict(index.documents)

    def answer(self, request: Request) -> dict[str, Any]:
        """Return the answer's JSON, or raise `Refused`."""
        self._check_user(request)
        path = "/" + "/".join(request.parts)
        for methods, pattern, product, name in ROUTES:
            found = re.fullmatch(pattern, path)
            if found and request.method in methods and product in {None, self.product}:
                told: dict[str, Any] = getattr(self, name)(request, *found.groups())
                return told
        raise Refused(
            400,
            "illegal_argument_exception",
            f"no handler found for uri [{path}] and method [{request.method}]",
        )

    def _check_user(self, request: Request) -> None:
        if self.user is None:
            return
        packed = base64.b64encode(self.user.encode()).decode()
        if request.headers.get("authorization") not in {f"Basic {packed}", f"ApiKey {packed}"}:
            raise Refused(401, "security_exception", "unable to authenticate with provided credentials")

    def _allow(self, request: Request, *names: str, body: set[str] | None = None) -> None:
        """Refuse query parameters and keys of the body that this endpoint does not have."""
        common = {"pretty", "error_trace", "filter_path", "human"}
        for name in request.params.keys() - {*names, *common}:
            path = "/" + "/".join(request.parts)
            raise Refused(
                400,
                "illegal_argument_exception",
                f"request [{path}] contains unrecognized parameter: [{name}]",
            )
        if request.parts[-1:] == ("_bulk",) or not request.content:
            return
        if request.kind is None:
            raise Refused(406, "media_type_header_exception", "Content-Type header [] is not supported")
        for key in request.body.keys() - (body or set()):
            raise Refused(400, "parsing_exception", f"Unknown key for a VALUE_STRING in [{key}].")

    def _about(self, request: Request) -> dict[str, Any]:
        self._allow(request)
        version: dict[str, Any] = {"number": self.version, "build_type": "docker", "lucene_version": "10.3.0"}
        if not self.is_elastic:
            version["distribution"] = "opensearch"
        tagline = (
            "You Know, for Search" if self.is_elastic else "The OpenSearch Project: https://opensearch.org/"
        )
        return {
            "name": "peer",
            "cluster_name": "peer",
            "cluster_uuid": "x",
            "version": version,
            "tagline": tagline,
        }

    def _make(self, request: Request, index: str) -> dict[str, Any]:
        self._allow(
            request,
            "timeout",
            "wait_for_active_shards",
            "master_timeout",
            body={"mappings", "settings", "aliases"},
        )
        if index in self.aliases:
            told = f"Invalid index name [{index}], already exists as alias"
            raise Refused(400, "invalid_index_name_exception", told)
        if index in self.indices:
            raise Refused(400, "resource_already_exists_exception", f"index [{index}/x] already exists")
        if index != index.lower() or not re.fullmatch(r'[^ "*\\<|,>/?#:+_-][^ "*\\<|,>/?#:]*', index):
            raise Refused(
                400, "invalid_index_name_exception", f"Invalid index name [{index}], must be lowercase"
            )
        settings = request.body.get("settings", {})
        mapping = {"properties": {}, **request.body.get("mappings", {})}
        self.indices[index] = Index(settings.get("index", settings), mapping)
        return {"acknowledged": True, "shards_acknowledged": True, "index": index}

    def _describe(self, request: Request, index: str) -> dict[str, Any]:
        self._allow(request, "ignore_unavailable", "allow_no_indices", "expand_wildcards", "local")
        names = self._names(index, is_lenient=request.params.get("ignore_unavailable") == "true")
        return {
            name: {"aliases": {}, "mappings": self.indices[name].mapping, "settings": {}} for name in names
        }

    def _drop(self, request: Request, index: str) -> dict[str, Any]:
        self._allow(request, "ignore_unavailable", "allow_no_indices")
        if index in self.aliases:
            told = f"The provided expression [{index}] matches an alias, specify the corresponding concrete indices"
            raise Refused(400, "illegal_argument_exception", told)
        for name in self._names(index):
            self._remove(name)
        return {"acknowledged": True}

    def _remove(self, index: str) -> None:
        del self.indices[index]
        self.aliases = {alias: left for alias, names in self.aliases.items() if (left := names - {index})}

    def _show_alias(self, request: Request, alias: str) -> dict[str, Any]:
        self._allow(request, "ignore_unavailable", "allow_no_indices", "expand_wildcards")
        if alias not in self.aliases:
            raise Refused(404, "aliases_not_found_exception", f"aliases [{alias}] missing")
        return {name: {"aliases": {alias: {}}} for name in sorted(self.aliases[alias])}

    def _change_aliases(self, request: Request) -> dict[str, Any]:
        """All actions, or none."""
        self._allow(request, "timeout", "master_timeout", body={"actions"})
        before = ({name: set(names) for name, names in self.aliases.items()}, dict(self.indices))
        try:
            for action in request.body["actions"]:
                ((verb, about),) = action.items()
                self._change_alias(verb, about)
        except Refused:
            self.aliases, self.indices = before
            raise
        return {"acknowledged": True, "errors": False}

    def _change_alias(self, verb: str, about: dict[str, Any]) -> None:
        (index,) = self._names(about["index"])
        match verb:
            case "add":
                if about["alias"] in self.indices:
                    told = f"Invalid alias name [{about['alias']}]: an index or data stream exists with the same name"
                    raise Refused(400, "invalid_alias_name_exception", told)
                self.aliases.setdefault(about["alias"], set()).add(index)
            case "remove":
                self.aliases[about["alias"]] -= {index}
                self.aliases = {alias: names for alias, names in self.aliases.items() if names}
            case "remove_index":
                self._remove(index)
            case _:
                raise Refused(400, "x_content_parse_exception", f"[alias_action] unknown field [{verb}]")

    def _show_mapping(self, request: Request, index: str) -> dict[str, Any]:
        self._allow(request, "ignore_unavailable", "allow_no_indices", "expand_wildcards")
        return {name: {"mappings": self.indices[name].mapping} for name in self._names(index)}

    def _change_mapping(self, request: Request, index: str) -> dict[str, Any]:
        self._allow(request, "ignore_unavailable", body={"properties", "_meta", "dynamic"})
        for name in self._names(index):
            mapping, change = self.indices[name].mapping, request.body
            mapping["properties"] = {**mapping["properties"], **change.pop("properties", {})}
            mapping.update(change)
        return {"acknowledged": True}

    def _refresh(self, request: Request, index: str) -> dict[str, Any]:
        self._allow(request, "ignore_unavailable")
        for name in self._names(index):
            self.indices[name].visible = dict(self.indices[name].documents)
        return {"_shards": {"total": 2, "successful": 1, "failed": 0}}

    def _bulk(self, request: Request, index: str | None) -> dict[str, Any]:
        self._allow(request, "refresh", "timeout", "pipeline", "require_alias")
        if request.kind is None:
            raise Refused(406, "media_type_header_exception", "Content-Type header [] is not supported")
        if not request.content.endswith(b"\n"):
            raise Refused(
                400, "illegal_argument_exception", "The bulk request must be terminated by a newline [\\n]"
            )
        lines = iter(request.content.split(b"\n")[:-1])
        items = [self._item(line, lines, index) for line in lines]
        if request.params.get("refresh") in {"true", "wait_for"}:
            for found in self.indices.values():
                found.visible = dict(found.documents)
        failed = any("error" in next(iter(item.values())) for item in items)
        return {"took": 1, "errors": failed, "items": items}

    def _item(self, line: bytes, lines: Iterator[bytes], index: str | None) -> dict[str, Any]:
        action = json.loads(line)
        verb, about = next(iter(action.items()))
        if verb not in {"index", "create", "delete", "update"} or not isinstance(about, dict):
            raise Refused(
                400, "illegal_argument_exception", f"Malformed action/metadata line, found [{verb}]"
            )
        if unknown := about.keys() - {"_index", "_id", "routing", "require_alias", "op_type"}:
            raise Refused(
                400,
                "illegal_argument_exception",
                f"Action/metadata line contains an unknown parameter {sorted(unknown)}",
            )
        name = about.get("_index", index)
        if name is None:
            raise Refused(
                400, "action_request_validation_exception", "Validation Failed: 1: index is missing;"
            )
        id_ = about.get("_id") or uuid.uuid4().hex
        source = json.loads(next(lines)) if verb != "delete" else None
        told = {"_index": name, "_id": id_}
        try:
            return {verb: {**told, **self._apply(verb, name, id_, source)}}
        except Refused as refused:
            return {
                verb: {
                    **told,
                    "status": refused.status,
                    "error": {"type": refused.kind, "reason": refused.reason},
                }
            }

    def _apply(self, verb: str, name: str, id_: str, source: dict[str, Any] | None) -> dict[str, Any]:
        if self.busy:
            self.busy -= 1
            kind = "es_rejected_execution_exception" if self.is_elastic else "rejected_execution_exception"
            raise Refused(429, kind, "rejected execution of coordinating operation")
        if name in self.aliases:
            (name,) = self.aliases[name]
        index = self.indices.setdefault(name, Index({}, {"properties": {}}))
        is_there = id_ in index.documents
        if verb == "delete":
            index.documents.pop(id_, None)
            return {"result": "deleted" if is_there else "not_found", "status": 200 if is_there else 404}
        if verb == "create" and is_there:
            raise Refused(
                409,
                "version_conflict_engine_exception",
                f"[{id_}]: version conflict, document already exists",
            )
        assert source is not None
        check_document(index.mapping, source, self.is_elastic)
        index.documents[id_] = source
        index.order[id_] = max(index.order.values(), default=-1) + 1
        return {"result": "updated" if is_there else "created", "status": 200 if is_there else 201}

    def _names(self, pattern: str, *, is_lenient: bool = False) -> list[str]:
        found: list[str] = []
        for part in pattern.split(","):
            fits = re.compile(re.escape(part).replace(r"\*", ".*"))
            aliased = {
                index for alias, names in self.aliases.items() if fits.fullmatch(alias) for index in names
            }
            named = sorted({name for name in self.indices if fits.fullmatch(name)} | aliased)
            if not named and "*" not in part and part != "_all" and not is_lenient:
                raise Refused(404, "index_not_found_exception", f"no such index [{part}]")
            found += sorted(self.indices) if part == "_all" else named
        return list(dict.fromkeys(found))

    def _open_point(self, request: Request, index: str) -> dict[str, Any]:
        self._allow(
            request, "keep_alive", "routing", "preference", "ignore_unavailable", "expand_wildcards",
            "allow_partial_search_results" if self.is_elastic else "allow_partial_pit_creation",
            body={"index_filter"} if self.is_elastic else set(),
        )  # fmt: skip
        if not re.fullmatch(r"\d+(ms|s|m|h|d)", request.params.get("keep_alive", "")):
            raise Refused(
                400,
                "action_request_validation_exception",
                "Validation Failed: 1: [keep_alive] is not specified;",
            )
        names = self._names(index)
        point = f"{uuid.uuid4().hex}AA=="
        self.points[point] = [
            (
                name,
                self.indices[name].shards,
                dict(self.indices[name].visible),
                dict(self.indices[name].order),
            )
            for name in names
        ]
        shards = {"total": len(names), "successful": len(names), "skipped": 0, "failed": 0}
        if self.is_elastic:
            return {"id": point, "_shards": shards}
        return {"pit_id": point, "_shards": shards, "creation_time": 1700000000000}

    def _close_elastic(self, request: Request) -> dict[str, Any]:
        self._allow(request, body={"id"})
        gone = self.points.pop(request.body["id"], None) is not None
        if not gone:
            raise Refused(404, "search_context_missing_exception", "No search context found")
        return {"succeeded": True, "num_freed": 1}

    def _close_open(self, request: Request) -> dict[str, Any]:
        self._allow(request, body={"pit_id"})
        gone = [
            {"pit_id": point, "successful": self.points.pop(point, None) is not None}
            for point in request.body["pit_id"]
        ]
        return {"pits": gone}

    def _rows(self, body: dict[str, Any], index: str | None) -> list[tuple[str, str, dict[str, Any], int]]:
        """Return index, id, source and tie-breaker of the documents that a search sees."""
        if "pit" in body:
            if index is not None:
                raise Refused(
                    400,
                    "action_request_validation_exception",
                    "Validation Failed: 1: [indices] cannot be used with point in time;",
                )
            if self.searches_until_expiry is not None:
                self.searches_until_expiry -= 1
                if self.searches_until_expiry < 0:
                    self.points.clear()
            seen = self.points.get(body["pit"]["id"])
            if seen is None:
                raise Refused(404, "search_context_missing_exception", "No search context found for id [1]")
        else:
            names = self._names(index or "_all")
            seen = [
                (n, self.indices[n].shards, self.indices[n].visible, self.indices[n].order) for n in names
            ]
        rows = []
        for number, (name, shards, documents, order) in enumerate(seen):
            for id_, source in documents.items():
                shard = sum(id_.encode()) % shards
                rows.append((name, id_, source, ((number * 100 + shard) << 32) + order[id_]))
        return rows

    def _search(self, request: Request, index: str | None) -> dict[str, Any]:
        self._allow(
            request, "allow_partial_search_results", "ignore_unavailable", "allow_no_indices", "expand_wildcards",
            "typed_keys", "rest_total_hits_as_int", "size", body=SEARCH_KEYS,
        )  # fmt: skip
        body = request.body
        size = int(body.get("size", request.params.get("size", 10)))
        if size > LIMITS["size"]:
            raise Refused(
                400,
                "illegal_argument_exception",
                f"Result window is too large, from + size must be less than or equal to: [10000] but was [{size}]",
            )
        if self.failing_shards and request.params.get("allow_partial_search_results") == "false":
            raise Refused(503, "search_phase_execution_exception", "Partial shards failure")
        # A query that is not understood is refused also where there is nothing to find.
        matches(body.get("query", {"match_all": {}}), "", {})
        rows = [
            row
            for row in self._rows(body, index)
            if matches(body.get("query", {"match_all": {}}), row[1], row[2])
        ]
        rows = _slice(rows, body.get("slice"))
        total = len(rows)
        has_shard_doc = self.is_elastic or tuple(map(int, self.version.split(".")[:2])) >= (3, 3)
        keyed = [(sort_values(body.get("sort"), row, "pit" in body, has_shard_doc), row) for row in rows]
        keyed.sort(key=lambda pair: pair[0])
        if after := body.get("search_after"):
            keyed = [pair for pair in keyed if pair[0] > after]
        hits = [
            {"_index": name, "_id": id_, "_score": None, "_source": source, "sort": keys}
            for keys, (name, id_, source, _) in keyed[:size]
        ]
        shards = {
            "total": 5,
            "successful": 5 - self.failing_shards,
            "skipped": 0,
            "failed": self.failing_shards,
        }
        told: dict[str, Any] = {"took": 1, "timed_out": False, "_shards": shards}
        if "pit" in body:
            told["pit_id"] = body["pit"]["id"]
        counted = {"total": {"value": total, "relation": "eq"}} if body.get("track_total_hits", True) else {}
        return {**told, "hits": {**counted, "max_score": None, "hits": hits}}

    def _count(self, request: Request, index: str) -> dict[str, Any]:
        self._allow(request, "ignore_unavailable", body={"query"})
        query = request.body.get("query", {"match_all": {}})
        count = sum(matches(query, id_, source) for _, id_, source, _ in self._rows({}, index))
        return {"count": count, "_shards": {"total": 1, "successful": 1, "skipped": 0, "failed": 0}}


def _slice(rows: list[Any], slice_: dict[str, int] | None) -> list[Any]:
    if slice_ is None:
        return rows
    if not 0 <= slice_["id"] < slice_["max"] or slice_["max"] < 2:
        raise Refused(400, "illegal_argument_exception", "max must be greater than id")
    return [row for row in rows if row[3] % slice_["max"] == slice_["id"]]


class _Handler(BaseHTTPRequestHandler):
    peer: ClassVar[SearchPeer]
    protocol_version = "HTTP/1.1"

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        self.peer.requests.append(f"{self.command} {parts.path}")
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        kind = SUFFIX.match(self.headers.get("Content-Type") or "")
        request = Request(
            self.command,
            tuple(unquote(part) for part in parts.path.split("/") if part),
            dict(parse_qsl(parts.query, keep_blank_values=True)),
            kind["kind"] if kind else None,
            content,
            {name.lower(): value for name, value in self.headers.items()},
        )
        status = 200
        try:
            with self.peer.lock:
                told = self.peer.answer(request)
        except Refused as refused:
            status, told = refused.status, refused.as_json()
        self._reply(status, json.dumps(told).encode())

    def __getattr__(self, name: str) -> object:
        if name.startswith("do_"):
            return self._serve
        raise AttributeError(name)

    def _reply(self, status: int, body: bytes) -> None:
        self.send_response(status)
        if self.peer.is_elastic:
            self.send_header("X-elastic-product", "Elasticsearch")
        accepted = self.headers.get("Accept") or ""
        vendor = "application/vnd.elasticsearch+json;compatible-with=9"
        self.send_header(
            "Content-Type", vendor if "vnd.elasticsearch" in accepted else "application/json; charset=UTF-8"
        )
        if status == 401:
            self.send_header("WWW-Authenticate", 'Basic realm="security", charset="UTF-8"')
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class names it so
        """Keep the test's output free of requests."""


@contextmanager
def running_peer(
    product: str = "elasticsearch", version: str | None = None, user: str | None = None
) -> Iterator[SearchPeer]:
    """Yield a peer that answers until the block ends."""
    peer = SearchPeer(product, version, user)
    thread = threading.Thread(target=peer.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield peer
    finally:
        peer.server.shutdown()
        peer.server.server_close()
        thread.join()
