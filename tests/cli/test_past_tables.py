"""Steps that read tables as they were: by a pin, which counts as an input, or by a number."""

from __future__ import annotations

from pathlib import Path

import pytest

STEP = """from ropewalk import Metrics, Table, step


@step
def growth(t: Table) -> Metrics:
    return Metrics(now=t.relation().count("*").fetchone()[0], then=t.at({moment}).relation().count("*").fetchone()[0])
"""
FILES = {
    "ropewalk.yaml": "project: p\nsources:\n  orders: {kind: files, path: 'drops/*.csv'}\n",
    "drops/a.csv": "id\n1\n2\n",
    "tables/mart/t.sql": "SELECT id FROM raw.orders",
}


@pytest.fixture
def root(write_project, ropewalk) -> Path:
    """Return a project with two versions of its table, the first of them pinned."""
    root = write_project(FILES)
    assert ropewalk("run", cwd=root).code == 0
    assert ropewalk("lake", "pin", "base", cwd=root).code == 0
    (root / "drops/b.csv").write_text("id\n3\n")
    assert ropewalk("run", cwd=root).code == 0
    (root / "steps").mkdir()
    (root / "steps/growth.py").write_text(STEP.format(moment="'base'"))
    return root


def test_a_pin_is_an_input(root: Path, ropewalk) -> None:
    """The step is fresh until the pin names other rows; which it read is written down, and is no warning."""
    first = ropewalk("run", "--json", cwd=root).json
    again = ropewalk("run", "--json", cwd=root).json
    ropewalk("lake", "unpin", "base", cwd=root)
    ropewalk("lake", "pin", "base", cwd=root)
    why = ropewalk("why", "growth", cwd=root).out
    moved = ropewalk("run", "--json", cwd=root).json

    node = next(node for node in first["nodes"] if node["id"] == "step:growth")
    assert (first["executed"], again["executed"], moved["executed"]) == (1, 0, 1)
    assert "table mart.t@base" in why
    assert node.get("warning") is None
    metrics = [
        ropewalk("sql", "SELECT count(*) AS n FROM mart.t", "--at", "base", "--json", cwd=root).json["rows"]
    ]
    assert metrics == [[{"n": 3}]]


def test_a_snapshot_by_its_number(root: Path, ropewalk) -> None:
    """A number is read as it was, and never makes the step stale."""
    (root / "steps/growth.py").write_text(STEP.format(moment="3"))

    first = ropewalk("run", "--json", cwd=root)

    assert (first.code, first.json["executed"]) == (0, 1)
    assert ropewalk("run", "--json", cwd=root).json["executed"] == 0


@pytest.mark.parametrize(
    ("moment", "said"),
    [("'nobody'", "neither a pin nor a snapshot nor a time"), ("9999", "the lake has no snapshot 9999")],
)
def test_a_moment_that_is_not_there(root: Path, ropewalk, moment: str, said: str) -> None:
    """The step fails with what is wrong, and where it asked."""
    (root / "steps/growth.py").write_text(STEP.format(moment=moment))

    answer = ropewalk("run", cwd=root)

    assert answer.code == 1
    assert said in answer.err
    assert "steps/growth.py:6" in answer.err
