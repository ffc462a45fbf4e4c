"""Steps run as tracked processes, and what they made is found again."""

from __future__ import annotations

import pytest

from ropewalk import plugins
from ropewalk.mlops.tracking import get_run
from ropewalk.mlops.training import InvalidStep, StepFailed, StepKind, StepTimedOut, WrongProduct
from ropewalk.mlops.training.errors import StepKilled
from ropewalk.pipeline import Limits, State, Workspace, build_graph, execute
from ropewalk.project import load_project
from ropewalk.settings import load_settings

HEAD = "from ropewalk import Metrics, Model, Table, step\n"
MODEL = (
    HEAD
    + '''
import lightgbm as lgb
import mlflow
import numpy as np

ROWS = 200


@step(model="small")
def train(*, leaves: int = 4) -> Model:
    """Train on made-up rows."""
    rows = np.arange(ROWS * 2, dtype=float).reshape(ROWS, 2) % 17
    options = {"objective": "binary", "num_leaves": leaves, "seed": 1, "verbose": -1, "num_threads": 1}
    booster = lgb.train(options, lgb.Dataset(rows, (rows[:, 0] > 8).astype(int)), 5)
    return Model(mlflow.lightgbm.log_model(booster, name="model", pip_requirements=["lightgbm"]))


@step
def judge(train: Model) -> Metrics:
    return Metrics(trees=train.load().num_trees(), described=(train.path / "MLmodel").is_file())
'''
)


class _Quiet:
    def started(self, *_):
        pass

    def progressed(self, *_):
        pass

    def ended(self, _):
        pass


@pytest.fixture
def run(write_project, open_workspace):
    """Return a function that runs the steps of one file and returns workspace and results by step."""

    def run_steps(source: str):
        workspace = open_workspace(write_project({"steps/work.py": source}))
        return workspace, _execute(workspace)

    return run_steps


def _execute(workspace):
    kind = StepKind()
    graph = build_graph(kind.declare(workspace.project))
    result = execute(graph, {"step": kind}, workspace, _Quiet())
    return {node.id.partition(":")[2]: node for node in result.nodes}


def _declare(write_project, source: str):
    root = write_project({"steps/work.py": source})
    return {node.name: node for node in StepKind().declare(load_project(root, plugins.sections()))}


def test_facts_name_code_parameters_and_packages(write_project):
    """A step's definition is told in named parts, each with its place."""
    node = _declare(write_project, MODEL)["train"]

    assert {
        "code steps/work.py:train",
        "code steps/work.py:ROWS",
        "params.leaves",
        "packages needed",
        "makes",
        "python",
    } <= node.facts.keys()
    assert node.facts["package lightgbm"][0].isdigit()
    assert str(node.places["params.leaves"]).startswith("steps/work.py:")
    lines = MODEL.splitlines()
    assert lines[node.places["code steps/work.py:ROWS"].line - 1] == "ROWS = 200"
    assert lines[node.places["code steps/work.py:train"].line - 1].startswith("def train(")


def test_comment_and_docstring_are_no_change(write_project):
    """Comments and docstrings do not make a step stale; a constant it uses does."""
    before = _declare(write_project, MODEL)["train"].facts
    reworded = _declare(write_project, MODEL.replace("made-up rows", "rows of our own  # yes"))["train"].facts
    changed = _declare(write_project, MODEL.replace("ROWS = 200", "ROWS = 300"))["train"].facts

    assert reworded == before
    assert changed != before


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Return the workspace and the results by step of one model that was trained and judged."""
    root = tmp_path_factory.mktemp("project")
    (root / "steps").mkdir()
    (root / "steps/work.py").write_text(MODEL)
    (root / "ropewalk.yaml").write_text("project: test\n")
    with Workspace(load_project(root, plugins.sections()), load_settings({})) as workspace:
        yield workspace, _execute(workspace)


def test_model_and_metrics_steps(trained):
    """A trained model reaches the next step; parameters, metrics and model are tracked."""
    workspace, nodes = trained

    made, judged = nodes["train"].output, nodes["judge"].output
    tracked = get_run(workspace, judged.summary["run_id"])
    assert made.reference == f"logged_model:{made.summary['model_id']}"
    assert judged.summary["metrics"] == {"trees": 5.0, "described": 1.0}
    assert tracked.status == "FINISHED"
    assert StepKind().holds(None, "", made, workspace)


def test_model_whose_files_are_gone_is_not_held(trained):
    """A model without its bytes is stale, whatever the record says."""
    workspace, nodes = trained
    folder = workspace.objects.folder
    aside = folder.rename(folder.with_name("aside"))

    held = StepKind().holds(None, "", nodes["train"].output, workspace)

    aside.rename(folder)
    assert not held


def test_log_has_no_dead_links(trained):
    """The client's link to an endpoint that ended with the run is not printed."""
    workspace, _ = trained

    logs = [path.read_text() for path in workspace.state.glob("logs/*/*.log")]

    assert len(logs) == 2
    assert not any("http://" in text for text in logs)


