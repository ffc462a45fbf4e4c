"""Experiments: sorting, pages, and what a run shows."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ropewalk.mlops.tracking import create_run, finish_run, log_metrics, set_stage
from ropewalk.mlops.tracking.experiments import ensure_experiment
from ropewalk.mlops.tracking.runs import RunRequest, begin_run
from ropewalk.pipeline import Workspace
from ropewalk.project import load_project
from ropewalk.settings import load_settings
from ropewalk.web.errors import InvalidQuery, NothingCalled
from ropewalk.web.page import Visit
from ropewalk.web.views import experiments
from ropewalk.web.views.experiments import experiment_list, run_table
from ropewalk.web.views.run import run_page

SORTED = (
    ("a", 3, {"auc": 0.7}, {"rounds": "9", "kind": "gbm"}),
    ("b", 1, {"auc": 0.9}, {"rounds": "100", "kind": "7"}),
    ("c", 2, {}, {"kind": "linear"}),
)


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """Return a project with three runs that differ; tests only read it."""
    root = tmp_path_factory.mktemp("several")
    (root / "ropewalk.yaml").write_text("project: several\n", encoding="utf-8")
    with Workspace(load_project(root, []), load_settings({})) as workspace:
        experiment = ensure_experiment(workspace, "e")
        for name, started_at, metrics, params in SORTED:
            run = begin_run(workspace, RunRequest(experiment, name, started_at=started_at, params=params))
            log_metrics(workspace, run.id, metrics)
            log_metrics(workspace, run.id, {key: value - 0.5 for key, value in metrics.items()}, step=5)
        yield workspace


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("started_at", "bca"),
        ("-started_at", "acb"),
        ("metrics.auc", "abc"),
        ("-max(metrics.auc)", "bac"),
        ("at(metrics.auc, 2)", "abc"),
        ("params.rounds", "abc"),
        ("-params.rounds", "bac"),
        ("params.kind", "bac"),
        ("metrics.nothing", "acb"),
    ],
)
def test_sort(several: Workspace, sort: str, order: str) -> None:
    """Numbers sort as numbers, words after them, and what is missing comes last both ways."""
    table = run_table(Visit(several, {"id": "e"}, {"sort": sort}))

    assert "".join(run.name for run in table.runs) == order
    assert table.mistake is None


@pytest.mark.parametrize(
    ("query", "field", "at"),
    [
        ({"filter": "metrics.auc >> 3"}, "filter", 13),
        ({"filter": "metric.auc > 'x'"}, "filter", 13),
        ({"sort": "nonsense"}, "sort", 0),
        ({"columns": "metrics.auc, mean(metrics.auc)"}, "columns", None),
        ({"agg": "mean"}, "agg", None),
    ],
)
def test_mistakes_are_shown_where_they_are(
    several: Workspace, query: dict, field: str, at: int | None
) -> None:
    """What cannot be read is told with its place, as a 400, and the runs are shown without it."""
    table = run_table(Visit(several, {"id": "e"}, query))

    assert table.mistake is not None
    assert (table.mistake.field, table.status, len(table.runs)) == (field, 400, 3)
    if at is not None:
        assert table.mistake.at == at


def test_aggregate_and_columns(several: Workspace) -> None:
    """The address says which columns there are, and which of a metric's values they hold."""
    best = run_table(Visit(several, {}, {"agg": "best", "filter": "metrics.auc > 0.3"}))
    chosen = run_table(Visit(several, {}, {"columns": "at(metrics.auc, 3), params.kind, tags.team"}))

    assert [(run.name, run.metrics) for run in best.runs] == [("b", {"max(auc)": 0.9})]
    assert (chosen.metrics, chosen.params, chosen.tags) == (("at(auc, 3)",), ("kind",), ("team",))
    assert {run.name: run.metrics for run in chosen.runs}["a"] == {"at(auc, 3)": 0.7}
    assert chosen.experiment.runs == 3


def test_unknown_view(several: Workspace) -> None:
    """A view that there is none of is an error."""
    with pytest.raises(InvalidQuery, match="no view 'gone'"):
        run_table(Visit(several, {}, {"view": "gone"}))


def test_trash_is_a_view(empty: Workspace) -> None:
    """Runs in the trash are shown on demand, with their own count."""
    run_id = create_run(empty, "e", "old", {}, {})
    set_stage(empty, [run_id], "deleted")

    assert run_table(Visit(empty, {"id": "e"})).runs == ()
    assert [run.name for run in run_table(Visit(empty, {"id": "e"}, {"view": "deleted"})).runs] == ["old"]


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
