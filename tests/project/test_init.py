"""`init_project`: a first project that is whole, the same everywhere, and overwrites nothing."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import yaml

from ropewalk.project import AlreadyThere, NotWritten, init_project, read_steps
from ropewalk.project.init import sample_orders


def names(paths: list[Path], folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in paths}


def test_it_writes_every_kind_of_file(tmp_path: Path) -> None:
    """The project has data, tables, a contract, steps and the file that ties them, and says which it wrote."""
    written = names(init_project(tmp_path), tmp_path)

    assert written == {
        path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()
    }
    assert {"ropewalk.yaml", "data/orders.csv", "steps/train.py", "tables/mart/order_features.sql"} <= written
    assert {"contracts/mart.order_features.odcs.yaml", ".gitignore"} <= written


def test_the_project_is_named_after_its_folder(tmp_path: Path) -> None:
    """Whatever the folder is called, the project file stays YAML with that name."""
    folder = tmp_path / 'it\'s "new": #1'
    folder.mkdir()

    init_project(folder)

    project = yaml.safe_load((folder / "ropewalk.yaml").read_text(encoding="utf-8"))
    assert project["project"] == 'it\'s "new": #1'


def test_the_steps_are_declared_as_steps(tmp_path: Path) -> None:
    """Training makes a model, evaluation metrics, and every Python file parses."""
    init_project(tmp_path)

    assert {step.name: step.makes for step in read_steps(tmp_path)} == {
        "train": "Model",
        "evaluate": "Metrics",
    }
    for path in tmp_path.rglob("*.py"):
        ast.parse(path.read_text(encoding="utf-8"))


def test_the_data_is_always_the_same() -> None:
    """The made-up orders are the same bytes on every call, and neither outcome is rare."""
    orders = sample_orders()
    returned = [line.rpartition(",")[2] for line in orders.splitlines()[1:]]

    assert orders == sample_orders()
    assert len(returned) == 4000
    assert 0.2 < returned.count("1") / len(returned) < 0.5


@pytest.mark.parametrize("taken", ["ropewalk.yaml", "steps/train.py", "data/orders.csv"])
def test_nothing_is_overwritten(tmp_path: Path, taken: str) -> None:
    """One file that is there stops it all: the file stays, nothing else appears."""
    path = tmp_path / taken
    path.parent.mkdir(exist_ok=True)
    path.write_text("mine", encoding="utf-8")

    with pytest.raises(AlreadyThere, match=taken) as raised:
        init_project(tmp_path)

    assert raised.value.code == "RW310"
    assert [found for found in tmp_path.rglob("*") if found.is_file()] == [path]
    assert path.read_text(encoding="utf-8") == "mine"


def test_a_second_time_is_refused(tmp_path: Path) -> None:
    """What was written once is the user's own."""
    init_project(tmp_path)

    with pytest.raises(AlreadyThere):
        init_project(tmp_path)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, ".ropewalk/\n"),
        ("", ".ropewalk/\n"),
        ("dist/", "dist/\n.ropewalk/\n"),
        ("dist/\n", "dist/\n.ropewalk/\n"),
        ("/.ropewalk/\n", "/.ropewalk/\n"),
        (".ropewalk\n", ".ropewalk\n"),
    ],
)
def test_git_ignores_the_state(tmp_path: Path, before: str | None, after: str) -> None:
    """The state folder is added to what Git ignores, once, and what stood there stays."""
    path = tmp_path / ".gitignore"
    if before is not None:
        path.write_text(before, encoding="utf-8")

    written = init_project(tmp_path)

    assert path.read_text(encoding="utf-8") == after
    assert (path in written) is (before != after)


def test_other_files_are_no_hindrance(tmp_path: Path) -> None:
    """A folder with files of other names takes the project beside them."""
    (tmp_path / "README.md").write_text("mine", encoding="utf-8")

    init_project(tmp_path)

    assert (tmp_path / "README.md").read_text(encoding="utf-8") == "mine"


def test_a_folder_that_refuses_is_one_clear_error(tmp_path: Path) -> None:
    """A file where a folder must be is told by its path, and nothing half-written stays."""
    (tmp_path / "steps").write_text("a file", encoding="utf-8")

    with pytest.raises(NotWritten, match="steps"):
        init_project(tmp_path)

    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["steps"]
