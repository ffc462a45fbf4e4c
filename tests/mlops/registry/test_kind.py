"""The node kind `model`: what it needs and how it registers."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace

import pytest

from ropewalk import plugins
from ropewalk.errors import Place
from ropewalk.mlops.registry import (
    INPUTS_TAG,
    ModelKind,
    UnmadeModel,
    ask_approval,
    delete_version,
    get_version,
    give_verdict,
    list_versions,
    model_history,
)
from ropewalk.mlops.registry.errors import InvalidModelName, NotApproved
from ropewalk.mlops.tracking import create_run, get_run
from ropewalk.mlops.tracking.artifacts import proxied_path
from ropewalk.mlops.tracking.logged_models import create_logged_model
from ropewalk.pipeline import Node, Output, Task, Workspace
from ropewalk.project import InvalidPython, load_project
from ropewalk.settings import load_settings
from ropewalk.store.artifacts import Artifact, put_artifact
from ropewalk.store.tracking.logged_models import NewLoggedModel

STEPS = """\
from ropewalk import Metrics, Model, Table, step

@step(model="late")
def train(flights: Table) -> Model: ...

def demand(flights: Table) -> Model: ...

def evaluate(train: Model, flights: Table) -> Metrics: ...
"""
GATES = "project: test\ngates:\n  late:\n    - {metric: evaluate.auc, min: 0.76}\n"
INPUTS = [{"table": "mart.flights", "snapshot": 14, "digest": "d"}]


def _declare(write_project, steps=STEPS, gates=GATES):
    root = write_project({"ropewalk.yaml": gates, "steps/late.py": steps})
    return {node.id: node for node in ModelKind().declare(load_project(root, plugins.sections()))}


@pytest.fixture
def workspace(write_project, environ):
    root = write_project({"ropewalk.yaml": GATES, "steps/late.py": STEPS})
    with Workspace(load_project(root, plugins.sections()), load_settings(environ)) as opened:
        yield opened


def _trained(workspace: Workspace, digest: str = "content 1") -> Output:
    """Return what a training step gives: a logged model of one file, and what it was trained on."""
    run_id = create_run(workspace, "test", "train", {}, {})
    new = NewLoggedModel(
        id="",
        experiment_id=get_run(workspace, run_id).experiment_id,
        name="model",
        model_type=None,
        source_run_id=run_id,
    )
    model = create_logged_model(workspace, new, {}, {})
    stored = workspace.objects.put_bytes(b"flavors: {}")
    with workspace.database.write() as connection:
        path = f"{proxied_path(model.artifact_uri)}/MLmodel"
        put_artifact(connection, Artifact(path, stored.digest, stored.size))
    summary = {"run_id": run_id, "model_id": model.id, "inputs": INPUTS}
    return Output(digest, f"logged_model:{model.id}", summary)


def _register(workspace: Workspace, trained: Output, name: str = "late", key: str = "key1") -> Output:
    nodes = {node.name: node for node in ModelKind().declare(workspace.project)}
    gate = Output("gate", "gate:1", {"metrics": {"evaluate.auc": 0.79, "odd": None}})
    inputs = {"train": trained, "demand": trained, "gate:late": gate}
    return ModelKind().execute(Task(nodes[name], key, inputs, {}, "run1", workspace, lambda *_: None))


def test_model_needs_its_step_and_its_gate(write_project):
    """A gated model waits for its gate, another one for its step alone."""
    nodes = _declare(write_project)

    assert {id_: [need.name for need in node.needs] for id_, node in nodes.items()} == {
        "model:late": ["train", "gate:late"],
        "model:demand": ["demand"],
    }
    assert str(nodes["model:late"].origin) == "steps/late.py:4:1"


def test_gate_for_a_model_that_no_step_makes(write_project):
    """A gate that would never be asked is an error at its place, with the nearest model."""
    with pytest.raises(UnmadeModel, match="gate 'latte' is for a model that no step makes") as caught:
        _declare(write_project, gates=GATES.replace("late:", "latte:"))

    assert (str(caught.value.place), caught.value.nearest) == ("ropewalk.yaml:3:3", "late")
    assert caught.value.hint == "models that steps make: late, demand"


def test_two_steps_of_one_model(write_project):
    """Two steps cannot both make a model; both places are told."""
    with pytest.raises(InvalidPython, match=r"'train' at steps/late\.py:4:1 and 'late'") as caught:
        _declare(write_project, STEPS.replace("def demand", "def late"))

    assert caught.value.place.line == 6


@pytest.mark.parametrize("name", ["3", "''", "['late']", "None"])
def test_name_that_is_no_text(write_project, name):
    """The option `model` is a name."""
    with pytest.raises(InvalidPython, match="must be a name"):
        _declare(write_project, STEPS.replace('"late"', name))


def test_first_registration_is_version_one(workspace):
    """The output names the version, its run and its metrics, and what it made."""
    trained = _trained(workspace)

    output = _register(workspace, trained)

    run_id = trained.summary["run_id"]
    assert (output.reference, output.digest) == ("model:late/1", "content 1")
    assert output.makes == ("model_version:late/1",)
    assert output.summary == {
        "name": "late",
        "version": 1,
        "model_id": trained.summary["model_id"],
        "run_id": run_id,
        "metrics": {"evaluate.auc": 0.79},
    }


def test_version_carries_its_lineage(workspace):
    """Tags say which run of the project and which snapshots it came from; metrics are the gate's."""
    _register(workspace, _trained(workspace))

    version = get_version(workspace, "late", "1")
    assert json.loads(version.tags[INPUTS_TAG]) == INPUTS
    assert (version.tags["ropewalk.run"], version.tags["ropewalk.step"]) == ("run1", "train")
    assert (version.node_key, version.metrics) == ("key1", {"evaluate.auc": 0.79})
    assert "ropewalk.git_commit" not in version.tags


