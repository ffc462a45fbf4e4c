"""Runs over HTTP: found, read, changed, and bad input answered as such."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from ropewalk import plugins
from ropewalk.mlops.tracking import Event, Metric, create_run, finish_run
from ropewalk.mlops.tracking.runs import Batch, log_batch
from ropewalk.pipeline import Workspace
from ropewalk.project import load_project
from ropewalk.settings import load_settings
from ropewalk.web.app import create_app
from ropewalk.web.run_answers import event_bytes, split_list

JSON = {"accept": "application/json", "content-type": "application/json"}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """Return a project with three runs."""
    root = tmp_path_factory.mktemp("runs")
    (root / "ropewalk.yaml").write_text("project: runs\n", encoding="utf-8")
    with Workspace(load_project(root, plugins.sections()), load_settings({})) as workspace:
        for number in range(3):
            tags = {"mlflow.source.git.branch": "main", "mlflow.source.git.commit": "abc"}
            run_id = create_run(workspace, "e", f"r{number}", tags, {"n": str(number)})
            points = [Metric("loss", 1 / (step + 1) + number, step, step) for step in range(20)]
            log_batch(workspace, run_id, Batch([*points, Metric("odd", float("inf"), 0, 0)]))
            finish_run(workspace, run_id, "FINISHED")
        yield workspace


Ask = Callable[..., Any]


@pytest.fixture
def ask(project: Workspace, get_from: Callable[[Starlette], Callable[..., httpx.Response]]) -> Ask:
    """Return a function that asks for a path and returns the answer's object."""
    get = get_from(create_app(project, plugins.routes(project)))

    def send(path: str, status: int = 200, **content: object) -> Any:
        method = "POST" if content else "GET"
        response = get(path, method, JSON, **content)
        assert response.status_code == status, response.text
        return response.json()

    return send


def test_search(ask: Ask) -> None:
    """Runs are filtered, sorted and counted, with the columns that were asked for."""
    found = ask(
        "/api/runs?filter=params.n != '1'&order_by=max(metrics.loss) DESC&columns=at(metrics.loss, 3),params.n&limit=1"
    )

    assert (found["total"], found["columns"]) == (2, ["at(metrics.loss, 3)", "params.n"])
    assert found["runs"][0]["values"] == {"at(metrics.loss, 3)": 2.25, "params.n": "2"}
    following = ask(
        "/api/runs?filter=params.n != '1'&order_by=max(metrics.loss) DESC&columns=params.n&limit=1"
        f"&page_token={found['next_page_token']}"
    )
    assert [run["name"] for run in following["runs"]] == ["r0"]
    assert following["next_page_token"] is None


def test_run_and_history(ask: Ask) -> None:
    """A run has its origin, and a metric its history, which says how much of it is there."""
    run = ask("/api/runs?experiment=e&order_by=run_name&limit=1")["runs"][0]

    whole = ask(f"/api/runs/{run['id']}/metrics/loss")
    thin = ask(f"/api/runs/{run['id']}/metrics/loss?points=5&method=lttb&from=2")
    odd = ask(f"/api/runs/{run['id']}/metrics/odd")

    assert ask(f"/api/runs/{run['id']}")["origin"]["branch"] == "main"
    assert (whole["total"], whole["returned"], whole["method"]) == (20, 20, "all")
    assert (thin["total"], thin["returned"], thin["method"], thin["points"][0]["step"]) == (18, 5, "lttb", 2)
    assert odd["points"][0]["value"] == "inf"


def test_branches(ask: Ask) -> None:
    """Branches that runs name are listed, and each is compared with its base as far as Git knows one."""
    assert ask("/api/branches") == {"branches": ["main"]}
    assert len(ask("/api/branches/main")["runs"]) == 3
    assert ask("/api/retention") == {"verdicts": []}


def test_changes(ask: Ask, project: Workspace) -> None:
    """Runs are moved, thrown away, brought back and removed for good."""
    run_id = create_run(project, "other", "movable", {}, {})
    target = ask("/api/runs?experiment=e&limit=1")["runs"][0]["experiment_id"]

    assert ask("/api/runs/move", json={"run_ids": [run_id], "experiment_id": target}) == {"moved": [run_id]}
    assert ask("/api/runs/remove", 409, json={"run_ids": [run_id]})["code"] == "RW346"
    assert ask("/api/runs/delete", json={"run_ids": [run_id]}) == {"deleted": [run_id]}
    assert ask("/api/runs/restore", json={"run_ids": [run_id]}) == {"restored": [run_id]}
    ask("/api/runs/delete", json={"run_ids": [run_id]})
    assert ask("/api/runs/remove", json={"run_ids": [run_id]})["runs"] == [run_id]
    assert ask(f"/api/runs/{run_id}", 404)["code"] == "RW251"


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/api/runs?filter=metrics.auc >>", "RW151"),
        ("/api/runs?order_by=mean(metrics.auc)", "RW151"),
        ("/api/runs?columns=nothing", "RW151"),
        ("/api/runs?limit=0", "RW180"),
        ("/api/runs?limit=1001", "RW180"),
        ("/api/runs?limit=٣", "RW180"),
        ("/api/runs?view=gone", "RW180"),
        ("/api/runs?page_token=x", "RW150"),
        ("/api/runs/x/metrics/loss?from=1.5", "RW180"),
        ("/api/runs/x/metrics/loss?points=-1", "RW180"),
        ("/api/events?topics=everything", "RW150"),
    ],
)
def test_bad_questions(ask: Ask, path: str, code: str) -> None:
    """What does not fit is answered with 400 and a code."""
    assert ask(path, 400)["code"] == code


@pytest.mark.parametrize(
    "content",
    [
        {"content": b"{"},
        {"content": b"[]"},
        {"json": {}},
        {"json": {"run_ids": []}},
        {"json": {"run_ids": "abc"}},
        {"json": {"run_ids": [1]}},
        {"json": {"run_ids": ["x"] * 10_001}},
        {"content": b'{"x": "' + b"x" * (1 << 20) + b'"}'},
    ],
)
def test_bad_bodies(ask: Ask, content: dict[str, Any]) -> None:
    """A body that is no list of runs is refused."""
    assert ask("/api/runs/delete", 400, **content)["code"] == "RW180"


def test_unknown_things(ask: Ask) -> None:
    """What there is not is answered with 404."""
    assert ask("/api/runs?experiment=nowhere", 404)["code"] == "RW250"
    assert ask("/api/runs/delete", 404, json={"run_ids": ["nobody"]})["code"] == "RW251"
    assert ask("/api/runs/move", 400, json={"run_ids": ["nobody"]})["code"] == "RW180"


def test_commas_within_parentheses() -> None:
    """A list is divided between its parts only."""
    assert split_list(" a, at(metrics.x, 3) ,b,") == ["a", "at(metrics.x, 3)", "b"]


def test_events_as_they_are_sent() -> None:
    """An event has its number, kind and data; a sign of life is a comment."""
    sent = event_bytes(Event("runs", "run", {"run_id": "a\nb"}, "e-1")).decode()

    assert sent.startswith("id: e-1\nevent: run\ndata: {")
    assert sent.endswith("}\n\n")
    assert json.loads(sent.split("data: ")[1]) == {"topic": "runs", "run_id": "a\nb"}
    assert event_bytes(None) == b": alive\n\n"
