"""Runs beside one another: what differs, what is best, and how many there may be."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from starlette.datastructures import QueryParams

from ropewalk.mlops.tracking import Dataset, Metric, create_run
from ropewalk.mlops.tracking.errors import InvalidFilter, UnknownRun
from ropewalk.mlops.tracking.runs import Batch, log_batch
from ropewalk.pipeline import Workspace
from ropewalk.project import load_project
from ropewalk.settings import load_settings
from ropewalk.web.errors import InvalidQuery
from ropewalk.web.page import Visit
from ropewalk.web.views import compare
from ropewalk.web.views.compare import comparison


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Workspace, list[str]]]:
    """Return a project with three runs, and their ids."""
    root = tmp_path_factory.mktemp("compare")
    (root / "ropewalk.yaml").write_text("project: compare\n", encoding="utf-8")
    with Workspace(load_project(root, []), load_settings({})) as workspace:
        ids = []
        for number in range(3):
            tags = {"mlflow.source.git.commit": "c" * 40, "mlflow.source.git.branch": f"b{number}"}
            data = [Dataset("d", "1" * 9, "local", "{}")]
            ids.append(create_run(workspace, "e", f"r{number}", tags, {"n": str(number), "same": "1"}, data))
            loss = [Metric("val loss", (number - step) ** 2, step, 1) for step in range(3)]
            log_batch(workspace, ids[-1], Batch([*loss, Metric("auc", float("nan"), 0, 1)]))
        yield workspace, ids


def test_what_differs_comes_first(runs: tuple[Workspace, list[str]]) -> None:
    """Parameters that differ stand before those that do not, and so do circumstances."""
    workspace, ids = runs

    found = comparison(Visit(workspace, {}, {"runs": ",".join(ids)}))

    assert [(row.name, row.is_same) for row in found.params] == [("n", False), ("same", True)]
    assert {row.name: row.is_same for row in found.facts} == {"commit": True, "branch": False, "data": True}
    assert [run.name for run in found.runs] == ["r0", "r1", "r2"]


@pytest.mark.parametrize(
    ("aggregate", "label", "values", "best"),
    [
        ("last", "val loss", (4.0, 1.0, 0.0), (2,)),
        ("best", "min(val loss)", (0.0, 0.0, 0.0), ()),
        ("max", "max(val loss)", (4.0, 1.0, 4.0), (1,)),
    ],
)
def test_best_of_each_metric(
    runs: tuple[Workspace, list[str]], aggregate: str, label: str, values: tuple, best: tuple
) -> None:
    """The best value of each metric is marked, by what the metric's name says is better."""
    workspace, ids = runs

    found = comparison(Visit(workspace, {}, {"runs": ",".join(ids), "agg": aggregate}))

    row = next(row for row in found.metrics if "loss" in row.name)
    assert (row.name, row.values, row.best) == (label, values, best)
    assert found.metrics[0].values == (None, None, None)


def test_by_filter_and_boxes(runs: tuple[Workspace, list[str]]) -> None:
    """Runs are named by a filter, or by a form's boxes; one that is named twice stands there once."""
    workspace, ids = runs

    assert comparison(Visit(workspace, {}, {"filter": "params.n != '0'"})).total == 2
    boxes = QueryParams([("run", ids[0]), ("run", ids[1]), ("run", ids[0])])
    assert [run.id for run in comparison(Visit(workspace, {}, boxes)).runs] == ids[:2]


def test_charts(runs: tuple[Workspace, list[str]]) -> None:
    """Metrics with a history are drawn by themselves, others when they are asked for."""
    workspace, ids = runs
    named = {"runs": ",".join(ids)}

    assert comparison(Visit(workspace, {}, named)).charted == ("val loss",)
    assert comparison(Visit(workspace, {}, {**named, "charts": "auc,nothing"})).charted == ("auc",)


def test_limits(runs: tuple[Workspace, list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    """More than there is room for are counted, and many stand one a line."""
    workspace, ids = runs
    monkeypatch.setattr(compare, "MOST", 2)
    monkeypatch.setattr(compare, "COLUMNS", 1)

    found = comparison(Visit(workspace, {}, {"runs": ",".join(ids)}))

    assert (len(found.runs), found.total, found.is_wide) == (2, 3, False)


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ({}, InvalidQuery),
        ({"runs": "x", "agg": "mean"}, InvalidQuery),
        ({"runs": "nobody"}, UnknownRun),
        ({"filter": "metrics.auc >"}, InvalidFilter),
    ],
)
def test_bad_questions(runs: tuple[Workspace, list[str]], query: dict, error: type[Exception]) -> None:
    """Nothing to compare, or what cannot be read, is told."""
    with pytest.raises(error):
        comparison(Visit(runs[0], {}, query))
