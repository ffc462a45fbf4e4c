"""Files that a step made are kept as one tree: what counts in its digest, and that nobody can damage it."""

from __future__ import annotations

import json
import os
import shutil
import socket
from pathlib import Path

import pytest

from ropewalk.mlops.training.errors import DamagedFiles, UnkeptFiles
from ropewalk.mlops.training.files_product import (
    holds_files,
    keep_files,
    place_files,
    read_manifest,
)
from ropewalk.pipeline import ObjectMissing, ObjectStore

FILES = {"report.html": "<h1>", "data/a.csv": "a\n1\n", "data/deep/b.csv": "b\n"}


@pytest.fixture
def store(tmp_path):
    """Return an empty store."""
    return ObjectStore(tmp_path / "objects")


@pytest.fixture
def tree(tmp_path):
    """Return a function that writes files into a new folder below the staging folder and returns it."""

    def write(files=FILES, name="made"):
        folder = tmp_path / "staging" / name
        for path, text in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    return write


@pytest.fixture
def keep(store, tmp_path):
    """Return a function that keeps a path and returns the digest of its tree."""
    return lambda path: keep_files(path, store, tmp_path / "staging")[1].digest


def _read(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()
    }


def test_tree_comes_back(tree, keep, store, tmp_path):
    """What was kept is there again, with its folders."""
    digest = keep(tree())

    placed = place_files(read_manifest(digest, store), store, tmp_path / "again")

    assert placed == tmp_path / "again"
    assert _read(placed) == FILES
    assert holds_files(digest, store)


def test_single_file_is_one_again(tree, keep, store, tmp_path):
    """A step that returned a file hands on a file."""
    digest = keep(tree() / "report.html")

    placed = place_files(read_manifest(digest, store), store, tmp_path / "again")

    assert placed == tmp_path / "again/report.html"
    assert placed.read_text() == "<h1>"


def test_nothing_but_content_counts(tree, keep):
    """Times, the order of writing and the folder's own name make no other tree."""
    one = keep(tree())
    other = keep(tree(dict(reversed(FILES.items())), "other"))

    assert one == other


@pytest.mark.parametrize(
    "changed",
    [
        {**FILES, "report.html": "<h2>"},
        {**FILES, "more": ""},
        {"report.html": "<h1>", "data/a.csv": "a\n1\n"},
        {"report.html": "<h1>", "data/A.csv": "a\n1\n", "data/deep/b.csv": "b\n"},
        {"report.html": "a\n1\n", "data/a.csv": "<h1>", "data/deep/b.csv": "b\n"},
        {},
    ],
)
def test_content_counts(tree, keep, changed):
    """Bytes, names, and which bytes have which name make another tree."""
    assert keep(tree()) != keep(tree(changed, "other"))


def test_executable_bit_counts_and_stays(tree, keep, store, tmp_path):
    """A program stays a program, and one that is none has another digest."""
    plain, program = keep(tree()), tree(name="other")
    (program / "report.html").chmod(0o755)
    digest = keep(program)

    placed = place_files(read_manifest(digest, store), store, tmp_path / "again")

    assert digest != plain
    assert os.access(placed / "report.html", os.X_OK)


def test_staged_files_are_moved(tree, keep):
    """What lies in the staging folder is moved into the store and not copied."""
    folder = tree()

    keep(folder)

    assert _read(folder) == {}


