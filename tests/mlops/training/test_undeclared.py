"""What a step reads undeclared counts in its key: a change of it is a reason, and going back restores."""

from __future__ import annotations

import pytest

from ropewalk import plugins
from ropewalk.errors import Place
from ropewalk.mlops.training import StepKind
from ropewalk.mlops.training.audit import (
    LIST,
    MISSING,
    NAMED,
    READ,
    SOURCE,
    VARIABLE,
    WRITE,
    Seen,
    file_state,
    names_in,
)
from ropewalk.mlops.training.undeclared import (
    MOVED,
    code_files,
    current_inputs,
    is_of_project,
    observed_inputs,
    undeclared_summary,
)
from ropewalk.mlops.training.variables import variable_state
from ropewalk.pipeline import Node, State, Task, build_graph, execute
from ropewalk.project import load_project

HEAD = "import json\nfrom pathlib import Path\nfrom ropewalk import Metrics, Model, step\n\n"
READER = HEAD + "def make() -> Metrics:\n    return Metrics(json.load(open('conf/x.json')))\n"


class _Observer:
    def __init__(self):
        self.warnings = []

    def started(self, *_):
        pass

    def progressed(self, *_):
        pass

    def ended(self, result):
        if result.warning:
            self.warnings.append(result.warning)


@pytest.fixture
def run(write_project, open_workspace):
    """Return a function that writes files over the project and runs its steps: results by step, and the warnings."""

    def run_files(files):
        workspace, kind, observer = open_workspace(write_project(files)), StepKind(), _Observer()
        done = execute(build_graph(kind.declare(workspace.project)), {"step": kind}, workspace, observer)
        return {node.id.partition(":")[2]: node for node in done.nodes}, observer.warnings

    return run_files


def test_file_counts_from_then_on(run):
    """A file that a step opens is warned about; a change of it is the reason, and going back is no work."""
    first, warnings = run({"steps/a.py": READER, "conf/x.json": '{"a": 1}'})
    again, quiet = run({})
    changed, _ = run({"conf/x.json": '{"a": 2}'})
    back, _ = run({"conf/x.json": '{"a": 1}'})

    assert warnings == ["undeclared input conf/x.json: it now counts in the key of step make"]
    assert first["make"].output.summary["undeclared"] == ["conf/x.json"]
    assert (again["make"].state, quiet) == (State.HIT, [])
    assert [str(reason) for reason in changed["make"].reasons] == ["outside file conf/x.json: changed"]
    assert changed["make"].output.summary["metrics"] == {"a": 2.0}
    assert back["make"].state is State.RESTORED


def test_file_that_the_step_no_longer_reads(run):
    """Code that stops reading a file stops depending on it."""
    run({"steps/a.py": READER, "conf/x.json": '{"a": 1}'})
    other, warnings = run({"steps/a.py": HEAD + "def make() -> Metrics:\n    return Metrics(a=1)\n"})
    after, _ = run({"conf/x.json": '{"a": 2}'})

    assert (other["make"].output.observed, warnings) == ({}, [])
    assert after["make"].state is State.HIT


def test_module_by_a_computed_name_counts(run):
    """A module that no import statement names counts like a file; its own imports, which Python opens, as well."""
    files = {
        "steps/a.py": "import importlib\nfrom ropewalk import Metrics\n\n"
        "def make() -> Metrics:\n    return Metrics(v=importlib.import_module('plug' + 'in').VALUE)\n",
        "steps/plugin.py": "from other import VALUE\n",
        "steps/other.py": "VALUE = 1\n",
    }
    first, _ = run(files)

    changed, _ = run({"steps/other.py": "VALUE = 2\n"})

    assert first["make"].output.summary["undeclared"] == ["steps/other.py", "steps/plugin.py"]
    assert changed["make"].output.summary["metrics"] == {"v": 2.0}


def test_model_that_reads_its_tables_only(run):
    """What libraries open for themselves while a model is trained and logged is nobody's undeclared input."""
    source = (
        HEAD + "import lightgbm, mlflow, numpy\n\ndef make() -> Model:\n"
        "    rows = numpy.arange(40.0).reshape(20, 2)\n"
        "    data = lightgbm.Dataset(rows, (rows[:, 0] > 9).astype(int))\n"
        "    booster = lightgbm.train({'verbose': -1, 'num_threads': 1}, data, 1)\n"
        "    return Model(mlflow.lightgbm.log_model(booster, name='model'))\n"
    )

    nodes, warnings = run({"steps/a.py": source, "README.md": "x"})

    assert nodes["make"].error is None
    assert warnings == []


