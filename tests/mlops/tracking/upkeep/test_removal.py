"""Removing for good: all of a run and nothing else, only from the trash, never what is needed, and resumable."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ropewalk.errors import RopewalkError
from ropewalk.mlops.tracking import (
    Metric,
    create_run,
    empty_trash,
    get_run,
    keep_run_file,
    move_runs,
    remove_runs,
    set_stage,
)
from ropewalk.mlops.tracking.artifacts import place_artifact
from ropewalk.mlops.tracking.errors import NotActive, NotInTrash, RunHeld, UnknownRun
from ropewalk.mlops.tracking.experiments import create_experiment, move_experiment
from ropewalk.mlops.tracking.logged_models import create_logged_model
from ropewalk.mlops.tracking.runs import Batch, log_batch, move_run
from ropewalk.mlops.tracking.upkeep import removal
from ropewalk.pipeline import Workspace
from ropewalk.store.deployments import Target, move_deployment
from ropewalk.store.pipeline import RunRow, start_run
from ropewalk.store.registry import NewVersion, insert_model, insert_version, set_alias
from ropewalk.store.tracking import upkeep
from ropewalk.store.tracking.logged_models import NewLoggedModel

AddRun = Callable[..., str]
TABLES = (
    "run",
    "run_param",
    "run_tag",
    "latest_metric",
    "metric_segment",
    "metric_chunk",
    "artifact",
    "doomed_run",
)


def rows(project: Workspace, *tables: str) -> dict[str, int]:
    """Return how many rows each of the tables has."""
    with project.database.read() as connection:
        return {
            table: connection.execute(f"SELECT count(*) AS n FROM {table}").fetchone()["n"]
            for table in tables
        }


def register(project: Workspace, run_id: str, source: str = "s") -> None:
    """Register a version of the model `churn` that came out of the run."""
    with project.database.write() as connection:
        insert_model(connection, "churn", None, {})
        new = NewVersion("churn", source, "l", "d", run_id=run_id or None)
        insert_version(connection, new, [])
        set_alias(connection, "churn", "champion", "1")


def test_nothing_is_left(project: Workspace, add_run: AddRun) -> None:
    """Of a run that is removed nothing stays, and of the others everything."""
    add_run()
    before = rows(project, *TABLES)
    run_id = add_run(team="risk")
    set_stage(project, [run_id], "deleted")

    emptied = remove_runs(project, [run_id])

    assert (emptied.runs, emptied.kept) == ((run_id,), ())
    assert rows(project, *TABLES) == before
    with pytest.raises(UnknownRun):
        get_run(project, run_id)


def test_only_from_the_trash(project: Workspace, add_run: AddRun) -> None:
    """A run has to be deleted first; one that there is none of is told."""
    with pytest.raises(NotInTrash, match="not in the trash"):
        remove_runs(project, [add_run()])
    with pytest.raises(UnknownRun):
        remove_runs(project, ["nobody"])


@pytest.mark.parametrize("batch", [1, 3])
def test_in_small_batches(project: Workspace, monkeypatch: pytest.MonkeyPatch, batch: int) -> None:
    """Many points and files are removed in as many transactions as it takes."""
    monkeypatch.setattr(removal, "SEGMENTS", batch)
    monkeypatch.setattr(removal, "FILES", batch)
    run_id = create_run(project, "e", "big", {}, {})
    for step in range(7):
        log_batch(project, run_id, Batch([Metric("loss", 0.5, step, step)]))
        keep_run_file(project, run_id, f"f{step}", b"x")
    set_stage(project, [run_id], "deleted")

    remove_runs(project, [run_id])

    assert set(rows(project, *TABLES).values()) == {0}


@pytest.mark.parametrize("stopped_at", ["remove_points", "remove_some_artifacts", "remove_run_row"])
def test_stopped_anywhere(
    project: Workspace, add_run: AddRun, monkeypatch: pytest.MonkeyPatch, stopped_at: str
) -> None:
    """Whoever is stopped in between leaves a run that cannot come back, and that the next collection removes."""
    run_id = add_run()
    set_stage(project, [run_id], "deleted")
    experiment = get_run(project, run_id).experiment_id
    with monkeypatch.context() as patch:
        patch.setattr(upkeep, stopped_at, stop)
        with pytest.raises(KeyboardInterrupt):
            remove_runs(project, [run_id])

    with pytest.raises(NotActive, match="removed for good"):
        set_stage(project, [run_id], "active")
    with pytest.raises(NotActive, match="removed for good"):
        move_run(project, run_id, "active")
    move_experiment(project, experiment, "deleted")
    move_experiment(project, experiment, "active")
    assert get_run(project, run_id).stage == "deleted"
    # However young it is: what was begun is ended.
    assert empty_trash(project, before_ms=0).runs == (run_id,)
    assert set(rows(project, *TABLES).values()) == {0}


def stop(*_: object) -> int:
    """End like a process that is killed."""
    raise KeyboardInterrupt


def test_age(project: Workspace, add_run: AddRun) -> None:
    """What went to the trash lately stays; deleting it once more does not make it younger."""
    run_id = add_run()
    set_stage(project, [run_id], "deleted")
    with project.database.write() as connection:
        connection.execute("UPDATE run SET deleted_at = 1000")
    move_run(project, run_id, "deleted")

    assert empty_trash(project, before_ms=1000).runs == ()
    assert empty_trash(project, before_ms=1001).runs == (run_id,)


def test_dry(project: Workspace, add_run: AddRun) -> None:
    """A dry look says the same and removes nothing."""
    run_id = add_run()
    move_experiment(project, get_run(project, run_id).experiment_id, "deleted")

    dry = empty_trash(project, is_dry=True)

    assert (dry.runs, dry.experiments) == ((run_id,), ("e",))
    assert rows(project, "run") == {"run": 1}
    assert empty_trash(project) == dry


@pytest.mark.parametrize("is_by_path", [False, True])
def test_registered_model_keeps_its_run(project: Workspace, add_run: AddRun, is_by_path: bool) -> None:
    """A run whose model is registered, also by a path only, cannot vanish: the error names version and alias."""
    run_id = add_run()
    register(project, "" if is_by_path else run_id, f"runs:/{run_id}/model" if is_by_path else "s")
    set_stage(project, [run_id], "deleted")

    with pytest.raises(RunHeld, match=r"version 1 of model churn \(champion\) needs it") as caught:
        remove_runs(project, [run_id])

    assert caught.value.hint
    assert empty_trash(project).kept[0][0] == f"run {run_id}"
    assert empty_trash(project, is_dry=True).runs == ()
    set_stage(project, [run_id], "active")


def test_version_of_a_logged_model_keeps_its_run(project: Workspace, add_run: AddRun) -> None:
    """A version that names only the logged model keeps the run that logged it."""
    run_id = add_run()
    model = create_logged_model(
        project, NewLoggedModel("", get_run(project, run_id).experiment_id, "m", None, run_id), {}, {}
    )
    with project.database.write() as connection:
        insert_model(connection, "churn", None, {})
        insert_version(connection, NewVersion("churn", "s", "l", "d", model_id=model.id), [])
    set_stage(project, [run_id], "deleted")

    with pytest.raises(RunHeld, match="version 1 of model churn"):
        remove_runs(project, [run_id])


def test_deployment_environment_and_release_keep_their_run(project: Workspace, add_run: AddRun) -> None:
    """What serves a run's model, an environment that points at what it made, and a release that names it are told."""
    run_id = add_run()
    register(project, run_id)
    move_deployment(project.database, "prod", "churn", Target("churn", 1, "d", "id"), expected=0)
    record(project, run_id)
    (project.root / "releases").mkdir()
    (project.root / "releases/prod.yaml").write_text(f"key: {'a' * 32}\n", encoding="utf-8")
    set_stage(project, [run_id], "deleted")

    with pytest.raises(RunHeld) as caught:
        remove_runs(project, [run_id])

    assert "deployment churn in prod, a release's step:a and 1 more" in caught.value.message


