"""Claims about the node kind `deployment` and its section."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ropewalk.devops.serving import SECTION, DeploymentKind, Target, deploy, get_deployment
from ropewalk.errors import RopewalkError
from ropewalk.pipeline import Node, Output, Probe, Task, Workspace
from ropewalk.project import InvalidProjectFile, UnknownKey, load_project
from ropewalk.store.deployments import move_deployment

from .conftest import SavedModel, register_version

KIND = DeploymentKind()


def declare(root: Path, text: str) -> list[Node]:
    (root / "ropewalk.yaml").write_text(f"project: test\ndeploy:\n  {text}\n")
    return list(KIND.declare(load_project(root, [SECTION])))


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


def test_a_deployment_that_was_moved_does_not_hold(
    workspace: Workspace, late_model: SavedModel, later_model: SavedModel
) -> None:
    """After a move to another version the node is stale, and its digest another."""
    (node,) = KIND.declare(workspace.project)
    output = KIND.execute(task(workspace, register_version(workspace, late_model), node))
    deploy(workspace, "late", register_version(workspace, later_model))

    assert not KIND.holds(node, "key", output, workspace)


def test_a_key_counts_in_what_holds(workspace: Workspace) -> None:
    """The same version under another key is another deployment."""
    (node,) = KIND.declare(workspace.project)
    target = Target("late", 1, "digest", "flight_id")
    move_deployment(workspace.database, "late", target, expected=0)

    assert not KIND.holds(node, "key", Output("other digest", "deployment:late@1"), workspace)


def test_a_deployment_sees_nothing_outside(workspace: Workspace) -> None:
    """It depends on its model and its declaration alone."""
    (node,) = KIND.declare(workspace.project)

    assert KIND.probe(node, workspace, None) == Probe()


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