def test_failing_step(run):
    """A step that raises names the user's own line, and its tracked run says failed."""
    source = (
        HEAD
        + "def helper():\n    raise KeyError('gone')\n\n\ndef make() -> Metrics:\n    print('so far')\n    helper()\n"
    )

    _, nodes = run(source)

    error = nodes["make"].error
    assert isinstance(error, StepFailed)
    assert str(error.place) == "steps/work.py:3"
    assert "so far" in error.detail
    assert "KeyError" in error.message


def test_dying_process(run):
    """A process that dies without a word is told by its exit code or signal."""
    _, nodes = run(HEAD + "import os\n\ndef make() -> Metrics:\n    os.kill(os.getpid(), 11)\n")

    assert isinstance(nodes["make"].error, StepKilled)
    assert "signal 11" in nodes["make"].error.message


def test_timeout(run):
    """A step that runs too long is ended and says after how many seconds."""
    source = HEAD + 'import time\n\n@step(timeout="2s")\ndef make() -> Metrics:\n    time.sleep(60)\n'

    _, nodes = run(source)

    assert isinstance(nodes["make"].error, StepTimedOut)
    assert "2 s" in nodes["make"].error.message


def test_wrong_product(run):
    """A step that returns something else than it says is refused."""
    _, nodes = run(HEAD + "def make() -> Metrics:\n    return [1]\n")

    assert isinstance(nodes["make"].error, WrongProduct)
    assert nodes["make"].state is State.FAILED


@pytest.mark.parametrize(
    ("decorator", "message", "nearest"),
    [
        ("@step(modle='x')", "@step has no option 'modle'", "model"),
        ("@step(timeout='5 parsecs')", "timeout '5 parsecs' is not a duration", None),
        ("@step(timeout=5)", "option 'timeout' of @step must be a text, not 5", None),
    ],
)
def test_wrong_option_is_found_while_planning(write_project, decorator, message, nearest):
    """A slip in an option is told at the step's place, before anything runs."""
    with pytest.raises(InvalidStep) as caught:
        _declare(write_project, f"{HEAD}\n{decorator}\ndef make() -> Metrics: ...\n")

    assert caught.value.message == message
    assert caught.value.nearest == nearest
    assert caught.value.place.path == "steps/work.py"


def test_limits_are_no_change(write_project):
    """How a step may be executed reaches the engine, and is no reason to execute it."""
    source = HEAD + "\n@step({})\ndef make(*, rounds: int = 3) -> Metrics: ...\n"

    bare = _declare(write_project, source.format(""))["make"]
    limited = _declare(write_project, source.format("cpu=2, memory='1GB', retries=1, timeout='9m'"))["make"]

    assert limited.facts == bare.facts
    assert limited.limits == Limits(cpu=2, memory=10**9, retries=1)


def test_pool_must_be_declared(write_project):
    """A step may only take a place in a pool that the project has."""
    files = {"ropewalk.yaml": "project: test\npools: {shop: 3}\n"}
    write_project({**files, "steps/work.py": HEAD + "@step(pool='shop')\ndef make() -> Metrics: ...\n"})
    root = write_project({**files, "steps/more.py": HEAD + "@step(pool='shp')\ndef more() -> Metrics: ...\n"})

    with pytest.raises(InvalidStep) as caught:
        list(StepKind().declare(load_project(root, plugins.sections())))

    assert (caught.value.nearest, str(caught.value.place)) == ("shop", "steps/more.py:3:1")


def test_default_is_told_once(write_project):
    """A changed default is a changed parameter, and no change of code."""
    source = HEAD + "\ndef make(*, rounds: int = 3) -> Metrics: ...\n"

    before = _declare(write_project, source)["make"].facts
    after = _declare(write_project, source.replace("3", "4"))["make"].facts

    assert {name for name in after if before[name] != after[name]} == {"params.rounds"}


@pytest.mark.parametrize(
    ("option", "fact"),
    [("version='2'", "version"), ("env='uv:t.txt'", "environment t.txt")],
)
def test_options_that_count(write_project, option, fact):
    """What decides about the content is in the key."""
    write_project({"t.txt": "numpy==1\n"})

    facts = _declare(write_project, HEAD + f"@step({option})\ndef make() -> Metrics: ...\n")["make"].facts

    assert fact in facts


def test_product_counts(write_project):
    """What a step makes is part of its definition, though annotations are not part of its code."""
    source = HEAD + "\n@step\ndef make() -> Metrics: ...\n"

    before = _declare(write_project, source)["make"].facts
    after = _declare(write_project, source.replace("-> Metrics", "-> Model"))["make"].facts

    assert {name for name in after if before[name] != after[name]} == {"makes"}


def test_another_version_is_a_change(write_project):
    """Whoever wants a step to run again although its code is the same says so by its version."""
    source = HEAD + "\n@step(version='{}')\ndef make() -> Metrics: ...\n"

    one, two = (_declare(write_project, source.format(number))["make"].facts for number in (1, 2))

    assert "version" in {name for name in one if one[name] != two[name]}
