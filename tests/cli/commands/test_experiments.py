"""`ropewalk experiments`: tracked runs from the command line, and what it prints."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ropewalk import plugins
from ropewalk.mlops.tracking import create_run, finish_run, log_metrics
from ropewalk.mlops.tracking.experiments import create_experiment
from ropewalk.pipeline import Workspace
from ropewalk.project import load_project
from ropewalk.settings import load_settings

RULES = "retention:\n  sweeps: {experiment: sweep, keep_best: {metric: auc, count: 1}}\n"
Ask = Callable[..., object]


@pytest.fixture
def project(tmp_path: Path, environ: dict[str, str]) -> Iterator[dict[str, str]]:
    """Write a project with three runs; return their ids by name."""
    (tmp_path / "ropewalk.yaml").write_text(f"project: shop\n{RULES}", encoding="utf-8")
    ids = {}
    with Workspace(load_project(tmp_path, plugins.sections()), load_settings(environ)) as workspace:
        create_experiment(workspace, "kept")
        for name, auc in (("low", 0.1), ("high", 0.9), ("middle", 0.5)):
            tags = {"mlflow.source.git.branch": "feature"}
            ids[name] = create_run(workspace, "sweep", name, tags, {"depth": name})
            log_metrics(workspace, ids[name], {"auc": auc})
            finish_run(workspace, ids[name], "FINISHED")
    return ids


def test_list(ropewalk, project) -> None:
    """Experiments are listed with the number of their runs."""
    found = {one["name"]: one["runs"] for one in ropewalk("experiments", "--json").json["experiments"]}

    assert found == {"sweep": 3, "kept": 0, "Default": 0}
    assert "sweep" in ropewalk("experiments").out


def test_search(ropewalk, project) -> None:
    """Runs are found by a filter and sorted by any value; the total is told when not all are shown."""
    words = ("experiments", "search", "metrics.auc > 0.2", "--order-by", "best(metrics.auc)")

    found = ropewalk(*words, "--json", "-c", "max(metrics.auc)").json
    shown = ropewalk(*words, "--limit", "1").out

    assert (found["total"], found["order_by"]) == (2, ["max(metrics.auc) DESC"])
    assert [run["values"] for run in found["runs"]] == [{"max(metrics.auc)": 0.9}, {"max(metrics.auc)": 0.5}]
    assert "high" in shown
    assert "1 of 2 runs" in shown
    assert ropewalk("experiments", "search", "metrics.auc > 9").out == "no run fits\n"


def test_compare(ropewalk, project) -> None:
    """Runs stand side by side with what differs; what is the same on demand only."""
    words = ("experiments", "compare", project["low"][:12], project["high"])

    rows = ropewalk(*words, "--json").json["rows"]

    assert {row["name"]: row["values"] for row in rows} == {"auc": [0.1, 0.9], "depth": ["low", "high"]}
    assert "feature" in ropewalk(*words, "--all").out
    assert "feature" not in ropewalk(*words).out


def test_move_delete_restore(ropewalk, project) -> None:
    """Runs are moved, thrown away, brought back and removed for good."""
    run_id = project["low"]

    assert ropewalk("experiments", "move", run_id[:10], "--to", "kept").out == "1 run moved to kept\n"
    assert ropewalk("experiments", "delete", run_id).out == "1 run put into the trash\n"
    assert ropewalk("experiments", "trash").out == "1 run, 0 experiments, 0 logged models would be removed\n"
    assert ropewalk("experiments", "restore", run_id).out == "1 run restored\n"
    assert ropewalk("experiments", "delete", run_id, "--for-good", "--json").json["runs"] == [run_id]
    assert ropewalk("experiments", "search", "--view", "all", "--json").json["total"] == 2


def test_empty_trash(ropewalk, project) -> None:
    """The trash is emptied on demand, however young it is."""
    ropewalk("experiments", "delete", *project.values())

    assert (
        ropewalk("experiments", "trash", "--empty").out == "3 runs, 0 experiments, 0 logged models removed\n"
    )


def test_retention(ropewalk, project) -> None:
    """What the rules would do is shown with the reason, and done on demand."""
    said = ropewalk("experiments", "retention").out
    dry = ropewalk("experiments", "retention", "--json").json

    assert "not among the best by max of auc" in said
    assert {one["run_name"] for one in dry["verdicts"]} == {"low", "middle"}
    assert dry["dry_run"]
    ropewalk("experiments", "retention", "--apply")
    assert ropewalk("experiments", "search", "--json").json["total"] == 1
    assert ropewalk("experiments", "retention").out == "no run falls under a rule\n"


def test_branch(ropewalk, project) -> None:
    """A branch's runs are shown, put away and brought back."""
    assert ropewalk("experiments", "branch", "feature").out.startswith("feature against nothing\n")
    assert len(ropewalk("experiments", "branch", "feature", "--json").json["runs"]) == 3
    assert ropewalk("experiments", "branch", "--archive").out == "no deleted branch has runs\n"
    assert ropewalk("experiments", "branch", "feature", "--archive").out == "feature: 3 runs put away\n"
    assert ropewalk("experiments", "search", "--json").json["total"] == 0
    assert ropewalk("experiments", "search", "--archived", "--json").json["total"] == 3
    assert ropewalk("experiments", "branch", "feature", "--restore").out == "3 runs of feature are back\n"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("search", "metrics.auc >"), 2, "RW151"),
        (("search", "-x", "swepe"), 3, "did you mean: sweep"),
        (("search", "--order-by", "mean(metrics.auc)"), 2, "no aggregation 'mean'"),
        (("compare", "zz"), 3, "no run whose id begins"),
        (("move", "zz", "--to", "nowhere"), 3, "no experiment 'nowhere'"),
        (("branch",), 2, "no branch is checked out"),
    ],
)
def test_mistakes(ropewalk, project, words: tuple[str, ...], code: int, said: str) -> None:
    """A mistake is told with its place or the nearest name, and has its exit code."""
    done = ropewalk("experiments", *words)

    assert (done.code, said in done.err) == (code, True)
