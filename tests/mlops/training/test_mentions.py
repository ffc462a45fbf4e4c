"""Files that code names in plain text are found where what opens them tells nobody."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from ropewalk.mlops.training.audit import LIST, MISSING, NAMED, read_log, record_reads
from ropewalk.mlops.training.mentions import note_mentions


@pytest.fixture
def noted(tmp_path, monkeypatch):
    """Return a function that loads a module of this source and tells what is noted of it."""
    root, log = tmp_path / "project", tmp_path / "log"
    for name in ("data/a.csv", "data/deep/b.csv", "state/c.csv"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()

    def load(source, path="steps.py", **values):
        module = ModuleType("code_that_names_files")
        module.__file__ = str(root / path)
        (root / path).write_text(source)
        vars(module).update(values)
        monkeypatch.setitem(sys.modules, module.__name__, module)
        record_reads(root, log, [root / "state"])
        note_mentions(root, root / "state")
        return {(item.what, item.path) for item in read_log(log)}

    return load


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("duckdb.read_csv('data/a.csv')", {(NAMED, "data/a.csv")}),
        ("duckdb.sql(\"FROM 'data/a.csv' WHERE x = 'y.z'\")", {(NAMED, "data/a.csv")}),
        ("pyarrow.csv.read_csv('data/deep/b.csv')", {(NAMED, "data/deep/b.csv")}),
        ("polars.scan_csv('data/*.csv')", {(NAMED, "data/a.csv"), (LIST, "data")}),
        ("duckdb.sql(\"FROM '*/*.csv'\")", {(NAMED, "data/a.csv")}),
        ("Path('data/none.csv').exists()", {(MISSING, "data/none.csv")}),
        ("Path('data/a.csv').exists()", {(NAMED, "data/a.csv")}),
        ("duckdb.read_csv('data/none.csv')", set()),
        ("print('data/a.csv')", set()),
        ("duckdb.sql('SELECT data/a.csv, 1')", set()),
        ("duckdb.read_csv('data/a.csv'", set()),
    ],
)
def test_what_is_found(noted, source, expected):
    """A file, one in SQL, a pattern with its folder, and one that is asked for; texts of other modules are texts."""
    assert noted(source) == expected


def test_constant_path_of_a_module(noted, tmp_path):
    """A path that a module puts together when it is loaded is found as its value."""
    assert noted("duckdb.read_csv(str(CSV))", CSV=tmp_path / "project/data/a.csv") == {(NAMED, "data/a.csv")}


def test_whose_code_it_is(noted):
    """Code of the engine below its state folder names nothing of the project's."""
    assert noted("duckdb.read_csv('data/a.csv')", "state/kept.py") == set()


def test_module_whose_file_is_gone(noted, tmp_path):
    """A step may delete its own code: what that named is not known, and nothing fails."""
    noted("", "gone.py")
    (tmp_path / "project/gone.py").unlink()

    note_mentions(tmp_path / "project", tmp_path / "project/state")

    assert read_log(tmp_path / "log") == []
