"""The operations log of the example: one document for each disrupted departure, in a search cluster's manner.

It answers what a reader of Elasticsearch asks for, and nothing else: a mapping, a point in time, pages of a search by
`search_after`. It is no Elasticsearch: a search is all documents, or those at or after a time. Only what has happened by
the company's clock (landing/clock.json, see systems.py) is in it.

    python disruptions_log.py [PORT]
"""

from __future__ import annotations

import json
import sys
from bisect import bisect_left
from functools import cache
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar
from urllib.parse import urlsplit

from local_service import HOST, LANDING, JSONHandler, answer_on
from systems import FLIGHT_ID, flights
from weather_api import now

SERVICE = "disruptions of examples/flights"
PORT = 8792
INDEX = "disruptions"
VERSION = "8.19.0"
LONG_MINUTES = 180
MAPPING = {
    "happened_at": {"type": "date"},
    "flight_id": {"type": "keyword"},
    "origin": {"type": "keyword"},
    "carrier": {"type": "keyword"},
    "what": {"type": "keyword"},
    "minutes": {"type": "integer"},
    "message": {"type": "text"},
}
DISRUPTED = f"""
    SELECT
        strftime(strptime(time_hour, '%Y-%m-%dT%H:%M:%SZ'), '%Y-%m-%dT%H:%M:%SZ') AS happened_at,
        {FLIGHT_ID} AS flight_id, origin, carrier,
        CASE WHEN dep_time = 'NA' THEN 'cancelled' WHEN arr_time = 'NA' THEN 'diverted' ELSE 'delayed' END AS what,
        TRY_CAST(dep_delay AS INTEGER) AS minutes,
        carrier || ' ' || flight || ' to ' || dest AS message
    FROM flights
    WHERE dep_time = 'NA' OR arr_time = 'NA' OR TRY_CAST(dep_delay AS INTEGER) >= {LONG_MINUTES}
    ORDER BY 1, 2
"""
Document = dict[str, str | int | None]


@cache
def documents() -> list[Document]:
    """Return every disruption of the year, oldest first."""
    with flights() as database:
        found = database.execute(DISRUPTED)
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


class LogHandler(JSONHandler, BaseHTTPRequestHandler):
    """Answers one request; what it does not know is refused as a cluster refuses it."""

    more_headers = MappingProxyType({"X-Elastic-Product": "Elasticsearch"})
    # Points in time that are open: how many of the documents each sees.
    points: ClassVar[dict[str, int]] = {}
    numbers: ClassVar[count[int]] = count(1)

    def do_GET(self) -> None:
        """Tell who answers, or the mapping."""
        path = urlsplit(self.path).path
        if path == "/":
            about = {
                "service": SERVICE,
                "folder": str(self.landing),
                "tagline": "no Elasticsearch, see the file",
            }
            self.reply(HTTPStatus.OK, {**about, "version": {"number": VERSION}})
        elif path == f"/{INDEX}/_mapping":
            self.reply(HTTPStatus.OK, {INDEX: {"mappings": {"properties": MAPPING}}})
        else:
            self._refuse(HTTPStatus.NOT_FOUND, "index_not_found_exception", f"no such index [{path}]")

    def do_POST(self) -> None:
        """Open a point in time, or search in one."""
        path, body = urlsplit(self.path).path, self._body()
        if path == f"/{INDEX}/_pit":
            point = f"point-{next(self.numbers)}"
            self.points[point] = bisect_left(documents(), now(self.landing), key=_time)
            self.reply(HTTPStatus.OK, {"id": point})
        elif path == "/_search":
            self._search(body)
        else:
            self._refuse(HTTPStatus.NOT_FOUND, "index_not_found_exception", f"no such index [{path}]")

    def do_DELETE(self) -> None:
        """Close a point in time."""
        self.points.pop(str(self._body().get("id")), None)
        self.reply(HTTPStatus.OK, {"succeeded": True, "num_freed": 1})

    def _search(self, body: dict[str, Any]) -> None:
        point = str(body.get("pit", {}).get("id"))
        if point not in self.points:
            self._refuse(HTTPStatus.NOT_FOUND, "search_context_missing_exception", "No search context found")
            return
        first = bisect_left(documents(), _since(body.get("query", {})), key=_time)
        last = self.points[point]
        start = max(first, int(body["search_after"][0]) + 1) if "search_after" in body else first
        end = min(start + int(body.get("size", 10)), last)
        hits = [
            {"_index": INDEX, "_id": str(found["flight_id"]), "_source": found, "sort": [number]}
            for number, found in enumerate(documents()[start:end], start)
        ]
        total = {"value": max(last - first, 0), "relation": "eq"}
        shards = {"total": 1, "successful": 1, "skipped": 0, "failed": 0}
        answer = {"timed_out": False, "_shards": shards, "hits": {"total": total, "hits": hits}}
        self.reply(HTTPStatus.OK, {**answer, "pit_id": point})

    def _body(self) -> dict[str, Any]:
        text = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        found = json.loads(text) if text else {}
        return found if isinstance(found, dict) else {}

    def _refuse(self, status: HTTPStatus, kind: str, reason: str) -> None:
        self.reply(status, {"error": {"type": kind, "reason": reason}, "status": int(status)})


def _time(document: Document) -> str:
    return str(document["happened_at"])


def _since(query: dict[str, Any]) -> str:
    """Return the time that the query begins at; the beginning of all when it names none."""
    filters = query.get("bool", {}).get("filter", [])
    times = [part["range"]["happened_at"]["gte"] for part in filters if "range" in part]
    return str(times[0]).replace("+00:00", "Z").replace(" ", "T") if times else ""


def serve(port: int = PORT, landing: Path = LANDING) -> ThreadingHTTPServer:
    """Return a server that is bound but not yet answering; port 0 lets the system choose.

    Raises:
        OSError: the port is in use.
    """
    handler = type("Handler", (LogHandler,), {"landing": landing, "points": {}, "numbers": count(1)})
    return ThreadingHTTPServer((HOST, port), handler)


if __name__ == "__main__":
    sys.exit(answer_on(int(sys.argv[1]) if len(sys.argv) > 1 else PORT, serve))
