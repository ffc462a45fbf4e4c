"""The endpoint of its own: starts fast, ends clean, and answers this machine only."""

from __future__ import annotations

import threading
import time

import httpx
import pytest

from ropewalk.mlops.tracking import endpoint
from ropewalk.pipeline import Workspace

CREATE = "/api/2.0/mlflow/experiments/create"


def test_start_and_stop(workspace: Workspace) -> None:
    """It answers when the context begins, and is gone when it ends."""
    before = _listeners()
    with endpoint(workspace) as url:
        assert url.startswith("http://127.0.0.1:")
        assert httpx.get(f"{url}/health").text == "OK"

    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/health")
    assert _listeners() == before


def _listeners() -> int:
    return [thread.name for thread in threading.enumerate()].count("tracking endpoint")


def test_start_is_cheap(workspace: Workspace) -> None:
    """Starting costs well under a second of processor time, at the best of a few tries."""
    spent = []
    for _ in range(3):
        before = time.process_time()
        with endpoint(workspace):
            spent.append(time.process_time() - before)

    # Other threads of this process and a shared cache cost too: the least of them is what starting takes.
    assert min(spent) < 0.5


def test_stops_under_a_client_that_keeps_its_connection(workspace: Workspace) -> None:
    """An idle client does not hold the end up: the endpoint is gone while the connection is still open."""
    others = set(threading.enumerate())
    with httpx.Client() as client:
        with endpoint(workspace) as url:
            client.get(f"{url}/health")
            (server,) = (
                one for one in set(threading.enumerate()) - others if one.name == "tracking endpoint"
            )

        # Leaving waits some seconds for the thread and then leaves it alone; one that waits for the client goes on.
        assert not server.is_alive()


def test_two_endpoints_on_one_project(workspace: Workspace) -> None:
    """Two endpoints show one state: it is all in the store."""
    with endpoint(workspace) as first, endpoint(workspace) as second:
        made = httpx.post(f"{first}{CREATE}", json={"name": "seen by both"}).json()["experiment_id"]
        seen = httpx.get(f"{second}/api/2.0/mlflow/experiments/get", params={"experiment_id": made})

    assert first != second
    assert seen.json()["experiment"]["name"] == "seen by both"


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1.evil.example", "evil.example:80", "[::ffff:1.2.3.4]", "", "[", "0.0.0.0"],
)
def test_foreign_hosts(http: httpx.Client, host: str) -> None:
    """A request that names another host was rebound by DNS, and is refused."""
    response = http.get("/health", headers={"Host": host})

    assert response.status_code == 403
    assert response.json()["error_code"] == "PERMISSION_DENIED"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST:5000", "[::1]:80"])
def test_own_hosts(http: httpx.Client, host: str) -> None:
    """This machine's own names are answered."""
    assert http.get("/health", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1.evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
)
def test_foreign_pages(http: httpx.Client, headers: dict[str, str]) -> None:
    """A page from elsewhere changes nothing, also through the artifact proxy."""
    created = http.post(CREATE, json={"name": str(headers)}, headers=headers)
    uploaded = http.put("/api/2.0/mlflow-artifacts/artifacts/1/x", content=b"x", headers=headers)

    assert (created.status_code, uploaded.status_code) == (403, 403)


def test_own_pages(http: httpx.Client) -> None:
    """A page of this server may write; one of another program on this machine may not."""
    own = {"Origin": str(http.base_url).rstrip("/"), "Sec-Fetch-Site": "same-origin"}
    other = {"Origin": "http://127.0.0.1:1", "Sec-Fetch-Site": "same-site"}

    assert http.post(CREATE, json={"name": "by a page"}, headers=own).status_code == 200
    assert http.post(CREATE, json={"name": "by another"}, headers=other).status_code == 403


def test_many_writers(http: httpx.Client, run: str) -> None:
    """Points that eight clients log at once all arrive, each once."""

    def log(writer: int) -> None:
        for step in range(20):
            point = {"run_id": run, "key": "m", "value": writer, "timestamp": step, "step": step}
            assert http.post("/api/2.0/mlflow/runs/log-metric", json=point).status_code == 200

    threads = [threading.Thread(target=log, args=(writer,)) for writer in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    query = {"run_id": run, "metric_key": "m"}
    history = http.get("/api/2.0/mlflow/metrics/get-history", params=query).json()["metrics"]
    assert len(history) == 160