def test_files_elsewhere_stay(keep, tmp_path):
    """What lies anywhere else is copied, and stays the user's."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/a").write_text("a")

    keep(tmp_path / "mine")

    assert _read(tmp_path / "mine") == {"a": "a"}


def test_file_with_two_names(tree, keep, tmp_path):
    """A file that somebody has under another name is copied: through that name it could be changed."""
    folder = tree()
    (tmp_path / "alias").hardlink_to(folder / "report.html")
    digest = keep(folder)
    (tmp_path / "alias").write_text("changed")

    assert digest == keep(tree())


def test_links_within_the_tree(tree, keep, store):
    """A link to a file of the same folder counts as that file."""
    folder = tree()
    (folder / "latest.html").symlink_to("report.html")
    (folder / "data/up.html").symlink_to(folder / "report.html")

    kept = {file.path: file.digest for file in read_manifest(keep(folder), store).files}

    assert kept["latest.html"] == kept["data/up.html"] == kept["report.html"]


def _pipe(folder: Path) -> None:
    os.mkfifo(folder / "odd")


def _socket(folder: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        # The address may be short only.
        here = Path.cwd()
        os.chdir(folder)
        listener.bind("odd")
        os.chdir(here)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (_pipe, "odd is neither a file nor a folder"),
        (_socket, "odd is neither a file nor a folder"),
        (lambda folder: (folder / "odd").symlink_to("/etc/passwd"), "odd is a link to /etc/passwd"),
        (lambda folder: (folder / "odd").symlink_to("none"), "odd is a link to none"),
        (lambda folder: (folder / "odd").symlink_to("odd"), "odd is a link to odd"),
        (lambda folder: (folder / "odd").symlink_to("data"), "odd is a link to data"),
        (lambda folder: (folder / os.fsdecode(b"odd\xff")).touch(), "is not text in UTF-8"),
    ],
)
def test_what_cannot_be_kept(tree, keep, make, message):
    """Pipes, sockets, links that lead out or nowhere, and names that are no text are refused by name."""
    folder = tree()
    make(folder)

    with pytest.raises(UnkeptFiles, match=message):
        keep(folder)


def test_nothing_there(keep, tmp_path):
    """A path without anything is refused."""
    with pytest.raises(UnkeptFiles, match="there is no file or folder"):
        keep(tmp_path / "none")


def test_consumer_cannot_damage_what_is_kept(tree, keep, store, tmp_path):
    """Whoever deletes, overwrites or empties the files it was given damages only its own copies."""
    digest = keep(tree())
    given = place_files(read_manifest(digest, store), store, tmp_path / "given")
    for path in given.rglob("*.csv"):
        path.chmod(0o644)
        path.write_text("damaged")
    shutil.rmtree(given)

    again = place_files(read_manifest(digest, store), store, tmp_path / "again")

    assert _read(again) == FILES
    assert not store.verify().damaged


@pytest.mark.parametrize("copied", [0, 3])
def test_copying_by_hand(tree, keep, store, tmp_path, monkeypatch, copied):
    """Where the kernel does not copy, or stops half-way, the bytes are copied all the same."""
    digest, kernel = keep(tree()), os.copy_file_range

    def refuse(source, target, count):
        if not copied:
            raise OSError(18, "other file system")
        return kernel(source, target, min(count, copied)) if os.lseek(source, 0, os.SEEK_CUR) == 0 else 0

    monkeypatch.setattr(os, "copy_file_range", refuse)

    assert _read(place_files(read_manifest(digest, store), store, tmp_path / "again")) == FILES


def test_copies_are_read_only(tree, keep, store, tmp_path):
    """An input looks like one: it is not meant to be written to."""
    given = place_files(read_manifest(keep(tree()), store), store, tmp_path / "given")

    assert {path.stat().st_mode & 0o222 for path in given.rglob("*") if path.is_file()} == {0}


def test_bytes_that_are_gone(tree, keep, store, tmp_path):
    """A tree of which one file's bytes are gone is not held, and says so when it is asked for."""
    digest = keep(tree())
    manifest = read_manifest(digest, store)
    store.path(manifest.files[0].digest).unlink()

    assert not holds_files(digest, store)
    with pytest.raises(ObjectMissing):
        place_files(manifest, store, tmp_path / "again")


def test_manifest_that_is_gone(store):
    """Without its manifest a tree is not held."""
    assert not holds_files("0" * 64, store)


@pytest.mark.parametrize("path", ["../evil", "/etc/evil", "a/../../evil", "", "nul\0"])
def test_manifest_that_leads_out(store, path):
    """A manifest from elsewhere cannot have files written anywhere but in its folder."""
    content = {"files": [[path, "0" * 64, 1, False]], "is_file": False, "version": 1}
    stored = store.put_bytes(json.dumps(content).encode())

    with pytest.raises(DamagedFiles, match="which leads out of its folder"):
        read_manifest(stored.digest, store)


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"files": [1]}', b'{"files": [["a"]]}', b"\xff"])
def test_manifest_that_is_none(store, content):
    """Bytes that are no manifest are told as such."""
    with pytest.raises(DamagedFiles, match="is no list of files"):
        read_manifest(store.put_bytes(content).digest, store)
