"""Finding the project and its files."""

from __future__ import annotations

from pathlib import Path

import pytest

from ropewalk.project import InvalidProjectFile, NoProject, files_below, find_root


def test_root_from_below(tmp_path: Path) -> None:
    """The nearest folder upwards that holds the file is the project."""
    (tmp_path / "outer/inner/deep").mkdir(parents=True)
    (tmp_path / "ropewalk.yaml").touch()
    (tmp_path / "outer/inner/ropewalk.yaml").touch()

    assert find_root(tmp_path / "outer/inner/deep") == tmp_path / "outer/inner"
    assert find_root(tmp_path / "outer") == tmp_path


def test_no_project(tmp_path: Path) -> None:
    """Outside any project the error says where it looked and what makes one."""
    (tmp_path / "ropewalk.yaml").mkdir()

    with pytest.raises(NoProject, match=str(tmp_path)) as caught:
        find_root(tmp_path)

    assert caught.value.hint is not None
    assert "ropewalk init" in caught.value.hint


def test_files_in_order(tmp_path: Path) -> None:
    """Files come sorted; hidden ones, folders and other suffixes stay out."""
    for name in ("b.sql", "a/c.sql", ".hidden.sql", ".git/x.sql", "note.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "folder.sql").mkdir()

    found = [path.relative_to(tmp_path).as_posix() for path in files_below(tmp_path, ".sql")]

    assert found == ["a/c.sql", "b.sql"]


def test_files_of_no_folder(tmp_path: Path) -> None:
    """A folder that is not there has no files."""
    assert list(files_below(tmp_path / "tables", ".sql")) == []


def test_folder_that_cannot_be_listed(tmp_path: Path) -> None:
    """What stands in a folder's place is refused rather than taken for an empty folder."""
    (tmp_path / "tables").touch()

    with pytest.raises(InvalidProjectFile, match="cannot be listed: Not a directory") as caught:
        list(files_below(tmp_path / "tables", ".sql"))

    assert str(caught.value.place) == "tables"


def test_suffix_in_capitals(tmp_path: Path) -> None:
    """A file that only its capitals hide is refused where it stands."""
    (tmp_path / "tables/mart").mkdir(parents=True)
    (tmp_path / "tables/mart/a.SQL").touch()

    with pytest.raises(InvalidProjectFile, match=r"\.SQL must be written \.sql") as caught:
        list(files_below(tmp_path / "tables", ".sql"))

    assert str(caught.value.place) == "tables/mart/a.SQL"


def test_several_suffixes(tmp_path: Path) -> None:
    """A format with two suffixes has both of them."""
    for name in ("a.yaml", "b.yml", "c.txt"):
        (tmp_path / name).touch()

    assert [path.name for path in files_below(tmp_path, ".yaml", ".yml")] == ["a.yaml", "b.yml"]
