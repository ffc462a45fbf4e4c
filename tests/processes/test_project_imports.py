"""The project's modules are imported from source, installed ones as usual."""

from __future__ import annotations

import importlib
import os
import py_compile
import sys

import pytest

from ropewalk.processes.project_imports import (
    SourceOnlyLoader,
    import_from_source,
    import_project,
    is_projects,
    load_function,
)


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


def test_modules_of_a_src_layout(root, monkeypatch):
    """What lies in `src` is found without being installed, after what lies in the project's root."""
    monkeypatch.setattr(sys, "path", sys.path.copy())
    for path in ("src/only_in_src.py", "src/in_both_of_them.py", "in_both_of_them.py"):
        (root / path).parent.mkdir(exist_ok=True)
        (root / path).write_text(f"WHERE = {path!r}\n")
    text = (
        "import in_both_of_them, only_in_src\ndef make(): return only_in_src.WHERE, in_both_of_them.WHERE\n"
    )
    (root / "makes_of_src.py").write_text(text)

    made = load_function(root, "makes_of_src.py", "make")

    assert made() == ("src/only_in_src.py", "in_both_of_them.py")


def test_the_projects_own_modules_come_first(root, monkeypatch):
    """The project's root and `src` come before what is installed, and are imported from source."""
    monkeypatch.setattr(sys, "path", sys.path.copy())
    (root / "src").mkdir()
    (root / "src/own_of_src.py").write_text("")

    import_project(root, root / "beside")

    assert sys.path[:3] == [str(root / "beside"), str(root), str(root / "src")]
    assert isinstance(importlib.import_module("own_of_src").__loader__, SourceOnlyLoader)


def test_a_project_behind_a_link(root, monkeypatch):
    """Its modules are imported from source too where their folder is told without the link."""
    (root / "real").mkdir()
    (root / "real/own_behind_link.py").write_text("")
    (root / "link").symlink_to("real")
    monkeypatch.setattr(sys, "path", [str(root / "real"), *sys.path])
    # That of the folder around it would do it as well.
    monkeypatch.setattr(sys, "path_hooks", sys.path_hooks[1:])

    import_from_source(root / "link")

    assert isinstance(importlib.import_module("own_behind_link").__loader__, SourceOnlyLoader)
