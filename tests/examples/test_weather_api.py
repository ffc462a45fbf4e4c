"""The weather API of the example: pages, the watermark, the company's clock, and bad requests."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import weather_api

from .conftest import FLIGHTS


@pytest.fixture
def landing(tmp_path: Path) -> Path:
    """A company whose clock shows the end of July."""
    (tmp_path / "clock.json").write_text('{"month": 7}', encoding="utf-8")
    return tmp_path


@pytest.fixture
def client(landing: Path) -> Iterator[httpx.Client]:
    """A client of a running API."""
    with weather_api.serve(0, landing) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        with httpx.Client(base_url=f"http://127.0.0.1:{server.server_port}") as connected:
            yield connected
        server.shutdown()
        thread.join()


def items(client: httpx.Client, url: str) -> list[dict[str, Any]]:
    """Return the observations of all pages from `url` on."""
    found: list[dict[str, Any]] = []
    following: str | None = url
    while following:
        page = client.get(following).json()
        found += page["items"]
        following = page["next"]
    return found


def test_pages_follow_each_other(client: httpx.Client) -> None:
    """Through the links every observation comes once, oldest first, whatever the size of a page."""
    large = items(client, "/observations?limit=5000")
    small = items(client, "/observations?limit=1700")

    assert small == large
    keys = [(item["time_hour"], item["origin"]) for item in large]
    assert keys == sorted(set(keys))


def test_only_what_has_been_observed(client: httpx.Client, landing: Path) -> None:
    """Nothing after the company's clock is told; when it moves on, there is more."""
    july = items(client, "/observations?limit=5000")
    (landing / "clock.json").write_text('{"month": 8}', encoding="utf-8")
    august = items(client, "/observations?limit=5000")

    assert july[-1]["time_hour"] == "2013-08-01T03:00:00Z"
    assert august[-1]["time_hour"] == "2013-09-01T03:00:00Z"
    assert august[: len(july)] == july


@pytest.mark.parametrize(
    "since", ["2013-08-01T01:00:00Z", "2013-08-01 01:00:00+00", "2013-07-31T21:00:00-04:00"]
)
def test_since_leaves_out_what_is_known(client: httpx.Client, since: str) -> None:
    """Only observations newer than the watermark come, however the time is written."""
    found = items(client, str(httpx.URL("/observations", params={"since": since})))

    assert [item["time_hour"][11:13] for item in found] == ["02", "02", "02", "03", "03", "03"]


def test_unknown_values_are_null(client: httpx.Client) -> None:
    """NA becomes null, numbers are numbers, words stay words."""
    first = client.get("/observations?limit=1").json()["items"][0]

    assert first["wind_gust"] is None
    assert (first["origin"], first["temp"]) == ("EWR", 39.02)


@pytest.mark.parametrize("query", ["since=yesterday", "limit=0", "limit=many", "offset=-1"])
def test_bad_queries_are_refused(client: httpx.Client, query: str) -> None:
    """What cannot be understood is a 400 with the reason."""
    reply = client.get(f"/observations?{query}")

    assert reply.status_code == 400
    assert reply.json()["error"]


def test_there_is_nothing_else(client: httpx.Client) -> None:
    """Another path is a 404, and the front page says who answers."""
    assert client.get("/observation").status_code == 404
    assert client.get("/").json()["service"] == weather_api.SERVICE


def test_before_the_company_starts_there_is_no_weather(client: httpx.Client, landing: Path) -> None:
    """Without a clock nothing has been observed."""
    (landing / "clock.json").unlink()

    assert client.get("/observations").json() == {"items": [], "next": None}


def test_a_port_in_use_is_one_clear_message(client: httpx.Client) -> None:
    """The script says which port it cannot have and ends with an exit code."""
    script = FLIGHTS / "weather_api.py"

    done = subprocess.run(
        [sys.executable, script, str(client.base_url.port)], capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert f"cannot listen on 127.0.0.1 port {client.base_url.port}" in done.stderr
    assert "Traceback" not in done.stderr
