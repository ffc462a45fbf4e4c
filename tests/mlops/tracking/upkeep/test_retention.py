"""Rules of retention: how they are declared, whom they take and why, and that they do what they say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from ropewalk.mlops.tracking import (
    apply_rules,
    create_run,
    get_run,
    judge_runs,
    log_metrics,
    set_stage,
)
from ropewalk.mlops.tracking.artifacts import list_run_files
from ropewalk.mlops.tracking.upkeep.section import RetentionRule
from ropewalk.pipeline import Workspace
from ropewalk.project import InvalidProjectFile
from ropewalk.store.registry import NewVersion, insert_model, insert_version

AddRun = Callable[..., str]
DAY_MS = 86_400_000


def rule(**said: object) -> Mapping[str, RetentionRule]:
    """Return one rule called `r`."""
    return {"r": RetentionRule.model_validate(said)}


def age(project: Workspace, run_id: str, days: int) -> None:
    """Let the run have ended so many days ago."""
    with project.database.write() as connection:
        connection.execute("UPDATE run SET ended_at = ended_at - ? WHERE id = ?", (days * DAY_MS, run_id))


def taken(project: Workspace, rules: Mapping[str, RetentionRule]) -> dict[str, str | None]:
    """Return what the rules would remove, by the names of runs."""
    return {verdict.run_name: verdict.remove for verdict in judge_runs(project, rules)}


def test_age(project: Workspace, add_run: AddRun) -> None:
    """Runs that ended long enough ago go, with the reason; those that are open stay, however old."""
    old, _ = add_run(name="old"), add_run(name="young")
    age(project, old, 31)
    create_run(project, "e", "open", {}, {})

    (verdict,) = judge_runs(project, rule(older_than="30d"))

    assert (verdict.run_id, verdict.remove) == (old, "run")
    assert "more than 30d ago" in verdict.why


@pytest.mark.parametrize(
    ("goal", "metric", "expected"),
    [(None, "auc", {"low"}), ("min", "auc", {"high"}), (None, "loss", {"high"})],
)
def test_best_stay(
    project: Workspace, add_run: AddRun, goal: str | None, metric: str, expected: set[str]
) -> None:
    """The best by a metric stay, in each experiment, by what its name or the rule says is better."""
    for name, value in (("low", 0.1), ("middle", 0.5), ("high", 0.9)):
        log_metrics(project, add_run(name=name, auc=value), {"loss": value})
    log_metrics(project, add_run("other", name="alone", auc=0.0), {"loss": 9.0})

    keep = {"metric": metric, "count": 2, "goal": goal}

    assert set(taken(project, rule(keep_best=keep))) == expected


def test_run_without_the_metric_is_not_among_the_best(project: Workspace, add_run: AddRun) -> None:
    """What was never measured cannot be the best."""
    add_run(name="unmeasured")

    assert taken(project, rule(keep_best={"metric": "f1", "count": 5})) == {"unmeasured": "run"}


def test_filter_and_experiment(project: Workspace, add_run: AddRun) -> None:
    """A rule is about the runs that its filter finds in its experiment."""
    for experiment, kind in (("e", "sweep"), ("e", "final"), ("other", "sweep")):
        add_run(experiment, name=f"{experiment}-{kind}", kind=kind)

    found = taken(project, rule(experiment="e", filter="tags.kind = 'sweep'", older_than="0d"))

    assert found == {"e-sweep": "run"}


def test_needed_runs_stay(project: Workspace, add_run: AddRun) -> None:
    """A run whose model is registered stays, and the verdict says so."""
    run_id = add_run()
    with project.database.write() as connection:
        insert_model(connection, "churn", None, {})
        insert_version(connection, NewVersion("churn", "s", "l", "d", run_id=run_id), [])

    (verdict,) = judge_runs(project, rule(older_than="0d"))

    assert (verdict.remove, verdict.why) == (None, "needed by version 1 of model churn")


def test_run_goes_rather_than_its_files(project: Workspace, add_run: AddRun) -> None:
    """Of two rules that take a run, one its files and one all of it, the second counts."""
    add_run(name="a")
    rules = {
        "files": RetentionRule(older_than="0d", remove="artifacts"),
        "all": RetentionRule(older_than="0h"),
    }

    assert taken(project, rules) == {"a": "run"}


@pytest.fixture
def declare(
    write_project: Callable[[Mapping[str, str]], Path], open_workspace: Callable[[Path], Workspace]
) -> Callable[[str], Workspace]:
    """Return a function that opens a project with these lines under `retention:`."""

    def write(lines: str) -> Workspace:
        return open_workspace(write_project({"ropewalk.yaml": f"project: test\nretention:\n{lines}"}))

    return write


def test_files_go_and_what_was_logged_stays(declare: Callable[[str], Workspace]) -> None:
    """A rule may take files only; it does so once."""
    from ropewalk.mlops.tracking import finish_run, keep_run_file

    project = declare("  files:\n    older_than: 0d\n    remove: artifacts\n")
    run_id = create_run(project, "e", "a", {}, {"depth": "3"})
    keep_run_file(project, run_id, "a.txt", b"a")
    finish_run(project, run_id, "FINISHED")

    assert [verdict.remove for verdict in apply_rules(project, is_dry=True)] == ["artifacts"]
    assert list_run_files(project, get_run(project, run_id), 9)
    apply_rules(project)

    run = get_run(project, run_id)
    assert (run.params, list_run_files(project, run, 9)) == ({"depth": "3"}, [])
    assert run.tags["ropewalk.artifacts"].startswith("removed by files on ")
    assert apply_rules(project) == []


def test_runs_go_to_the_trash(declare: Callable[[str], Workspace]) -> None:
    """A rule throws runs away; they can be brought back until the trash is emptied."""
    from ropewalk.mlops.tracking import finish_run

    project = declare("  all: {older_than: 0d}\n")
    run_id = create_run(project, "e", "a", {}, {})
    finish_run(project, run_id, "FINISHED")

    apply_rules(project)

    assert get_run(project, run_id).stage == "deleted"
    assert set_stage(project, [run_id], "active") == [run_id]


@pytest.mark.parametrize(
    ("lines", "match"),
    [
        ("  r: {older_than: soon}\n", "'soon' is no age"),
        ("  r: {remove: run}\n", "needs older_than, keep_best or both"),
        ("  r: {older_than: 1d, filter: 'metrics.auc >'}\n", "Expected numeric value"),
        ("  r: {older_than: 1d, remove: everything}\n", "everything|artifacts"),
        ("  r: {keep_best: {metric: auc, count: 0}}\n", "greater than or equal to 1"),
        ("  r: {older_then: 1d}\n", "older_then"),
    ],
)
def test_wrong_rules(write_project: Callable[[Mapping[str, str]], Path], lines: str, match: str) -> None:
    """A rule that is wrong is an error of the project's file, with its place."""
    from ropewalk import plugins
    from ropewalk.project import load_project

    root = write_project({"ropewalk.yaml": f"project: test\nretention:\n{lines}"})

    with pytest.raises((InvalidProjectFile, Exception), match=match) as caught:
        load_project(root, plugins.sections())

    assert getattr(caught.value, "place", None)