@pytest.fixture
def task(write_project, open_workspace):
    """Return a task of a step whose code is two files, in a project with a file and a folder."""
    workspace = open_workspace(write_project({"conf/x.json": "{}", "conf/y.json": "{}"}))
    places = {"code steps/a.py:make": Place("steps/a.py"), "code steps/b.py": Place("steps/b.py")}
    node = Node("step:make", Place("steps/a.py"), places={**places, "params.n": Place("steps/c.py")})
    return Task(node, "key", {}, {}, "run", workspace, lambda *_: None)


def _read(task, path):
    return Seen(READ, path, file_state(task.workspace.root / path))


def test_code_is_declared(task):
    """The files of the step's code count by what they say, not by their bytes."""
    seen = [Seen(SOURCE, path, "") for path in ("steps/a.py", "steps/b.py")]

    assert code_files(task.node) == {"steps/a.py", "steps/b.py"}
    assert observed_inputs(task, seen) == {}


def test_facts_hold_while_nothing_changes(task):
    """Files, folders and what is missing are found again as they were seen."""
    root = task.workspace.root
    seen = [
        _read(task, "conf/x.json"),
        Seen(LIST, "conf", names_in(root / "conf")),
        Seen(LIST, ".", names_in(root, is_root=True)),
        Seen(MISSING, "conf/none"),
    ]

    observed = observed_inputs(task, seen)

    assert list(observed) == ["folder .", "folder conf", "file conf/none", "file conf/x.json"]
    assert current_inputs(observed, task.workspace) == observed


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda conf: (conf / "x.json").write_text("[]"), {"file conf/x.json"}),
        (lambda conf: (conf / "x.json").unlink(), {"file conf/x.json", "folder conf"}),
        (lambda conf: (conf / "new").touch(), {"folder conf"}),
        (lambda conf: (conf / "none").touch(), {"file conf/none", "folder conf"}),
        (lambda conf: (conf / ".hidden").touch(), set()),
        (lambda conf: (conf / "x.json").touch(), set()),
        (lambda conf: conf.rename(conf.with_name("gone")), {"file conf/x.json", "folder conf"}),
    ],
)
def test_facts_tell_a_change(task, change, expected):
    """Another content, a new or missing name changes the facts it is about; another time changes nothing."""
    conf = task.workspace.root / "conf"
    seen = [_read(task, "conf/x.json"), Seen(LIST, "conf", names_in(conf)), Seen(MISSING, "conf/none")]
    before = observed_inputs(task, seen)
    change(conf)

    after = current_inputs(before, task.workspace)

    assert {name for name in before if before[name] != after[name]} == expected


@pytest.mark.parametrize("change", [lambda path: path.write_text("[1]"), lambda path: path.unlink()])
def test_input_that_changes_while_the_step_runs(task, change):
    """What the step, or anybody, changed after it was read is never taken for what was read."""
    seen = [_read(task, "conf/x.json")]
    change(task.workspace.root / "conf/x.json")

    observed = observed_inputs(task, seen)

    assert observed == {"file conf/x.json": MOVED}
    assert current_inputs(observed, task.workspace) != observed


def test_own_files_are_no_inputs(task):
    """What the step wrote first is its own."""
    assert observed_inputs(task, [Seen(WRITE, "conf/x.json")]) == {}


@pytest.mark.parametrize(
    ("observed", "warning"),
    [
        ({}, None),
        ({"file a": MISSING}, None),
        ({"file a b": "1"}, "undeclared input a b: it now counts in the key of step make"),
        ({"file a": "1", "folder b": "2"}, "undeclared inputs a, b: they now count in the key of step make"),
        ({f"file {n}": "1" for n in range(5)}, "undeclared inputs 0, 1, 2 and 2 more: they now count in the"),
    ],
)
def test_warning(observed, warning):
    """One sentence names what to declare; what was looked for in vain is nothing to declare."""
    said = undeclared_summary("make", observed).get("warning")

    assert said == warning or said.startswith(warning)


def test_declaring_does_not_look(write_project, run):
    """The facts of a plan are those of the files, whatever was seen: they are asked for when it is made."""
    run({"steps/a.py": READER, "conf/x.json": '{"a": 1}'})
    project = load_project(write_project({}), plugins.sections())

    (node,) = StepKind().declare(project)

    assert not [name for name in node.facts if "conf" in name]


def test_code_that_is_read_as_a_text(task):
    """A step that opens a file of its code, rather than import it, sees every character of it."""
    path = task.workspace.root / "steps/a.py"
    path.parent.mkdir()
    path.write_text("# One.")

    assert list(observed_inputs(task, [Seen(SOURCE, "steps/a.py"), _read(task, "steps/a.py")])) == [
        "file steps/a.py"
    ]


