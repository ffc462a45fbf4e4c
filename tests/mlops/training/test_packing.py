"""What a step made travels to another project, with its tracked run, and nothing damaged is let in."""

from __future__ import annotations

import dataclasses
import json
import shutil

import pytest

from ropewalk import plugins
from ropewalk.dataops.lake import open_lake
from ropewalk.errors import RopewalkError
from ropewalk.mlops.tracking import get_logged_model, get_run, metric_history
from ropewalk.mlops.training import StepKind
from ropewalk.mlops.training.errors import DamagedFiles
from ropewalk.mlops.training.packing import RUN
from ropewalk.pipeline import ObjectMissing, Workspace, build_graph, execute
from ropewalk.project import load_project
from ropewalk.settings import load_settings

SOURCE = """
import lightgbm, mlflow, numpy
from ropewalk import Files, Metrics, Model, Table, step

@step
def train(*, leaves: int = 4) -> Model:
    rows = numpy.arange(40.0).reshape(20, 2)
    data = lightgbm.Dataset(rows, (rows[:, 0] > 9).astype(int))
    booster = lightgbm.train({'verbose': -1, 'num_threads': 1}, data, 1)
    for epoch in range(3):
        mlflow.log_metric('loss', 1 / (epoch + 1), step=epoch)
    return Model(mlflow.lightgbm.log_model(booster, name='model', pip_requirements=['lightgbm']))

def judge() -> Metrics:
    return Metrics(auc=0.75)

def rows() -> Table:
    return Table.of([{'i': 1}, {'i': 2}])

def report() -> Files:
    (folder := Files.folder()).joinpath('a.txt').write_text('hello')
    return Files(folder)

@step
def effect():
    pass
"""


class _Quiet:
    def started(self, *_):
        pass

    def progressed(self, *_):
        pass

    def ended(self, _):
        pass


def _open(root):
    root.mkdir(exist_ok=True)
    (root / "ropewalk.yaml").write_text("project: test\n")
    return Workspace(load_project(root, plugins.sections()), load_settings({}))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Return a workspace in which one step of each kind has run, the nodes and the outputs by name."""
    root = tmp_path_factory.mktemp("here")
    (root / "steps").mkdir()
    (root / "steps/work.py").write_text(SOURCE)
    with _open(root) as workspace:
        graph = build_graph(StepKind().declare(workspace.project))
        results = execute(graph, {"step": StepKind()}, workspace, _Quiet())
        outputs = {node.id.partition(":")[2]: node.output for node in results.nodes}
        yield workspace, {node.name: node for node in graph.nodes.values()}, outputs


@pytest.fixture
def there(tmp_path):
    """Return the workspace of another machine."""
    with _open(tmp_path / "there") as workspace:
        yield workspace


@pytest.fixture
def send(made, there):
    """Return a function that packs a step's product and takes its objects to the other machine."""
    here, nodes, outputs = made

    def pack(name):
        packed = StepKind().pack(nodes[name], outputs[name], here)
        for digest in packed.objects.values():
            there.objects.put_file(here.objects.path(digest))
        return nodes[name], packed

    return pack


@pytest.mark.parametrize("name", ["train", "judge", "rows", "report"])
def test_product_is_held_on_the_other_side(send, there, made, name):
    """Unpacked, also twice, a product is there, has the same digest, and its tracked run is finished."""
    node, packed = send(name)
    for _ in range(2):
        output = StepKind().unpack(node, "the key", packed, there)

    assert output.digest == made[2][name].digest
    assert StepKind().holds(node, "the key", output, there)
    assert get_run(there, output.summary["run_id"]).status == "FINISHED"


def test_model_comes_with_all_that_was_logged(send, there, made):
    """The run has its parameters, tags and every point; the model is the one that was logged."""
    here, _, outputs = made
    output = StepKind().unpack(*_with_key(send("train")), there)

    run, before = (get_run(place, outputs["train"].summary["run_id"]) for place in (there, here))
    assert (run.params, run.tags, run.name) == (before.params, before.tags, before.name)
    assert [point.value for point in metric_history(there, run.id, "loss")] == [1.0, 0.5, 1 / 3]
    assert [use.model_id for use in run.models] == [output.summary["model_id"]]
    assert get_logged_model(there, output.summary["model_id"]).status == "LOGGED_MODEL_READY"


