"""What a step made stands in `outputs/`, whole, and only what differs is written again."""

from __future__ import annotations

import shutil
import threading

import pytest

from ropewalk.mlops.training.errors import FilesNotShown
from ropewalk.mlops.training.files_product import keep_files
from ropewalk.mlops.training.publish import publish_files


@pytest.fixture
def project(write_project, open_workspace):
    """Return an open project."""
    return open_workspace(write_project({}))


@pytest.fixture
def publish(project):
    """Return a function that keeps files (path -> text) and shows them as those of the step `report`."""

    def show(files):
        folder = project.state / "made"
        for path, text in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)
        _, stored = keep_files(folder, project.objects, folder)
        shutil.rmtree(folder)
        return publish_files("report", stored.digest, project)

    return show


def _shown(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()
    }


def test_files_stand_in_outputs(publish, project):
    """The files are at `outputs/STEP`, which Git leaves alone."""
    folder = publish({"a": "1", "sub/b": "2"})

    assert folder == project.root / "outputs/report"
    assert _shown(folder) == {"a": "1", "sub/b": "2"}
    assert (project.root / "outputs/.gitignore").read_text() == "*\n"
    assert sorted(path.name for path in folder.parent.iterdir()) == [".gitignore", "report"]


def test_newer_files_take_their_place(publish):
    """What is no longer made is gone, what is new is there, what is equal is the same file."""
    folder = publish({"a": "1", "b": "2", "old": "3"})
    before = {path.name: path.stat().st_ino for path in folder.iterdir()}

    publish({"a": "1", "b": "changed", "new": "4"})

    after = {path.name: path.stat().st_ino for path in folder.iterdir()}
    assert _shown(folder) == {"a": "1", "b": "changed", "new": "4"}
    assert before["a"] == after["a"]
    assert before["b"] != after["b"]


def test_nothing_to_do(publish):
    """Showing what is shown already touches nothing."""
    folder = publish({"a": "1"})
    before = folder.stat().st_ino

    publish({"a": "1"})

    assert folder.stat().st_ino == before


@pytest.mark.parametrize("damage", ["change", "remove", "clear", "note"])
def test_damage_is_mended(publish, project, damage):
    """A changed or missing file, a missing folder and a lost note are put right, and the object is whole."""
    folder = publish({"a": "1", "b": "2"})
    if damage == "change":
        (folder / "a").chmod(0o644)
        (folder / "a").unlink()
        (folder / "a").write_text("mine")
    elif damage == "remove":
        (folder / "a").unlink()
    elif damage == "clear":
        shutil.rmtree(folder.parent)
    else:
        (project.state / "outputs/report.json").write_text("{")

    assert _shown(publish({"a": "1", "b": "2"})) == {"a": "1", "b": "2"}
    assert not project.objects.verify().damaged


def test_writing_to_what_is_shown_damages_nothing(publish, project):
    """Whoever may write to anything still cannot reach the objects through the files shown (as the superuser)."""
    folder = publish({"a": "1"})
    try:
        (folder / "a").write_text("mine")
    except PermissionError:
        # For everybody else the file is read-only.
        return

    assert not project.objects.verify().damaged
    assert _shown(publish({"a": "1"})) == {"a": "1"}


def test_at_once(publish, project):
    """Several threads that show different files leave one whole tree."""
    digests = []
    for text in "abc":
        folder = project.state / f"made-{text}"
        folder.mkdir()
        for number in range(20):
            (folder / str(number)).write_text(text)
        digests.append(keep_files(folder, project.objects, folder)[1].digest)
    threads = [
        threading.Thread(target=publish_files, args=("report", digest, project)) for digest in digests * 3
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(_shown(project.root / "outputs/report").values())) == 1
    assert len(_shown(project.root / "outputs/report")) == 20


def test_folder_that_cannot_be_made(publish, project):
    """A file in the folder's place is said, with the folder's name."""
    (project.root / "outputs").write_text("in the way")

    with pytest.raises(FilesNotShown, match=r"cannot be put into .*outputs/report"):
        publish({"a": "1"})
