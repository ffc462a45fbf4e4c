"""Steps that make files: kept, handed on, shown in `outputs/`, and safe from those who receive them."""

from __future__ import annotations

import os
import shutil

import pytest

from ropewalk.mlops.training import StepKind, WrongProduct
from ropewalk.mlops.training.errors import UnkeptFiles
from ropewalk.pipeline import State, build_graph, execute

HEAD = "import os, pathlib, shutil, tempfile\nfrom ropewalk import Files, Metrics, step\n\n"
MAKE = (
    HEAD + "def make(*, text: str = 'one') -> Files:\n    folder = Files.folder()\n"
    "    (folder / 'sub').mkdir()\n    (folder / 'sub/a.txt').write_text(text)\n"
    "    (folder / 'b.txt').write_text('same')\n    return Files(folder)\n"
)
# A consumer that damages whatever it can.
VANDAL = """
def use(make: Files) -> Metrics:
    found = sorted(path.name for path in make.path.rglob('*'))
    for path in [path for path in make.path.rglob('*') if path.is_file()]:
        for damage in (lambda: path.write_text('damaged'), lambda: os.truncate(path, 0), path.unlink):
            try:
                damage()
            except OSError:
                os.chmod(path, 0o666)
    shutil.rmtree(make.path)
    return Metrics(found=len(found))
"""


class _Quiet:
    def started(self, *_):
        pass

    def progressed(self, *_):
        pass

    def ended(self, _):
        pass


@pytest.fixture
def run(write_project, open_workspace):
    """Return a function that writes a step file, runs its steps, and returns the workspace and results by step."""

    def run_source(source):
        workspace, kind = open_workspace(write_project({"steps/work.py": source})), StepKind()
        done = execute(build_graph(kind.declare(workspace.project)), {"step": kind}, workspace, _Quiet())
        return workspace, {node.id.partition(":")[2]: node for node in done.nodes}

    return run_source


def _shown(workspace, step="make"):
    folder = workspace.root / "outputs" / step
    return {
        path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()
    }


def test_files_are_kept_shown_and_handed_on(run):
    """Files reach the next step and the project's folder; one that damages its inputs damages nothing kept."""
    workspace, nodes = run(MAKE + VANDAL)
    made = nodes["make"].output

    assert made.summary["files"] == 2
    assert made.summary["bytes"] == len("one") + len("same")
    assert nodes["use"].output.summary["metrics"] == {"found": 3.0}
    assert _shown(workspace) == {"b.txt": "same", "sub/a.txt": "one"}
    assert StepKind().holds(None, "", made, workspace)
    assert not workspace.objects.verify().damaged
    assert not list((workspace.state / "staging").iterdir())


def test_older_files_come_back(run):
    """Going back to code that ran before shows its files again, without executing anything."""
    run(MAKE)
    newer, _ = run(MAKE.replace("'one'", "'two'"))
    before = _shown(newer)

    workspace, nodes = run(MAKE)

    assert before["sub/a.txt"] == "two"
    assert nodes["make"].state is State.RESTORED
    assert _shown(workspace)["sub/a.txt"] == "one"


def test_environments_take_turns(run, open_workspace):
    """What is shown belongs to the environment that ran last, also when that found everything fresh."""
    workspace, _ = run(MAKE)
    run(MAKE.replace("'one'", "'two'"))
    run(MAKE)
    shutil.rmtree(workspace.root / "outputs")

    _, nodes = run(MAKE)

    assert nodes["make"].state is State.HIT
    assert _shown(workspace)["sub/a.txt"] == "one"


def test_equal_files_stop_the_work(run):
    """Code that changes and makes the same files leaves what reads them fresh."""
    source = MAKE + "\ndef use(make: Files) -> Metrics:\n    return Metrics(a=1)\n"
    run(source)

    _, nodes = run(source.replace("'same'", "'sa' + 'me'"))

    assert (nodes["make"].state, nodes["use"].state) == (State.EXECUTED, State.HIT)


def test_files_that_are_gone_are_made_again(run):
    """A tree whose bytes were lost is not held."""
    workspace, nodes = run(MAKE)
    for stored, _ in list(workspace.objects.objects()):
        workspace.objects.path(stored.digest).unlink()
    is_held = StepKind().holds(None, "", nodes["make"].output, workspace)

    _, again = run(MAKE)

    assert not is_held
    assert again["make"].state is State.EXECUTED


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            "path = pathlib.Path(tempfile.mkdtemp()) / 'r.txt'; path.write_text('x'); return Files(path)",
            "r.txt",
        ),
        ("path = pathlib.Path('r.txt'); path.write_text('x'); return Files('r.txt')", "r.txt"),
        (
            "d = make.d = tempfile.TemporaryDirectory(); open(d.name + '/r.txt', 'w').write('x'); return Files(d.name)",
            "r.txt",
        ),
    ],
)
def test_files_from_anywhere(run, body, expected):
    """A file, a relative path and a temporary folder that ends with the process are kept as well."""
    workspace, nodes = run(f"{HEAD}def make() -> Files:\n    {body}\n")

    assert nodes["make"].error is None
    assert _shown(workspace) == {expected: "x"}


@pytest.mark.parametrize(
    ("body", "kind", "message"),
    [
        ("return 'a/path'", WrongProduct, "make says it returns Files and returned str; return Files(path)"),
        ("return Files('none')", WrongProduct, "make returned Files of none, where there is nothing"),
        ("f = Files.folder(); os.mkfifo(f / 'p'); return Files(f)", UnkeptFiles, "p is neither a file nor"),
        (
            "f = Files.folder(); os.symlink('/etc', f / 'l'); return Files(f)",
            UnkeptFiles,
            "l is a link to /etc",
        ),
    ],
)
def test_what_cannot_be_kept(run, body, kind, message):
    """What is no file, or leads out, is refused, and nothing is shown."""
    workspace, nodes = run(f"{HEAD}def make() -> Files:\n    {body}\n")

    assert type(nodes["make"].error) is kind
    assert message in nodes["make"].error.message
    assert not os.path.exists(workspace.root / "outputs")  # noqa: PTH110  # a link that leads nowhere is nothing too


def test_folder_outside_of_a_run():
    """In a test or a notebook a step gets a temporary folder."""
    from ropewalk import Files

    folder = Files.folder()

    assert list(folder.iterdir()) == []
    assert repr(Files(folder)) == f"Files({str(folder)!r})"
    folder.rmdir()