def test_version_carries_its_commit(workspace):
    """In a repository the commit is known as well."""
    for command in (
        ["init", "-q"],
        ["-c", "user.name=t", "-c", "user.email=t@t", "commit", "-q", "--allow-empty", "-m", "x"],
    ):
        subprocess.run(["git", "-C", str(workspace.root), *command], check=True)

    _register(workspace, _trained(workspace))

    assert len(get_version(workspace, "late", "1").tags["ropewalk.git_commit"]) == 40


def test_same_content_is_the_same_version(workspace):
    """Registering again what is known makes no version and names the run that made it first."""
    first = _register(workspace, _trained(workspace))

    again = _register(workspace, _trained(workspace), key="key2")

    assert (again.reference, again.digest, again.makes) == (first.reference, first.digest, first.makes)
    assert len(list_versions(workspace, "late")) == 1


def test_other_content_is_the_next_version(workspace):
    """A model that changed is a version of its own."""
    _register(workspace, _trained(workspace))

    assert _register(workspace, _trained(workspace, "content 2")).reference == "model:late/2"


def test_ungated_model_has_no_metrics(workspace):
    """Without a gate nothing was measured that the registry could know."""
    output = _register(workspace, _trained(workspace), name="demand")

    assert (output.reference, output.summary["metrics"]) == ("model:demand/1", {})


def test_it_holds_while_the_version_is_registered(workspace):
    """A version that someone deleted is registered again."""
    output = _register(workspace, _trained(workspace))
    node = next(node for node in ModelKind().declare(workspace.project) if node.name == "late")
    assert ModelKind().holds(node, "key1", output, workspace)

    delete_version(workspace, "late", "1")

    assert not ModelKind().holds(node, "key1", output, workspace)


def test_name_that_the_registry_refuses(write_project):
    """A name that could not stand in `models:/NAME/VERSION` is the registry's error."""
    steps = STEPS.replace('"late"', '"late/flights"')
    root = write_project({"ropewalk.yaml": "project: test\n", "steps/late.py": steps})
    with (
        Workspace(load_project(root, plugins.sections()), load_settings({})) as opened,
        pytest.raises(InvalidModelName),
    ):
        _register(opened, _trained(opened), name="late/flights")


PROTECTED = "environments: {production: {protected: true}}\nregistry: {late: {approvals: {production: {}}}}\n"


def test_release_waits_for_approval(workspace, write_project):
    """What is adopted by a protected environment was approved by another person, and its alias moves with it."""
    output = _register(workspace, _trained(workspace))
    root = write_project({"ropewalk.yaml": f"project: test\n{PROTECTED}"})
    project = load_project(root, plugins.sections())
    settings = replace(workspace.settings, environment="production", author="Ann")
    node = Node("model:late", Place("steps/late.py"))
    with Workspace(project, settings) as released:
        version = get_version(released, "late", "1")
        ask_approval(released, version, "please")
        with pytest.raises(NotApproved, match="needs the approval of 1"):
            ModelKind().adopt(node, output, released)

        released.settings = replace(settings, author="Bo")
        give_verdict(released, version, "approved", "good")
        ModelKind().adopt(node, output, released)

        assert get_version(released, "late", "production").version == "1"
        assert model_history(released, "late")[-1].reason == "release applied"
