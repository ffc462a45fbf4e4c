"""The weather office of the example: hourly observations behind a paged REST API, standard library only.

    GET /                                        who is answering
    GET /observations?since=TIME&limit=N         observations newer than TIME, oldest first, in pages
    -> {"items": [...], "next": URL or null}

It shows only what has been observed by the company's clock (landing/clock.json, see systems.py).

    python weather_api.py [PORT]
"""

from __future__ import annotations

import csv
import sys
from bisect import bisect_left, bisect_right
from datetime import UTC, datetime
from functools import cache
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

from local_service import HOST, LANDING, JSONHandler, answer_on
from systems import clock, data_folder

SERVICE = "weather of examples/flights"
PORT = 8790
PAGE = 2000
LARGEST_PAGE = 5000
WORDS = ("origin", "time_hour")
# The package's local calendar columns say again what time_hour says.
LEFT_OUT = ("year", "month", "day", "hour")

Observation = dict[str, str | float | None]


@cache
def observations() -> list[Observation]:
    """Return every observation of the year, oldest first; missing values are None."""
    with (data_folder() / "weather.csv").open(newline="") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: (row["time_hour"], row["origin"]))
    return [{k: _value(k, text) for k, text in row.items() if k not in LEFT_OUT} for row in rows]


def observed(since: str, until: str) -> list[Observation]:
    """Return the observations after `since` and before `until` (ISO times in UTC, compared as text)."""
    rows = observations()
    first = bisect_right(rows, since, key=lambda row: str(row["time_hour"]))
    return rows[first : bisect_left(rows, until, key=lambda row: str(row["time_hour"]))]


def now(landing: Path) -> str:
    """Return the company's time: midnight in New York after the last month that is over."""
    month = clock(landing)
    offset = 5 if month in {1, 2, 11, 12, 13} else 4
    year, following = (2013, month + 1) if month < 12 else (2014, month - 11)
    return f"{year}-{following:02}-01T{offset:02}:00:00Z" if month else "2013-01-01T00:00:00Z"


def _value(name: str, text: str) -> str | float | None:
    if name in WORDS:
        return text
    return None if text == "NA" else float(text)


class WeatherHandler(JSONHandler, BaseHTTPRequestHandler):
    """Answers one request; everything but GET of the two paths above is refused."""

    def do_GET(self) -> None:
        """Answer a read."""
        url = urlsplit(self.path)
        if url.path == "/":
            self.reply(
                HTTPStatus.OK,
                {"service": SERVICE, "folder": str(self.landing), "time": now(self.landing)},
            )
        elif url.path == "/observations":
            self._observations(parse_qs(url.query))
        else:
            self.reply(HTTPStatus.NOT_FOUND, {"error": f"there is nothing at {url.path}"})

    def _observations(self, query: dict[str, list[str]]) -> None:
        try:
            since = _time(query.get("since", ["2000-01-01T00:00:00Z"])[-1])
            limit = min(_count(query, "limit", PAGE, least=1), LARGEST_PAGE)
            offset = _count(query, "offset", 0, least=0)
        except ValueError as error:
            self.reply(HTTPStatus.BAD_REQUEST, {"error": str(error)})
            return
        found = observed(since, now(self.landing))
        rest = {"since": since, "limit": limit, "offset": offset + limit}
        follows = f"http://{self.headers['Host']}/observations?{urlencode(rest)}"
        self.reply(
            HTTPStatus.OK,
            {
                "items": found[offset : offset + limit],
                "next": follows if offset + limit < len(found) else None,
            },
        )


def _time(text: str) -> str:
    """Return an ISO time in UTC as the observations write it.

    Raises:
        ValueError: it is not an ISO time.
    """
    time = datetime.fromisoformat(text)
    time = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def _count(query: dict[str, list[str]], name: str, default: int, *, least: int) -> int:
    """Return a whole number of the query.

    Raises:
        ValueError: it is none, or below `least`.
    """
    count = int(query.get(name, [str(default)])[-1])
    if count < least:
        raise ValueError(f"{name} must be at least {least}")
    return count


def serve(port: int = PORT, landing: Path = LANDING) -> ThreadingHTTPServer:
    """Return a server that is bound but not yet answering; port 0 lets the system choose.

    Raises:
        OSError: the port is in use.
    """
    handler = type("Handler", (WeatherHandler,), {"landing": landing})
    return ThreadingHTTPServer((HOST, port), handler)


if __name__ == "__main__":
    sys.exit(answer_on(int(sys.argv[1]) if len(sys.argv) > 1 else PORT, serve))
