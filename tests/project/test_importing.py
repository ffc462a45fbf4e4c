"""Modules are found where Python would find them when the step runs."""

from __future__ import annotations

import importlib.machinery

import pytest

from ropewalk.project.importing import Module, ModuleFinder


@pytest.fixture
def finder(write_project):
    """Return a function that makes files and returns what finds modules among them."""
    return lambda *paths: ModuleFinder(write_project(dict.fromkeys(paths, "")))


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["steps/m.py", "m.py"], Module("steps/m.py")),
        (["m.py", "src/m.py"], Module("m.py")),
        (["src/m/__init__.py"], Module("src/m/__init__.py", ("src/m",))),
        (["m/__init__.py", "m.py"], Module("m/__init__.py", ("m",))),
        (["m/x.py", "m.py"], Module("m.py")),
        (["steps/m/x.py", "m/__init__.py"], Module("m/__init__.py", ("m",))),
        (["steps/m/x.py", "m/y.py"], Module(None, ("steps/m", "m"))),
        (["other/m.py"], None),
    ],
)
def test_order(finder, paths, expected):
    """A package before a module, both before a bare folder, folder by folder."""
    found = finder(*paths)

    assert found.find("m", found.search_folders("steps/train.py")) == expected


@pytest.mark.parametrize(
    "paths",
    [
        ["steps/m.py", "m.py"],
        ["steps/m/x.py", "m/__init__.py"],
        ["m/__init__.py", "m.py"],
        ["m/x.py", "m.py"],
    ],
)
def test_as_python_does(finder, paths):
    """Python's own finder takes the same file."""
    found = finder(*paths)
    folders = [str(found.root / folder) for folder in ("steps", "", "src")]

    spec = importlib.machinery.PathFinder.find_spec("m", folders)

    module = found.find("m", found.search_folders("steps/train.py"))
    assert spec.origin == str(found.root / module.file)


def test_folders_on_the_path(finder, monkeypatch):
    """An editable installation puts a folder of the project on Python's path; an environment inside is no part of it."""
    found = finder("packages/one/m.py", ".venv/lib/site-packages/n.py")
    for folder in ("packages/one", ".venv/lib/site-packages"):
        monkeypatch.syspath_prepend(str(found.root / folder))

    folders = found.search_folders("steps/train.py")

    assert "packages/one" in folders
    assert found.find("m", folders) == Module("packages/one/m.py")
    assert found.find("n", folders) is None


@pytest.mark.parametrize(("level", "folders"), [(1, ("a/b",)), (2, ("a",)), (3, ("",)), (4, ()), (9, ())])
def test_dots(finder, level, folders):
    """Each dot after the first climbs a folder, and none climbs out of the project."""
    assert finder().relative("a/b/c.py", level) == folders


def test_packages(finder):
    """A folder is a package with or without its own file."""
    found = finder("a/__init__.py", "b/x.py")

    assert found.package("a") == Module("a/__init__.py", ("a",))
    assert found.package("b") == Module(None, ("b",))


@pytest.mark.parametrize(("name", "is_there"), [("json", True), ("msgspec", True), ("nowhere_at_all", False)])
def test_installed(finder, name, is_there):
    """What Python ships and what is installed is there."""
    assert finder().is_installed(name) is is_there


@pytest.mark.parametrize("name", ["__init__", "m.x", "", "M", ".."])
def test_names_that_are_no_module(finder, name):
    """What is no name of a module there finds none, whatever else it may be a path of."""
    found = finder("pkg/m.py", "pkg/__init__.py")

    assert found.find(name, ("other",)) is None


def test_each_folder_is_listed_once(finder):
    """Within one plan files do not come and go."""
    found = finder("m.py")
    assert found.find("m", ("",)) == Module("m.py")
    (found.root / "n.py").write_text("")

    assert found.find("n", ("",)) is None
    assert ModuleFinder(found.root).find("n", ("",)) == Module("n.py")


def test_folder_called_like_a_module(finder):
    """A folder `m.py` is no module, and a folder `__init__.py` makes no package."""
    found = finder("m.py/x.txt", "pkg/__init__.py/x.txt")

    assert found.find("m", ("",)) is None
    assert found.find("pkg", ("",)) == Module(None, ("pkg",))
