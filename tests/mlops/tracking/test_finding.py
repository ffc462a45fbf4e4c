"""Finding runs: in all experiments, by any column, with true totals."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest

from ropewalk.mlops.tracking import (
    ARCHIVED,
    Metric,
    RunQuery,
    create_run,
    find_experiment,
    find_run_id,
    find_runs,
    finding,
    get_experiment,
    page_of_runs,
    parse_column,
    set_stage,
)
from ropewalk.mlops.tracking.errors import InvalidRequest, TooManyRuns, UnknownExperiment, UnknownRun
from ropewalk.mlops.tracking.runs import Batch, log_batch
from ropewalk.pipeline import Workspace

# Name, experiment, values of auc at steps 0, 10, 20, and a parameter.
RUNS = (
    ("up", "one", (0.1, 0.5, 0.7), "9"),
    ("down", "two", (0.9, 0.6, 0.3), "10"),
    ("flat", "two", (0.6, 0.6, 0.6), "many"),
    ("odd", "three", (math.nan, math.nan, math.nan), "8"),
)


@pytest.fixture(scope="module")
def filled(workspace: Workspace) -> Iterator[Workspace]:
    """Return the project with four runs, one in the trash and one that was put away."""
    for name, experiment, values, depth in RUNS:
        run_id = create_run(workspace, experiment, name, {"set": "a"}, {"depth": depth})
        points = [Metric("auc", value, 10 * place, 1) for place, value in enumerate(values)]
        # In two batches, so that extremes come from more than the last one.
        log_batch(workspace, run_id, Batch(points[:2]))
        log_batch(workspace, run_id, Batch(points[2:]))
    create_run(workspace, "one", "old", {"set": "a", ARCHIVED: "its branch is gone"}, {})
    set_stage(workspace, [create_run(workspace, "one", "gone", {"set": "a"}, {})], "deleted")
    return workspace


def names(workspace: Workspace, **asked: object) -> list[str]:
    """Return the names of the runs that are found."""
    return [run.name for run in find_runs(workspace, RunQuery(**{"filter": "tags.set = 'a'", **asked})).runs]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("metrics.auc DESC", ["up", "flat", "down", "odd"]),
        ("metrics.auc ASC", ["down", "flat", "up", "odd"]),
        ("max(metrics.auc) DESC", ["down", "up", "flat", "odd"]),
        ("min(metrics.auc) ASC", ["up", "down", "flat", "odd"]),
        ("best(metrics.auc)", ["down", "up", "flat", "odd"]),
        ("at(metrics.auc, 0) DESC", ["down", "flat", "up", "odd"]),
        ("at(metrics.auc, 15) DESC", ["flat", "down", "up", "odd"]),
        ("params.depth ASC", ["down", "odd", "up", "flat"]),
    ],
)
def test_orders(filled: Workspace, order: str, expected: list[str]) -> None:
    """Runs of all experiments are sorted by any value that a metric ever had; what is not a number comes last."""
    assert names(filled, order_by=[order])[: len(expected)] == expected


def test_parameters_as_numbers(filled: Workspace) -> None:
    """On demand parameters that are numbers are sorted as such, and words after them."""
    found = names(filled, order_by=["params.depth ASC"], params_as_numbers=True)

    assert found == ["odd", "up", "down", "flat"]


def test_columns(filled: Workspace) -> None:
    """Each run has what was asked for, and None where it has nothing that can be told."""
    columns = [
        parse_column(text)
        for text in ("max(metrics.auc)", "at(metrics.auc, 9)", "params.depth", "tags.none", "run_name")
    ]

    found = find_runs(filled, RunQuery(filter="tags.set = 'a'", order_by=["run_name"], columns=columns))

    assert found.values[0] == (0.9, 0.9, "10", None, "down")
    assert found.values[2] == (None, None, "8", None, "odd")


def test_totals_are_true(filled: Workspace) -> None:
    """A page has its part of the runs, and the total is that of all."""
    found = find_runs(filled, RunQuery(filter="tags.set = 'a'", limit=1, offset=2, order_by=["run_name"]))

    assert (found.total, [run.name for run in found.runs]) == (4, ["odd"])


def test_views(filled: Workspace) -> None:
    """The trash and what was put away are found on demand only."""
    assert names(filled, view="deleted") == ["gone"]
    assert "old" in names(filled, with_archived=True)
    assert names(filled, filter=f"tags.`{ARCHIVED}` LIKE 'its%'") == ["old"]
    assert len(names(filled, view="all", with_archived=True)) == 6


def test_experiments_by_name_and_id(filled: Workspace) -> None:
    """An experiment is named by either."""
    identifier = find_experiment(filled, "two").id

    assert names(filled, experiments=["two"], order_by=["run_name"]) == ["down", "flat"]
    assert names(filled, experiments=[identifier, "one"], order_by=["run_name"]) == ["down", "flat", "up"]
    assert get_experiment(filled, identifier).name == "two"


def test_unknown_experiment(filled: Workspace) -> None:
    """An experiment that there is none of is told with the nearest."""
    with pytest.raises(UnknownExperiment) as caught:
        find_runs(filled, RunQuery(["thre"]))

    assert caught.value.nearest == "three"


def test_too_many_to_sort_at_a_step(filled: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sorting by a value at a step reads each run, so it has a limit that says what to do."""
    monkeypatch.setattr(finding, "MOST_AT_STEP", 2)

    with pytest.raises(TooManyRuns, match="too many to be sorted by at") as caught:
        names(filled, order_by=["at(metrics.auc, 1)"])

    assert caught.value.hint
    with pytest.raises(TooManyRuns, match="only be the first"):
        names(filled, order_by=["run_name", "at(metrics.auc, 1)"])


def test_pages_have_tokens(filled: Workspace) -> None:
    """Each page names the next one until there is none, and a token is good for its own search only."""
    query = RunQuery(filter="tags.set = 'a'", order_by=["max(metrics.auc)"], limit=3)

    first, token = page_of_runs(filled, query, None)
    second, end = page_of_runs(filled, query, token)

    assert (len(first.runs), len(second.runs), end) == (3, 1, None)
    assert (first.total, second.total) == (4, 4)
    with pytest.raises(InvalidRequest, match="of this search"):
        page_of_runs(filled, RunQuery(limit=3), token)


def test_run_by_the_beginning_of_its_id(filled: Workspace) -> None:
    """As much of an id as no other has names a run."""
    run = find_runs(filled, RunQuery(filter="run_name = 'up'")).runs[0]

    assert find_run_id(filled, run.id[:12]) == run.id
    assert find_run_id(filled, run.id) == run.id
    with pytest.raises(UnknownRun):
        find_run_id(filled, "zz")
    with pytest.raises(TooManyRuns, match="more than one"):
        find_run_id(filled, "")
