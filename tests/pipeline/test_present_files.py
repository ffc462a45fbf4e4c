"""Files below a folder, with their states."""

from __future__ import annotations

from pathlib import Path

from ropewalk.pipeline import files_below


def test_regular_files_at_any_depth(tmp_path: Path) -> None:
    """Folders are no files, and a link to nothing is left out."""
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "a/b/c.txt").write_text("four")
    (tmp_path / "gone").symlink_to(tmp_path / "nothing")

    assert [(path.name, stat.st_size) for path, stat in files_below(tmp_path)] == [("c.txt", 4)]
    assert list(files_below(tmp_path / "nothing")) == []


def test_what_goes_meanwhile_is_left_out(tmp_path: Path) -> None:
    """A file that is removed between two answers is not missed."""
    for name in "abc":
        (tmp_path / name).write_text(name)
    found = files_below(tmp_path)

    first, _ = next(found)
    for path in tmp_path.iterdir():
        path.unlink(missing_ok=True)

    assert first.name in "abc"
    assert list(found) == []
