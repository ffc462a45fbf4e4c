"""A step with an environment of its own runs on what its locked file says, built once and without any index."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import threading
import zipfile
from pathlib import Path

import pytest

from ropewalk.errors import Place
from ropewalk.mlops.training import StepFailed, StepKind
from ropewalk.mlops.training.errors import EnvironmentNotBuilt, NoEnvironmentTool
from ropewalk.mlops.training.step_environment import TOOL, Interpreter, interpreter_for
from ropewalk.pipeline import Node, State, Task, build_graph, execute

HEAD = "from ropewalk import Files, Metrics, Model, Table, step\n"
STEP = '\n@step(env="uv:requirements/train.txt")\n'
MAKE = f"{HEAD}{STEP}def make() -> Metrics:\n    import tiny\n    return Metrics(v=tiny.VALUE)\n"


def _has_tool():
    return bool(shutil.which(TOOL) or shutil.which(TOOL, path=str(Path(sys.executable).parent)))


pytestmark = pytest.mark.skipif(not _has_tool(), reason="uv is not installed")


def _wheel(folder: Path, value: int) -> str:
    """Write a wheel of one module and return the line that locks it."""
    version = f"1.{value}"
    info = f"tiny-{version}.dist-info"
    files = {
        "tiny.py": f"VALUE = {value}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: tiny\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{name},,\n" for name in [*files, f"{info}/RECORD"])
    path = folder / f"tiny-{version}-py3-none-any.whl"
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return f"tiny=={version} --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"


@pytest.fixture
def project(write_project):
    """Return a project with one step and the locked file of its environment, which names a wheel beside it."""
    root = write_project({"steps/work.py": MAKE})
    lock(root, 7)
    return root


def lock(root: Path, value: int) -> None:
    """Write the locked file for the module with this value."""
    line = _wheel(root / "wheels", value)
    (root / "requirements").mkdir(exist_ok=True)
    (root / "requirements/train.txt").write_text(f"--no-index\n--find-links ../wheels\n{line}")


class _Quiet:
    def started(self, *_):
        pass

    def progressed(self, *_):
        pass

    def ended(self, _):
        pass


def _run(workspace):
    graph = build_graph(StepKind().declare(workspace.project))
    done = execute(graph, {"step": StepKind()}, workspace, _Quiet())
    return {node.id.partition(":")[2]: node for node in done.nodes}


def _built(workspace):
    return [path for path in (workspace.state / "environments").iterdir() if (path / "bin/python").exists()]


@pytest.fixture
def task(project, open_workspace):
    """Return a task of the step."""
    node = Node("step:make", Place("steps/work.py"))
    return Task(node, "key", {}, {}, "run", open_workspace(project), lambda *_: None)


def test_step_runs_on_its_own_packages(project, open_workspace):
    """The step has what its file locks; another version there is a reason to run again, in another environment."""
    workspace = open_workspace(project)
    first = _run(workspace)["make"]
    again = _run(workspace)["make"]
    lock(project, 8)
    changed = _run(workspace)["make"]

    assert (first.error, first.output.summary["metrics"]) == (None, {"v": 7.0})
    # Python lists the project's folders to find the package, which is no input of the step.
    assert first.output.observed == {}
    assert again.state is State.HIT
    assert "environment requirements/train.txt" in str(changed.reasons[0])
    assert changed.output.summary["metrics"] == {"v": 8.0}
    assert len(_built(workspace)) == 2


def test_nothing_else_is_there(project, open_workspace):
    """What the engine has installed is not there, and what steps exchange works with Python alone."""
    body = (
        "    import importlib.util, pathlib, sys\n    assert 'environments' in sys.prefix\n"
        "    names = ('msgspec', 'duckdb', 'mlflow', 'pydantic')\n"
        "    assert not [name for name in names if importlib.util.find_spec(name)]\n"
    )
    source = (
        f"{HEAD}{STEP}def make() -> Files:\n{body}    folder = Files.folder()\n"
        "    (folder / 'a.txt').write_text('x')\n    return Files(folder)\n"
        f"{STEP}def use(make: Files, *, n: int = 2) -> Metrics:\n"
        "    return Metrics(n=n, size=len((make.path / 'a.txt').read_text()))\n"
        "\ndef rows() -> Table:\n    return Table.of([{'i': 1}])\n"
        f"{STEP}def needs(rows: Table) -> Metrics:\n    return Metrics(n=len(rows.df()))\n"
    )
    (project / "steps/work.py").write_text(source)
    workspace = open_workspace(project)

    nodes = _run(workspace)

    assert nodes["use"].output.summary["metrics"] == {"n": 2.0, "size": 1.0}
    assert isinstance(nodes["needs"].error, StepFailed)
    assert "No module named 'duckdb'" in nodes["needs"].error.message


def test_planning_builds_nothing(project, open_workspace):
    """A plan reads the locked file and does not look for uv."""
    workspace = open_workspace(project)

    (node,) = StepKind().declare(workspace.project)

    assert "environment requirements/train.txt" in node.facts
    assert not (workspace.state / "environments").exists()


def test_built_once_by_several_at_once(task):
    """Threads that need one environment at the same moment find the same, built once."""
    found: list[Interpreter] = []
    threads = [
        threading.Thread(target=lambda: found.append(interpreter_for(task, "requirements/train.txt")))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    (folder,) = _built(task.workspace)
    assert {interpreter.python for interpreter in found} == {str(folder / "bin/python")}
    assert not list(folder.parent.glob("new-*"))


def test_no_environment_of_its_own(task):
    """A step that names none runs where the engine does."""
    assert interpreter_for(task, None) == Interpreter(sys.executable)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("--no-index\n--find-links ../wheels\ntiny==1.7\n", "hash"),
        ("--no-index\n--find-links ../wheels\ntiny==1.7 --hash=sha256:" + "0" * 64 + "\n", "ash"),
        ("--no-index\nnothing-of-that-name==1 --hash=sha256:" + "0" * 64 + "\n", "nothing-of-that-name"),
        ("!!!\n", "Unexpected"),
    ],
)
def test_file_that_cannot_be_installed(task, content, said):
    """A file without hashes, with a wrong one, or that names nothing is told with what uv said; nothing is left."""
    (task.workspace.root / "requirements/train.txt").write_text(content)

    with pytest.raises(EnvironmentNotBuilt) as caught:
        interpreter_for(task, "requirements/train.txt")

    assert said in caught.value.detail
    assert caught.value.place == Place("requirements/train.txt")
    assert _built(task.workspace) == []


def test_uv_is_missing(task, monkeypatch):
    """Without uv the error says how to get it."""
    monkeypatch.setenv("PATH", os.devnull)
    monkeypatch.setattr(sys, "executable", "/nowhere/python")

    with pytest.raises(
        NoEnvironmentTool, match=r"uv, which makes the environment of requirements/train\.txt"
    ) as caught:
        interpreter_for(task, "requirements/train.txt")

    assert "pip install uv" in caught.value.hint