def test_file_that_a_program_made(task):
    """Of files that are named to a program, one that it left as it was is an input, and one that it wrote its own."""
    path = task.workspace.root / "conf/y.json"
    seen = [
        Seen(NAMED, name, file_state(task.workspace.root / name)) for name in ("conf/x.json", "conf/y.json")
    ]
    path.write_text("written by it")

    assert list(observed_inputs(task, seen)) == ["file conf/x.json"]


def test_variables(task, monkeypatch):
    """A variable that the code asks for counts by its value; the engine's own and secrets do not."""
    monkeypatch.setenv("RATE", "2")
    names = ("RATE", "MLFLOW_RUN_ID", "SHOP_TOKEN", "PATH")

    observed = observed_inputs(
        task, [Seen(VARIABLE, name, variable_state(name, {"RATE": "2"})) for name in names]
    )

    assert list(observed) == ["variable RATE"]
    assert current_inputs(observed, task.workspace) == observed
    monkeypatch.setenv("RATE", "3")
    assert current_inputs(observed, task.workspace) != observed
    monkeypatch.setenv("RATE", "postgresql://me:secret@host/db")
    assert current_inputs(observed, task.workspace) == {"variable RATE": MOVED}
    assert undeclared_summary("a", observed)["warning"].startswith("undeclared input variable RATE: it now")
    assert is_of_project(observed, task.workspace)
    assert not is_of_project({"variable COLUMNS": "x"}, task.workspace)


UNSEEN = """
import multiprocessing, os, subprocess, sys
from pathlib import Path
import duckdb
from ropewalk import Metrics, step

CSV = Path(__file__).parent.parent / "data" / "constant.csv"

def value(_):
    return int(Path("data/worker.txt").read_text())

@step
def make() -> Metrics:
    found = [os.environ.get("RATE_OF_THE_TEST") or 0, Path("data/override.txt").exists()]
    found.append(duckdb.sql("SELECT sum(x) FROM 'data/named.csv'").fetchone()[0])
    found.append(duckdb.read_csv(str(CSV)).fetchone()[0])
    found.append(subprocess.check_output([sys.executable, "tool.py"]))
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        found += pool.map(value, [1])
    return Metrics({str(n): float(item) for n, item in enumerate(found)})
"""


def test_what_raises_no_event_in_the_step(run, monkeypatch):
    """Native readers, variables, programs, and workers started anew: what they read counts, each by itself."""
    monkeypatch.setenv("RATE_OF_THE_TEST", "1")
    data = {"data/named.csv": "x\n1\n", "data/constant.csv": "x\n1\n", "data/worker.txt": "1"}
    tool = {"tool.py": "from tool_part import V\nprint(V)\n", "tool_part.py": "V = 1\n"}
    first, _ = run({"steps/unseen.py": UNSEEN, **data, **tool})
    assert first["make"].error is None

    observed = first["make"].output.observed
    same, _ = run({})

    assert same["make"].state is State.HIT
    assert set(observed) >= {f"file {name}" for name in (*data, *tool, "data/override.txt")}
    assert "variable RATE_OF_THE_TEST" in observed


def test_folder_that_the_step_filled(task):
    """A folder in which all is the step's own work is no input; one in which something else lies is."""
    own = [Seen(WRITE, "report/a.txt"), Seen(WRITE, "report/deep/b.txt")]

    assert observed_inputs(task, [*own, Seen(LIST, "report", "a.txt\ndeep")]) == {}
    assert list(observed_inputs(task, [*own, Seen(LIST, "report", "a.txt\ndeep\nold.txt")])) == [
        "folder report"
    ]


COMPILED = """
import os, py_compile, subprocess, sys
from pathlib import Path
from ropewalk import Metrics, step

@step
def make() -> Metrics:
    kit = Path("kit.py")
    kit.write_text("VALUE = 1 ")
    py_compile.compile("kit.py")
    stat = kit.stat()
    kit.write_text("VALUE = 2 ")
    os.utime(kit, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    return Metrics(value=int(subprocess.check_output([sys.executable, "-c", "import kit; print(kit.VALUE)"])))
"""


def test_a_python_of_the_step_does_not_believe_compiled_code(run):
    """It imports the project's modules from source, as the step itself does."""
    made, _ = run({"steps/make.py": COMPILED})

    assert made["make"].error is None
    assert made["make"].output.summary["metrics"] == {"value": 2.0}
