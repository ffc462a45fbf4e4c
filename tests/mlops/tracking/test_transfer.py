"""A run is described, and made again elsewhere, with every point it logged."""

from __future__ import annotations

import math

import pytest

from ropewalk.mlops.tracking import (
    create_run,
    export_run,
    finish_run,
    get_run,
    import_run,
    log_metrics,
    metric_history,
)
from ropewalk.mlops.tracking.errors import InvalidParcel, UnknownRun
from ropewalk.pipeline import Workspace
from ropewalk.project import load_project
from ropewalk.settings import load_settings
from ropewalk.store.tracking.values import Dataset


@pytest.fixture
def here(tmp_path):
    """Return a workspace."""
    yield from _workspace(tmp_path / "here")


@pytest.fixture
def there(tmp_path):
    """Return another workspace."""
    yield from _workspace(tmp_path / "there")


def _workspace(root):
    root.mkdir()
    (root / "ropewalk.yaml").write_text("project: test\n")
    with Workspace(load_project(root, []), load_settings({})) as workspace:
        yield workspace


@pytest.fixture
def run_id(here):
    """Return the id of a run that ended, with parameters, tags, points and a data set."""
    data = [Dataset("mart.a", "d" * 36, "ropewalk", "{}", tags={"mlflow.data.context": "training"})]
    identifier = create_run(here, "flights", "train", {"team": "sky"}, {"depth": "6"}, data)
    for step, value in enumerate((0.5, math.nan, math.inf)):
        log_metrics(here, identifier, {"loss": value}, step)
    finish_run(here, identifier, "FINISHED")
    return identifier


def test_run_is_the_same_on_the_other_side(here, there, run_id):
    """Head, parameters, tags, data sets and points are those of the run; not a number and infinity as well."""
    import_run(there, export_run(here, run_id), {})

    before, after = get_run(here, run_id), get_run(there, run_id)
    for name in ("id", "name", "status", "started_at", "ended_at", "params", "tags", "datasets"):
        assert getattr(after, name) == getattr(before, name)
    assert [repr(point.value) for point in metric_history(there, run_id, "loss")] == ["0.5", "nan", "inf"]


def test_twice_is_once(here, there, run_id):
    """A run that is there already is left as it is, and so is the one it came from."""
    content = export_run(here, run_id)
    for place in (there, there, here):
        import_run(place, content, {})

    assert len(metric_history(there, run_id, "loss")) == 3
    assert len(metric_history(here, run_id, "loss")) == 3


def test_unknown_run(here):
    """A run that is not there cannot be described."""
    with pytest.raises(UnknownRun):
        export_run(here, "0" * 32)


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"\xff", b'{"experiment": 1}'])
def test_no_description(there, content):
    """Anything else is refused."""
    with pytest.raises(InvalidParcel, match="this does not describe a run"):
        import_run(there, content, {})
