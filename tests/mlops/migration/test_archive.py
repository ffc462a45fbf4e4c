"""An export holds a project whole, and says so when it does not any more."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from ropewalk.mlops.migration import FolderSource, export_project, import_source, open_export
from ropewalk.mlops.migration.errors import ExportExists, InvalidExport, NoSuchSource
from ropewalk.mlops.registry import get_version, materialise, version_content
from ropewalk.pipeline import Workspace

OpenProject = Callable[..., Workspace]


@pytest.fixture
def filled(open_project: OpenProject, written: Path) -> Workspace:
    """Return a project with experiments, runs and models."""
    project = open_project("filled")
    import_source(project, FolderSource(written))
    return project


@pytest.mark.parametrize("name", ["export", "export.zip"])
def test_there_and_back(name: str, filled: Workspace, open_project: OpenProject, tmp_path: Path) -> None:
    """What was exported comes in as it was, with the same digest as from where it came first."""
    export_project(filled, tmp_path / name)
    other = open_project("other")

    first = import_source(other, open_export(tmp_path / name))
    again = import_source(other, open_export(tmp_path / name))

    assert (first.differing, again.differing) == ([], [])
    assert {kind: tally.added for kind, tally in again.tallies.items()} == dict.fromkeys(again.tallies, 0)
    before, after = (get_version(project, "late", "1") for project in (filled, other))
    assert version_content(filled, before) == version_content(other, after)
    materialise(other, after, tmp_path / "model")


def test_same_project_same_export(filled: Workspace, tmp_path: Path) -> None:
    """Two exports of one project are the same bytes."""
    done = [export_project(filled, tmp_path / name) for name in ("a.zip", "b.zip")]

    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    assert done[0].digest == done[1].digest
    assert (done[0].counts["runs"], done[0].counts["points"], done[0].files) == (2, 33, 2)


def test_the_place_is_taken(filled: Workspace, tmp_path: Path) -> None:
    """Nothing is written over."""
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "mine").touch()

    with pytest.raises(ExportExists):
        export_project(filled, tmp_path / "taken")


@pytest.mark.parametrize("part", ["runs.jsonl", "points.jsonl", "registered.jsonl", "objects"])
def test_damaged_export(part: str, filled: Workspace, open_project: OpenProject, tmp_path: Path) -> None:
    """A changed part or file is found by its digest."""
    export_project(filled, tmp_path / "export")
    place = tmp_path / "export" / part
    place = next(path for path in place.rglob("*") if path.is_file()) if place.is_dir() else place
    place.write_bytes(place.read_bytes() + b"\n")

    with pytest.raises(InvalidExport, match=r"is not what was exported|is damaged"):
        import_source(open_project("other"), open_export(tmp_path / "export"))


def test_a_later_format(filled: Workspace, tmp_path: Path) -> None:
    """An export of a version that is not known is refused as such."""
    export_project(filled, tmp_path / "export")
    head = tmp_path / "export" / "export.json"
    head.write_text(
        json.dumps(json.loads(head.read_text(encoding="utf-8")) | {"version": 99}), encoding="utf-8"
    )

    with pytest.raises(InvalidExport, match="of version 99"):
        open_export(tmp_path / "export")


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04"])
def test_no_export(content: bytes, tmp_path: Path) -> None:
    """A file that is none is told."""
    (tmp_path / "file.zip").write_bytes(content)

    with pytest.raises(InvalidExport):
        open_export(tmp_path / "file.zip")


def test_nothing_there(tmp_path: Path) -> None:
    """A place without anything, and a folder without an export."""
    with pytest.raises(NoSuchSource):
        open_export(tmp_path / "nothing")
    with pytest.raises(InvalidExport, match=r"has no export\.json"):
        open_export(tmp_path)


def test_paths_lead_nowhere(filled: Workspace, open_project: OpenProject, tmp_path: Path) -> None:
    """A zip with members elsewhere brings none of them in: names come from digests only."""
    export_project(filled, tmp_path / "export")
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as archive:
        for path in (tmp_path / "export").rglob("*"):
            archive.write(path, path.relative_to(tmp_path / "export"))
        archive.writestr("../../evil", "x")
    shutil.rmtree(tmp_path / "export")

    assert import_source(open_project("other"), open_export(tmp_path / "evil.zip")).differing == []
    assert not (tmp_path.parent / "evil").exists()