def record(project: Workspace, run_id: str) -> None:
    """Record that the step `a` made what `dev` points at, in this tracked run."""
    start_run(project.database, RunRow("p", "dev", "running", None, None, False, 1, None))
    output = f'{{"reference": "x", "makes": ["run:{run_id}"]}}'
    with project.database.write() as connection:
        connection.execute(
            "INSERT INTO action (key, task_key, node, facts, outside, inputs, input_references, output, run_id,"
            " cpu_ms, wall_ms, finished_at) VALUES (?, ?, 'step:a', '{}', '{}', '{}', '{}', ?, 'p', 0, 0, 1)",
            ("a" * 32, "a" * 32, output),
        )
        connection.execute(
            "INSERT INTO environment_pointer (environment, node, action_key, moved_at) VALUES ('dev', 'step:a', ?, 1)",
            ("a" * 32,),
        )


def test_experiment_goes_when_its_runs_are_gone(project: Workspace, add_run: AddRun) -> None:
    """A deleted experiment is removed with its runs, models and files; its name is free then."""
    run_id = add_run("old")
    experiment = get_run(project, run_id).experiment_id
    create_logged_model(project, NewLoggedModel("", experiment, "loose", None, None), {}, {})
    place_artifact(project, f"{experiment}/notes.txt", project.objects.put_bytes(b"n"))
    move_experiment(project, experiment, "deleted")

    emptied = empty_trash(project)

    assert (emptied.runs, emptied.experiments, emptied.models) == ((run_id,), ("old",), 1)
    assert rows(project, "artifact", "logged_model") == {"artifact": 0, "logged_model": 0}
    assert create_experiment(project, "old") != experiment


