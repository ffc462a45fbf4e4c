"""The project's modules are imported from source, installed ones as usual."""

from __future__ import annotations

import importlib
import os
import py_compile
import sys

import pytest

from ropewalk.processes.project_imports import import_from_source, is_projects


@pytest.fixture
def root(tmp_path, monkeypatch):
    """Return a project's folder on the path of modules, all put back afterwards."""
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.setattr(sys, "path_hooks", list(sys.path_hooks))
    before = set(sys.modules)
    import_from_source(tmp_path)
    yield tmp_path
    sys.path_importer_cache.clear()
    for name in set(sys.modules) - before:
        del sys.modules[name]


def test_compiled_code_is_not_believed(root):
    """Code compiled from a source of the same size and second is not taken for that source."""
    path = root / "fresh.py"
    path.write_text("VALUE = 1\n")
    py_compile.compile(str(path))
    stat = path.stat()
    path.write_text("VALUE = 2\n")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))

    assert importlib.import_module("fresh").VALUE == 2


def test_nothing_is_left_in_the_project(root, monkeypatch):
    """Importing writes no compiled files into the user's folders, also not for packages."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    (root / "kit").mkdir()
    (root / "kit/__init__.py").write_text("")
    (root / "kit/part.py").write_text("VALUE = 3\n")

    assert importlib.import_module("kit.part").VALUE == 3
    assert not list(root.rglob("*.pyc"))


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("steps/train.py", True),
        ("kit/part.py", True),
        (".venv/lib/python3.11/site-packages/x.py", False),
        ("env/lib/python3.11/site-packages/x.py", False),
        ("../elsewhere/x.py", False),
    ],
)
def test_whose_file_it_is(tmp_path, path, expected):
    """What is installed inside the project's folder is not the project's own."""
    target = (tmp_path.parent / "elsewhere/x.py") if path.startswith("..") else tmp_path / path

    assert is_projects(target, tmp_path) is expected


def test_source_that_does_not_parse(root):
    """An error of syntax names its file."""
    (root / "broken.py").write_text("def\n")

    with pytest.raises(SyntaxError) as caught:
        importlib.import_module("broken")

    assert caught.value.filename == str(root / "broken.py")
