"""The content digest of a model says what it predicts with, not when it was written."""

from __future__ import annotations

import pytest

from ropewalk.mlops.training.artifacts import model_digest
from ropewalk.pipeline import ObjectStore

MLMODEL = "flavors: {{lightgbm: {{data: model.lgb}}}}\nrun_id: {run}\nmodel_uuid: {run}\nutc_time_created: '{time}'\n"


@pytest.fixture
def digest(tmp_path):
    """Return a function that stores files and returns their model digest."""
    store = ObjectStore(tmp_path / "objects")

    def of(files):
        return model_digest({path: store.put_bytes(text.encode()) for path, text in files.items()}, store)

    return of


def _files(run="a", time="1", model="tree"):
    return {"MLmodel": MLMODEL.format(run=run, time=time), "model.lgb": model}


def test_run_and_time_do_not_count(digest):
    """Two executions that made the same model have one digest."""
    assert digest(_files("a", "1")) == digest(_files("b", "2"))


def test_model_bytes_count(digest):
    """Another tree is another model."""
    assert digest(_files(model="tree")) != digest(_files(model="other"))


def test_description_counts(digest):
    """Another signature or flavour in MLmodel is another model."""
    changed = _files() | {"MLmodel": "flavors: {xgboost: {}}\n"}

    assert digest(_files()) != digest(changed)


def test_file_names_count(digest):
    """The same bytes under another name are another model."""
    moved = {"MLmodel": _files()["MLmodel"], "other.lgb": "tree"}

    assert digest(_files()) != digest(moved)


def test_order_of_trusted_types_does_not_count(digest):
    """MLflow writes this list in the order of a hash table; the model is the same."""
    one, other = (
        {"MLmodel": f"flavors: {{lightgbm: {{skops_trusted_types: {names}}}}}"}
        for names in ("[a, b]", "[b, a]")
    )

    assert digest(one) == digest(other)
