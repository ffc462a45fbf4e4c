"""Experiments: sorting, pages, and what a run shows."""

from __future__ import annotations

import pytest

from ropewalk.mlops.tracking import create_run, finish_run, log_metrics
from ropewalk.pipeline import Workspace
from ropewalk.web.errors import InvalidQuery, NothingCalled
from ropewalk.web.page import Visit
from ropewalk.web.views import experiments
from ropewalk.web.views.experiments import RunLine, experiment_list, run_page, run_table, sort_runs


def line(name: str, started_at: int = 0, **logged: dict) -> RunLine:
    """Return a run of that name."""
    return RunLine(name, name, "FINISHED", started_at, 1, **logged)


LINES = [
    line("a", 3, metrics={"auc": 0.7}, params={"rounds": "9", "kind": "gbm"}),
    line("b", 1, metrics={"auc": 0.9}, params={"rounds": "100", "kind": "7"}),
    line("c", 2, params={"kind": "linear"}),
]


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("started_at", "bca"),
        ("-started_at", "acb"),
        ("metrics.auc", "abc"),
        ("-metrics.auc", "bac"),
        ("params.rounds", "abc"),
        ("-params.rounds", "bac"),
        ("params.kind", "bac"),
        ("metrics.nothing", "abc"),
        ("nonsense", "bca"),
    ],
)
def test_sort(sort: str, order: str) -> None:
    """Numbers sort as numbers, words after them, and what is missing comes last both ways."""
    assert "".join(run.id for run in sort_runs(LINES, sort)) == order


def test_experiments_count_their_runs(flights: Workspace) -> None:
    """Each experiment has its number of runs and its newest."""
    found = {line.name: line for line in experiment_list(Visit(flights)).experiments}

    assert found["flights"].runs == 2
    assert found["Default"].runs == 0
    assert found["Default"].last_started_at is None
    assert found["flights"].last_started_at


def test_runs_show_metrics_and_telling_parameters(flights: Workspace) -> None:
    """All metrics are columns, and of the parameters those in which runs differ."""
    table = run_table(Visit(flights, {"id": "1"}, {"sort": "-metrics.auc"}))

    assert table.metrics == ("auc",)
    assert table.params == ("rounds",)
    assert [run.metrics["auc"] for run in table.runs] == [0.77, 0.76]


def test_experiment_is_found_by_name(flights: Workspace) -> None:
    """An address may have an experiment's name in place of its number."""
    assert run_table(Visit(flights, {"id": "flights"})).experiment.id == "1"


def test_equal_parameters_are_not_shown(empty: Workspace) -> None:
    """What is the same in all runs tells nothing; of one run all parameters are shown."""
    create_run(empty, "e", "one", {}, {"same": "1"})
    assert run_table(Visit(empty, {"id": "e"})).params == ("same",)

    create_run(empty, "e", "two", {}, {"same": "1"})

    assert run_table(Visit(empty, {"id": "e"})).params == ()


def test_runs_are_paged(empty: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page has its share of the runs, the count is that of all, and a page too far is the last."""
    monkeypatch.setattr(experiments, "PAGE", 2)
    for number in range(3):
        create_run(empty, "e", f"run-{number}", {}, {})

    table = run_table(Visit(empty, {"id": "e"}, {"page": "9"}))

    assert (table.page, table.pages, table.experiment.runs, len(table.runs)) == (2, 2, 3, 1)


def test_page_must_be_a_number(flights: Workspace) -> None:
    """A page that is no number is an error."""
    with pytest.raises(InvalidQuery, match="page must be"):
        run_table(Visit(flights, {"id": "1"}, {"page": "two"}))


def test_unknown_experiment(flights: Workspace) -> None:
    """An experiment that does not exist is told with the nearest."""
    with pytest.raises(NothingCalled) as caught:
        run_table(Visit(flights, {"id": "flihgts"}))

    assert caught.value.nearest == "flights"


def test_run_links_to_its_version(flights: Workspace) -> None:
    """A run shows the model version that was registered from it."""
    newest = run_table(Visit(flights, {"id": "1"}, {"sort": "-metrics.auc"})).runs[0]

    page = run_page(Visit(flights, {"id": newest.id}))

    assert [(version.model, version.version) for version in page.versions] == [("late", "1")]
    assert page.experiment_name == "flights"
    assert page.tags == {"ropewalk.node": "step:train"}


def test_values_that_are_no_numbers(empty: Workspace) -> None:
    """A metric that is not a number is shown as missing, and sorts last."""
    run_id = create_run(empty, "e", "odd", {}, {})
    log_metrics(empty, run_id, {"loss": float("nan")})
    finish_run(empty, run_id, "FAILED")

    page = run_page(Visit(empty, {"id": run_id}))

    assert page.metrics[0].value is None
    assert page.run.metrics == {}
    assert page.run.status == "FAILED"
