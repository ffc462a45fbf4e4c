"""A folder `mlruns` that MLflow's client wrote moves in as it is, once."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ropewalk.mlops.migration import FolderSource, import_source
from ropewalk.mlops.migration.errors import InvalidExport, NoSuchSource
from ropewalk.mlops.registry import get_model, get_version, materialise, model_history, version_content
from ropewalk.mlops.tracking import get_run, list_experiments, metric_history
from ropewalk.pipeline import Workspace
from ropewalk.store.imports import list_run_ids
from ropewalk.store.tracking.experiments import find_experiment_by_name
from ropewalk.store.tracking.values import Run

OpenProject = Callable[..., Workspace]


def _run(project: Workspace, place: int = 0) -> Run:
    with project.database.read() as connection:
        experiment = find_experiment_by_name(connection, "flights")
        assert experiment is not None
        ids = list_run_ids(connection, experiment.id)
    runs = sorted((get_run(project, identifier) for identifier in ids), key=lambda run: run.name != "one")
    return runs[place]


def test_import(open_project: OpenProject, written: Path) -> None:
    """Everything is brought in, and both sides are alike."""
    outcome = import_source(open_project("moved"), FolderSource(written))

    counts = {kind: (tally.there, tally.added) for kind, tally in outcome.tallies.items()}
    assert outcome.differing == []
    assert counts == {
        "experiments": (3, 2),
        "runs": (2, 2),
        "points": (33, 33),
        "files": (2, 2),
        "logged models": (1, 1),
        "registered models": (2, 2),
        "versions": (2, 2),
    }


def test_run_is_the_same(open_project: OpenProject, written: Path) -> None:
    """A run keeps its id, times, parameters, tags, data sets, models and every point."""
    project = open_project("moved")
    import_source(project, FolderSource(written))

    run = _run(project)

    assert (written / run.experiment_id / run.id).is_dir()
    assert (run.name, run.status, run.params, run.tags["deep/tag"]) == (
        "one",
        "FINISHED",
        {"note": "two\nlines"},
        "ünïcode",
    )
    assert [(item.name, dict(item.tags)) for item in run.datasets] == [
        ("flights", {"mlflow.data.context": "train"})
    ]
    assert [point.value for point in metric_history(project, run.id, "loss")] == [
        1 / (n + 1) for n in range(30)
    ]
    assert math.isnan(run.metrics["undefined"].value)


def test_deleted_stays_deleted(open_project: OpenProject, written: Path) -> None:
    """What was in the trash there is in the trash here."""
    project = open_project("moved")
    import_source(project, FolderSource(written))

    with project.database.read() as connection:
        gone = find_experiment_by_name(connection, "gone")

    assert gone is not None
    assert gone.stage == "deleted"
    assert _run(project, 1).stage == "deleted"
    assert "gone" not in [experiment.name for experiment in list_experiments(project)]


def test_registry_is_the_same(open_project: OpenProject, written: Path, tmp_path: Path) -> None:
    """A version keeps number, stage, tags and aliases, and its files are those of the model it is of."""
    project = open_project("moved")
    import_source(project, FolderSource(written))

    version = get_version(project, "late", "champion")
    materialise(project, version, tmp_path / "model")

    assert (version.version, version.stage, version.tags, version.run_id) == (
        "1",
        "Staging",
        {"k": "v"},
        _run(project).id,
    )
    assert (tmp_path / "model" / "MLmodel").read_text(encoding="utf-8") == "flavors: {}\n"
    assert get_version(project, "greet", "1").tags["mlflow.prompt.text"] == "hi {{x}}"
    assert str(written) not in version.location + version.source
    assert {event.what for event in model_history(project, "late")} == {"registered", "alias moved"}


def test_import_again(open_project: OpenProject, written: Path) -> None:
    """A second import adds nothing and finds both sides alike."""
    project = open_project("moved")
    first = import_source(project, FolderSource(written))

    again = import_source(project, FolderSource(written))

    assert {kind: tally.added for kind, tally in again.tallies.items()} == dict.fromkeys(again.tallies, 0)
    assert (again.differing, again.digest) == ([], first.digest)


def test_resume(open_project: OpenProject, written: Path, tmp_path: Path) -> None:
    """An import that breaks off keeps what it brought in, and goes on when it is started again."""
    project, copy = open_project("moved"), tmp_path / "mlruns"
    shutil.copytree(written, copy)
    meta = next(copy.glob("models/late/version-1/meta.yaml"))
    whole = meta.read_text(encoding="utf-8")
    meta.write_text("- broken", encoding="utf-8")
    with pytest.raises(InvalidExport, match="must be a mapping"):
        import_source(project, FolderSource(copy))

    meta.write_text(whole, encoding="utf-8")
    outcome = import_source(project, FolderSource(copy))

    assert outcome.differing == []
    assert (outcome.tallies["runs"].added, outcome.tallies["versions"].added) == (0, 1)


def test_a_difference_is_told(open_project: OpenProject, written: Path, tmp_path: Path) -> None:
    """A run that went on after the first import is not taken for the same."""
    project, copy = open_project("moved"), tmp_path / "mlruns"
    shutil.copytree(written, copy)
    import_source(project, FolderSource(copy))
    run = _run(project)
    with (copy / run.experiment_id / run.id / "metrics" / "loss").open("a", encoding="utf-8") as series:
        series.write("2000 0.001 99\n")

    assert import_source(project, FolderSource(copy)).differing == [f"run {run.id}"]


def test_another_experiment_has_the_id(open_project: OpenProject, written: Path) -> None:
    """An experiment whose id is taken gets another one, which is said; its runs keep theirs."""
    project = open_project("moved")
    identifier = next(path.parent.parent.name for path in written.glob("*/tags/team"))
    with project.database.write() as connection:
        connection.execute(
            "INSERT INTO experiment (id, name, artifact_location, stage, created_at, updated_at)"
            " VALUES (?, 'mine', 'mlflow-artifacts:/x', 'active', 0, 0)",
            (int(identifier),),
        )

    outcome = import_source(project, FolderSource(written))

    assert outcome.differing == []
    assert any(f"another one has the id {identifier}" in note for note in outcome.notes)
    assert _run(project).experiment_id != identifier


def test_protected_alias_is_left_alone(open_project: OpenProject, written: Path) -> None:
    """An import is no way around a release."""
    project = open_project("moved", "environments: {production: {protected: true}}\n")

    outcome = import_source(project, FolderSource(written))

    assert outcome.differing == []
    assert get_model(project, "late").aliases == {"champion": "1"}
    assert any("only a release moves it" in note for note in outcome.notes)


@pytest.mark.parametrize("folder", ["nowhere", "."])
def test_no_mlruns(folder: str, tmp_path: Path) -> None:
    """A folder that is none, or has no experiment, is refused."""
    with pytest.raises(NoSuchSource):
        FolderSource(tmp_path / folder)


@pytest.mark.parametrize(
    ("path", "text", "said"),
    [
        ("RUN/metrics/loss", "not a point\n", "is no time, value and step"),
        ("RUN/meta.yaml", "status: 9\nrun_id: a\n", "is no status of a run"),
        ("RUN/meta.yaml", "status: 3\nrun_id: ../../x\n", "is no id of a run"),
        ("EXPERIMENT/meta.yaml", "experiment_id: '7'\n", "has no name"),
        ("models/late/meta.yaml", "a: [", "is no YAML"),
    ],
)
def test_damaged(
    path: str, text: str, said: str, open_project: OpenProject, written: Path, tmp_path: Path
) -> None:
    """What is not as MLflow writes it is named with its file."""
    copy = tmp_path / "mlruns"
    shutil.copytree(written, copy)
    run = next(copy.glob("[1-9]*/*/metrics/loss")).parent.parent
    named = path.replace("RUN", run.relative_to(copy).as_posix()).replace("EXPERIMENT", run.parent.name)
    (copy / named).write_text(text, encoding="utf-8")

    with pytest.raises(InvalidExport, match=said):
        import_source(open_project("moved"), FolderSource(copy))


def test_links_are_not_followed(open_project: OpenProject, written: Path, tmp_path: Path) -> None:
    """A link among the artifacts brings nothing of the machine in."""
    copy, secret = tmp_path / "mlruns", tmp_path / "secret"
    secret.write_text("key", encoding="utf-8")
    shutil.copytree(written, copy)
    notes = next(copy.glob("*/*/artifacts/notes"))
    (notes / "link.txt").symlink_to(secret)
    (notes.parent / "folder").symlink_to(tmp_path)

    outcome = import_source(open_project("moved"), FolderSource(copy))

    assert outcome.tallies["files"].there == 2


def test_a_version_without_files(open_project: OpenProject, written: Path, tmp_path: Path) -> None:
    """A version whose files lie elsewhere is told of, and no path of that machine is handed out."""
    copy, project = tmp_path / "mlruns", open_project("moved")
    shutil.copytree(written, copy)
    meta = copy / "models" / "late" / "version-1" / "meta.yaml"
    text = meta.read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith(("source", "storage", "model_id"))]
    meta.write_text("\n".join([*lines, "source: /elsewhere/model"]), encoding="utf-8")

    outcome = import_source(project, FolderSource(copy))

    version = get_version(project, "late", "1")
    assert any("its files are not among" in note for note in outcome.notes)
    assert version_content(project, version)[1] == ()
    assert "ann" not in version.location + version.source