def _with_key(sent):
    node, packed = sent
    return node, "the key", packed


def test_table_is_in_the_lake(send, there):
    """The rows stand in the lake of the other machine, at a snapshot of its own."""
    StepKind().unpack(*_with_key(send("rows")), there)

    assert open_lake(there).cursor().execute("FROM steps.rows ORDER BY i").fetchall() == [(1,), (2,)]


def test_files_are_shown_when_adopted(send, there):
    """What came from elsewhere stands in `outputs/` like what was made here."""
    node, packed = send("report")
    StepKind().adopt(node, StepKind().unpack(node, "key", packed, there), there)

    assert (there.root / "outputs/report/a.txt").read_text() == "hello"


def test_effect_stays_where_it_is(made):
    """A step that is run for its effect has nothing to take along."""
    here, nodes, outputs = made

    assert StepKind().pack(nodes["effect"], outputs["effect"], here) is None


def test_product_that_is_gone_cannot_be_packed(made, there):
    """Packing what is not there fails."""
    _, nodes, outputs = made

    with pytest.raises(RopewalkError):
        StepKind().pack(nodes["train"], outputs["train"], there)


@pytest.mark.parametrize("name", ["train", "judge", "rows", "report"])
def test_other_content_is_refused(send, there, made, name):
    """A packed product with another digest than its content's is refused, and leaves no run."""
    node, packed = send(name)
    wrong = dataclasses.replace(packed, output=dataclasses.replace(packed.output, digest="0" * 32))

    with pytest.raises(RopewalkError, match=r"not what its digest says|not those that were packed"):
        StepKind().unpack(node, "key", wrong, there)

    with pytest.raises(RopewalkError, match="not found"):
        get_run(there, made[2][name].summary["run_id"])


def test_file_of_a_model_that_was_exchanged(send, there):
    """A model with another file's bytes is another model."""
    node, packed = send("train")
    evil = there.objects.put_bytes(b"tree\n").digest
    name = next(name for name in packed.objects if name.endswith(".lgb"))

    with pytest.raises(DamagedFiles, match="is not what its digest says"):
        StepKind().unpack(
            node, "key", dataclasses.replace(packed, objects={**packed.objects, name: evil}), there
        )


def test_bytes_that_did_not_arrive(send, there):
    """A part that is missing is an error, not half a product."""
    node, packed = send("report")
    digest = packed.objects["file/a.txt"]
    there.objects.path(digest).unlink()

    with pytest.raises((ObjectMissing, DamagedFiles)):
        StepKind().unpack(node, "key", packed, there)


@pytest.mark.parametrize(
    "change",
    [
        {"id": "../../etc"},
        {"id": ""},
        {"status": "DONE"},
        {"points": {"auc": [[0, 0, "high"]]}},
        {"points": {"bad\x00key": [[0, 0, "1"]]}},
        {"params": {"k": "v" * 100_000}},
        {
            "models": [
                {"id": "m/../x", "name": "m", "model_type": None, "status": "", "params": {}, "tags": {}}
            ]
        },
    ],
)
def test_run_that_is_none(send, there, change):
    """A description of a run from elsewhere is read strictly: ids, states, values and lengths."""
    node, packed = send("judge")
    described = json.loads(there.objects.path(packed.objects[RUN]).read_bytes())
    evil = there.objects.put_bytes(json.dumps({**described, **change}).encode()).digest

    with pytest.raises(RopewalkError):
        StepKind().unpack(
            node, "key", dataclasses.replace(packed, objects={**packed.objects, RUN: evil}), there
        )


def test_path_of_a_model_file_that_leads_out(send, there):
    """A model's file cannot be placed outside of the model."""
    node, packed = send("train")
    name = next(name for name in packed.objects if name.startswith("model/"))
    parts = {**packed.objects, "model/../../../x": packed.objects[name]}

    with pytest.raises(RopewalkError):
        StepKind().unpack(node, "key", dataclasses.replace(packed, objects=parts), there)


def test_deleted_state_is_brought_back(send, there, tmp_path):
    """What was unpacked before the lake and its run were lost is unpacked again."""
    node, packed = send("rows")
    StepKind().unpack(node, "key", packed, there)
    open_lake(there).close()
    shutil.rmtree(there.state / "lake")

    output = StepKind().unpack(node, "key", packed, there)

    assert StepKind().holds(node, "key", output, there)