def test_experiment_with_a_needed_run_stays(project: Workspace, add_run: AddRun) -> None:
    """An experiment of which a run has to stay stays, and says why."""
    run_id = add_run("old")
    add_run("old")
    register(project, run_id)
    move_experiment(project, get_run(project, run_id).experiment_id, "deleted")

    for is_dry in (True, False):
        emptied = empty_trash(project, is_dry=is_dry)
        assert ("experiment old", "1 of its runs stay") in emptied.kept
        assert len(emptied.runs) == 1


def test_files_of_a_moved_run_stay(project: Workspace, add_run: AddRun) -> None:
    """A run that was moved away keeps its files when the experiment that they lie under goes."""
    run_id, target = add_run("old"), create_experiment(project, "target")
    experiment = get_run(project, run_id).experiment_id
    move_runs(project, [run_id], target)
    move_experiment(project, experiment, "deleted")

    assert empty_trash(project).experiments == ("old",)

    assert rows(project, "artifact") == {"artifact": 1}


def test_shared_place_stays(project: Workspace) -> None:
    """A place that somebody chose for two experiments is not emptied with one of them."""
    for name in ("a", "b"):
        create_experiment(project, name, "mlflow-artifacts:/shared")
    place_artifact(project, "shared/b.txt", project.objects.put_bytes(b"b"))
    move_experiment(project, "1", "deleted")

    assert empty_trash(project).experiments == ("a",)
    assert rows(project, "artifact") == {"artifact": 1}


def test_files_elsewhere_are_told(project: Workspace) -> None:
    """Files in a store that clients reach with their own keys are not ours to remove, and are named."""
    create_experiment(project, "far", "s3://bucket/x")
    run_id = create_run(project, "far", "r", {}, {})
    set_stage(project, [run_id], "deleted")

    assert remove_runs(project, [run_id]).elsewhere == (f"s3://bucket/x/{run_id}/artifacts",)


def test_default_experiment_stays(project: Workspace) -> None:
    """Experiment 0, which every client expects, is never removed."""
    move_experiment(project, "0", "deleted")

    assert empty_trash(project).experiments == ()


def test_objects_are_collected_after(project: Workspace, add_run: AddRun) -> None:
    """Removing takes files out of the manifest; one that another run has too stays readable."""
    first, second = add_run(name="same"), add_run(name="same")
    set_stage(project, [first], "deleted")

    remove_runs(project, [first])

    assert get_run(project, second).stage == "active"
    assert rows(project, "artifact") == {"artifact": 1}


def test_error_is_one_of_ours(project: Workspace, add_run: AddRun) -> None:
    """Of several runs one of which is needed, none is removed."""
    held, free = add_run(), add_run()
    register(project, held)
    set_stage(project, [held, free], "deleted")

    with pytest.raises(RopewalkError):
        remove_runs(project, [free, held])

    assert get_run(project, free).stage == "deleted"
