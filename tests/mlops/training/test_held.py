"""Asking whether a step's product is there costs no more than it has to."""

from __future__ import annotations

import subprocess
import sys

import pytest

from ropewalk.mlops.training.held import holds_product, show_product
from ropewalk.pipeline import Output


def test_planning_steps_loads_no_lake():
    """A project whose steps make numbers and files plans without the lake's engine and without tracking."""
    heavy = ("duckdb", "pandas", "mlflow", "ropewalk.mlops.tracking")
    code = f"import sys, ropewalk.mlops.training.kind; print(*{{*{heavy}}} & {{*sys.modules}})"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == ""


@pytest.fixture
def workspace(write_project, open_workspace):
    """Return an open project."""
    return open_workspace(write_project({}))


def test_numbers_are_always_there(workspace):
    """Numbers are in the record itself, and there is nothing to show of them."""
    output = Output("metrics auc=0.5", "run:1", {"metrics": {"auc": 0.5}})

    show_product(None, output, workspace)

    assert holds_product(None, "key", output, workspace)
    assert not (workspace.root / "outputs").exists()


@pytest.mark.parametrize("reference", ["files:" + "0" * 64, "files:../../etc/passwd", "files:"])
def test_files_that_are_not_there(workspace, reference):
    """A tree that the store does not have is not held, whatever its name is."""
    assert not holds_product(None, "key", Output("d", reference), workspace)
