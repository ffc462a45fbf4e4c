"""Claims about the node kind `deployment` and its section."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from ropewalk import plugins
from ropewalk.devops.serving import (
    DeploymentKind,
    Target,
    deploy,
    forget_environment,
    get_deployment,
    list_deployments,
)
from ropewalk.devops.serving.errors import ModelNotServable
from ropewalk.errors import RopewalkError
from ropewalk.mlops.registry import delete_version, get_version
from ropewalk.pipeline import Node, Output, Packed, Probe, Task, Workspace
from ropewalk.project import InvalidProjectFile, UnknownKey, load_project

from .conftest import OpenIn, SavedModel, record, register_version

KIND = DeploymentKind()


def declare(root: Path, text: str) -> list[Node]:
    (root / "ropewalk.yaml").write_text(f"project: test\ndeploy:\n  {text}\n")
    return list(KIND.declare(load_project(root, plugins.sections())))


def task(workspace: Workspace, target: Target, node: Node) -> Task:
    made = Output(target.digest, f"model:{target.model}/{target.version}")
    inputs = {"model:late": made}
    return Task(node, "key", inputs, {"model:late": "model:late"}, "run-1", workspace, lambda *_: None)


def test_a_deployment_needs_its_model(tmp_path: Path) -> None:
    """The node's facts are the model and the key; it stands where it is declared."""
    (node,) = declare(tmp_path, "late: {key: flight_id}")

    assert (node.id, node.facts) == ("deployment:late", {"model": "late", "key": "flight_id"})
    assert [need.name for need in node.needs] == ["model:late"]
    assert str(node.origin).startswith("ropewalk.yaml:3")


def test_the_model_may_have_another_name(tmp_path: Path) -> None:
    """Two deployments may serve one model."""
    (node,) = declare(tmp_path, "standby: {model: late, key: flight_id}")

    assert [need.name for need in node.needs] == ["model:late"]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("late: {}", InvalidProjectFile),
        ("late: {key: ''}", InvalidProjectFile),
        ("late: {key: id, modell: late}", UnknownKey),
        ("la-te: {key: id}", InvalidProjectFile),
        ("../late: {key: id}", InvalidProjectFile),
        ("9: {key: id}", InvalidProjectFile),
    ],
)
def test_wrong_entries_are_told_with_their_place(
    tmp_path: Path, text: str, kind: type[RopewalkError]
) -> None:
    """A missing key, an unknown one, and a name that cannot be part of an address."""
    with pytest.raises(kind) as caught:
        declare(tmp_path, text)

    assert str(caught.value.place).startswith("ropewalk.yaml:3")


def test_executing_moves_the_deployment(workspace: Workspace, late_model: SavedModel) -> None:
    """The output names the version, and holds for as long as it serves."""
    (node,) = KIND.declare(workspace.project)
    target = register_version(workspace, late_model)

    output = KIND.execute(task(workspace, target, node))

    assert output.reference == "deployment:late@1"
    assert output.summary == {"model": "late", "version": 1, "key": "flight_id"}
    assert get_deployment(workspace, "late").run_id == "run-1"
    assert KIND.holds(node, "key", output, workspace)
    assert KIND.execute(task(workspace, target, node)) == output


def test_a_recorded_output_holds_for_as_long_as_its_version_is_registered(
    workspace: Workspace, late_model: SavedModel, later_model: SavedModel
) -> None:
    """What is served now does not count: an earlier output can be made current again by `adopt`."""
    (node,) = KIND.declare(workspace.project)
    output = KIND.execute(task(workspace, register_version(workspace, late_model), node))
    deploy(workspace, "late", register_version(workspace, later_model))

    assert KIND.holds(node, "key", output, workspace)
    delete_version(workspace, "late", "1")
    assert not KIND.holds(node, "key", output, workspace)


def test_a_deployment_that_something_else_moved_does_not_hold(
    workspace: Workspace, late_model: SavedModel, later_model: SavedModel
) -> None:
    """Where the environment points at one version and serves another, the node is executed again."""
    (node,) = KIND.declare(workspace.project)
    output = KIND.execute(task(workspace, register_version(workspace, late_model), node))
    record(workspace, node.id, "key", output)
    assert KIND.holds(node, "key", output, workspace)

    deploy(workspace, "late", register_version(workspace, later_model))

    assert not KIND.holds(node, "key", output, workspace)


def test_a_key_counts_in_what_holds(workspace: Workspace, late_model: SavedModel) -> None:
    """The same version under another key is another deployment."""
    (node,) = KIND.declare(workspace.project)
    output = KIND.execute(task(workspace, register_version(workspace, late_model), node))

    other = replace(output, summary={**output.summary, "key": "id"})

    assert not KIND.holds(node, "key", other, workspace)


def test_adopting_serves_an_earlier_output(
    workspace: Workspace, late_model: SavedModel, later_model: SavedModel
) -> None:
    """The deployment goes back without a trial, and adopting twice is adopting once."""
    (node,) = KIND.declare(workspace.project)
    output = KIND.execute(task(workspace, register_version(workspace, late_model), node))
    deploy(workspace, "late", register_version(workspace, later_model))
    (workspace.state / "serving" / "late" / "1" / "model.lgb").unlink()

    for _ in range(2):
        KIND.adopt(node, output, workspace)

    served = get_deployment(workspace, "late")
    assert (served.target.version, served.revision) == (1, 3)
    assert get_version(workspace, "late", "production").version == "1"


def test_what_was_never_served_is_tried_before_it_is_adopted(
    workspace: Workspace, late_model: SavedModel, open_in: OpenIn
) -> None:
    """An output that came from elsewhere is served only once its model has predicted here."""
    (node,) = KIND.declare(workspace.project)
    target = register_version(workspace, late_model)
    output = KIND.execute(task(workspace, target, node))
    forget_environment(workspace)
    (workspace.state / "serving" / "late" / "1" / "model.lgb").write_text("broken")

    with pytest.raises(ModelNotServable, match="not a LightGBM model file") as caught:
        KIND.adopt(node, output, open_in("production"))
    # Where the deployment is declared, which is what a person can change.
    assert caught.value.place == node.origin

    assert list_deployments(open_in("production")) == []


def test_a_version_that_is_gone_cannot_be_adopted(workspace: Workspace, late_model: SavedModel) -> None:
    """The deployment keeps what it serves."""
    (node,) = KIND.declare(workspace.project)
    output = KIND.execute(task(workspace, register_version(workspace, late_model), node))
    delete_version(workspace, "late", "1")

    with pytest.raises(ModelNotServable, match="not registered here any more"):
        KIND.adopt(node, output, workspace)


def test_a_deployment_sees_nothing_outside(workspace: Workspace) -> None:
    """It depends on its model and its declaration alone."""
    (node,) = KIND.declare(workspace.project)

    assert KIND.probe(node, workspace, None) == Probe(settled=True)


def test_reading_declarations_loads_nothing_heavy() -> None:
    """The door imports neither NumPy nor HTTPX nor DuckDB, and gives what it offers at first use."""
    code = (
        "import sys, ropewalk.devops.serving as serving\n"
        "heavy = {'numpy', 'httpx', 'duckdb', 'uvicorn', 'starlette', 'structlog', 'pandas'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
        "assert all(getattr(serving, name) for name in serving.__all__)\n"
        "assert not hasattr(serving, 'nothing')\n"
    )

    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_deployment_arrives_by_its_content(
    workspace: Workspace, late_model: SavedModel, later_model: SavedModel
) -> None:
    """The version has the number that it got here, whatever it was elsewhere; nothing is served by it."""
    (node,) = KIND.declare(workspace.project)
    register_version(workspace, later_model)
    output = KIND.execute(task(workspace, register_version(workspace, late_model), node))
    forget_environment(workspace)
    elsewhere = replace(output, reference="deployment:late@9", summary={**output.summary, "version": 9})

    packed = KIND.pack(node, elsewhere, workspace)

    assert packed
    assert KIND.unpack(node, "key", packed, workspace) == output
    assert list_deployments(workspace) == []


@pytest.mark.parametrize("model", ["late", "unknown"])
def test_a_deployment_of_content_that_is_not_here_does_not_arrive(
    workspace: Workspace, late_model: SavedModel, model: str
) -> None:
    """The model must have come before."""
    (node,) = KIND.declare(workspace.project)
    register_version(workspace, late_model)
    output = Output("other", "deployment:late@1", {"model": model, "version": 1, "key": "flight_id"})

    with pytest.raises(ModelNotServable, match=f"no version of '{model}' here"):
        KIND.unpack(node, "key", Packed(output, {}), workspace)
