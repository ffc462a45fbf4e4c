"""Objects as files elsewhere: whole, read-only, and touched only where something differs."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ropewalk.pipeline import ObjectMissing, ObjectStore, StatCache, StoreFull, UnsafePath


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    return ObjectStore(tmp_path / "objects")


@pytest.fixture
def no_links(monkeypatch: pytest.MonkeyPatch) -> None:
    """Be on a file system where a file has one name."""

    def refuse(*_: object) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)


def tree(folder: Path) -> dict[str, str]:
    """Return the files below a folder with their text."""
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def stored(store: ObjectStore, **texts: str) -> dict[str, str]:
    """Store texts and return their manifest; `__` in a name stands for `/`."""
    return {name.replace("__", "/"): store.put_bytes(text.encode()).digest for name, text in texts.items()}


def test_link(store: ObjectStore, tmp_path: Path) -> None:
    """An object appears elsewhere as the same file, in folders made for it."""
    stored = store.put_bytes(b"x")

    store.link(stored.digest, tmp_path / "model/files/a.bin")

    assert (tmp_path / "model/files/a.bin").samefile(store.path(stored.digest))
    assert [path.name for path in (tmp_path / "model/files").iterdir()] == ["a.bin"]


def test_link_in_place_of_another(store: ObjectStore, tmp_path: Path) -> None:
    """Linking over a link to another object leaves both objects as they are."""
    one, two = store.put_bytes(b"one"), store.put_bytes(b"two")

    for stored in (one, two, two):
        store.link(stored.digest, tmp_path / "file")

    assert (tmp_path / "file").read_bytes() == store.path(two.digest).read_bytes() == b"two"
    assert store.path(one.digest).read_bytes() == b"one"


def test_link_across_filesystems(store: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no hard link is possible the object is copied, read-only as well."""

    def refuse(*_: object) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    stored = store.put_bytes(b"x")
    monkeypatch.setattr(os, "link", refuse)

    store.link(stored.digest, tmp_path / "copy")

    assert (tmp_path / "copy").read_bytes() == b"x"
    assert (tmp_path / "copy").stat().st_mode & 0o777 == 0o444
    assert not (tmp_path / "copy").samefile(store.path(stored.digest))


def test_link_of_nothing(store: ObjectStore, tmp_path: Path) -> None:
    """A missing object makes no file."""
    with pytest.raises(ObjectMissing):
        store.link("0" * 64, tmp_path / "file")

    assert not (tmp_path / "file").exists()


def test_link_to_what_is_there(store: ObjectStore, tmp_path: Path) -> None:
    """Linking again changes nothing at all, not even a time."""
    digest = store.put_bytes(b"x").digest
    store.link(digest, tmp_path / "file")
    before = (tmp_path / "file").stat()

    store.link(digest, tmp_path / "file")

    assert (tmp_path / "file").stat() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "objects"]


def test_link_over_a_symbolic_link(store: ObjectStore, tmp_path: Path) -> None:
    """A link in the target's place is replaced; what it leads to stays as it was."""
    (tmp_path / "precious").write_text("precious")
    (tmp_path / "file").symlink_to(tmp_path / "precious")

    store.link(store.put_bytes(b"x").digest, tmp_path / "file")

    assert not (tmp_path / "file").is_symlink()
    assert (tmp_path / "precious").read_text() == "precious"


def test_a_changed_file_is_restored(store: ObjectStore, tmp_path: Path) -> None:
    """A file that somebody replaced by their own gets its content back."""
    digest = store.put_bytes(b"mine").digest
    (tmp_path / "file").write_text("edit")

    store.link(digest, tmp_path / "file")

    assert (tmp_path / "file").read_text() == "mine"


def test_copy_into_a_full_disk(
    store: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_links: None
) -> None:
    """Where a copy has no room, what was there stays, and nothing half-written does."""

    def fill(source: Path, target: Path) -> None:
        target.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    (tmp_path / "out").mkdir()
    (tmp_path / "out/file").write_text("old")
    monkeypatch.setattr(shutil, "copyfile", fill)
    with pytest.raises(StoreFull, match="No space left"):
        store.link(store.put_bytes(b"x").digest, tmp_path / "out/file")

    assert tree(tmp_path / "out") == {"file": "old"}


@pytest.mark.parametrize("number", [errno.EOPNOTSUPP, errno.EINVAL, errno.EXDEV, errno.ENOTTY])
def test_no_clones_here(
    store: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """Where blocks cannot be shared this is asked once, and a second name is given."""
    asked: list[int] = []

    def refuse(descriptor: int, *_: object) -> None:
        asked.append(descriptor)
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "ioctl", refuse)
    store.link_tree(stored(store, a="1", b="2", c="3"), tmp_path / "out")

    assert len(asked) == 1
    assert tree(tmp_path / "out") == {"a": "1", "b": "2", "c": "3"}


def test_clones(tmp_path: Path) -> None:
    """Where blocks can be shared the file is one of its own: read-only, and the object survives whoever insists."""
    if os.geteuid() != 0 or shutil.which("mkfs.btrfs") is None:
        pytest.skip("a file system with clones cannot be made here")
    code = (
        "from pathlib import Path; from ropewalk.pipeline import ObjectStore\n"
        "store = ObjectStore(Path('objects')); digest = store.put_bytes(b'x' * 1_000_000).digest\n"
        "store.link(digest, Path('file')); file = Path('file')\n"
        "print(file.samefile(store.path(digest)), oct(file.stat().st_mode)[-3:])\n"
        "file.chmod(0o644); file.write_text('changed'); print(len(store.verify().damaged))\n"
    )
    script = 'truncate -s 150M disk && mkfs.btrfs -q disk >/dev/null && mkdir mnt && mount -o loop disk mnt && cd mnt && exec "$0" -c "$1"'
    command = ["unshare", "--mount", "sh", "-c", script, sys.executable, code]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    if done.returncode != 0 and "mount" in done.stderr:
        pytest.skip("mounting is not allowed here")

    assert done.stdout.split() == ["False", "444", "0"], done.stderr


def test_tree(store: ObjectStore, tmp_path: Path) -> None:
    """All files appear, in folders made for them; other files stay."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out/other").write_text("other")

    touched = store.link_tree(stored(store, a="1", b__c="2", b__d__e="3"), tmp_path / "out")

    assert touched == 3
    assert tree(tmp_path / "out") == {"a": "1", "b/c": "2", "b/d/e": "3", "other": "other"}


def test_only_what_differs_is_touched(store: ObjectStore, tmp_path: Path) -> None:
    """A second time nothing is touched, and after a change only what changed."""
    store.link_tree(stored(store, a="1", b="2"), tmp_path / "out")
    before = (tmp_path / "out/a").stat()

    assert store.link_tree(stored(store, a="1", b="2"), tmp_path / "out") == 0
    assert store.link_tree(stored(store, a="1", b="3"), tmp_path / "out") == 1

    assert (tmp_path / "out/a").stat() == before
    assert tree(tmp_path / "out") == {"a": "1", "b": "3"}


def test_copies_are_not_made_again(store: ObjectStore, tmp_path: Path, no_links: None) -> None:
    """Where links are not possible, the stat cache tells which copies are what they should be."""
    known = StatCache(tmp_path / "cache")
    manifest = stored(store, a="1", b="2")
    store.link_tree(manifest, tmp_path / "out", known=known)
    (tmp_path / "out/b").chmod(0o644)
    (tmp_path / "out/b").write_text("9")

    assert store.link_tree(manifest, tmp_path / "out", known=known) == 1
    assert store.link_tree(manifest, tmp_path / "out", known=known) == 0
    known.close()


def test_a_copy_that_may_be_written(store: ObjectStore, tmp_path: Path, no_links: None) -> None:
    """A copy that somebody made writable is replaced, though its bytes are right still: the next moment they may not be."""
    known = StatCache(tmp_path / "cache")
    manifest = stored(store, a="1")
    store.link_tree(manifest, tmp_path / "out", known=known)
    (tmp_path / "out/a").chmod(0o644)

    assert store.link_tree(manifest, tmp_path / "out", known=known) == 1
    assert (tmp_path / "out/a").stat().st_mode & 0o777 == 0o444
    known.close()


def test_exact_tree(store: ObjectStore, tmp_path: Path) -> None:
    """Nothing but the manifest's files is there afterwards, also where files and folders changed places."""
    out = tmp_path / "out"
    store.link_tree(stored(store, a="1", b__c="2", gone__x__y="3", d="4"), out)
    (out / "link").symlink_to(tmp_path)

    store.link_tree(stored(store, a="1", b="2", d__e="4"), out, is_exact=True)

    assert tree(out) == {"a": "1", "b": "2", "d/e": "4"}
    assert sorted(path.name for path in out.iterdir()) == ["a", "b", "d"]
    assert store.path(store.put_bytes(b"3").digest).is_file()


@pytest.mark.parametrize("name", ["../x", "/etc/x", "a/../../x", "", ".", "a\0b", ".."])
def test_names_that_lead_out(store: ObjectStore, tmp_path: Path, name: str) -> None:
    """A list of files from elsewhere cannot write beside its folder, and then writes nothing in it either."""
    digest = store.put_bytes(b"x").digest

    with pytest.raises(UnsafePath, match="not the name of a file"):
        store.link_tree({"fine": digest, name: digest}, tmp_path / "out")

    assert sorted(path.name for path in tmp_path.iterdir()) == ["objects"]


def test_a_folder_that_leads_out(store: ObjectStore, tmp_path: Path) -> None:
    """Files are not written through a link to another folder."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out/b").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(UnsafePath, match="leads out of"):
        store.link_tree(stored(store, b__c="2"), tmp_path / "out")

    assert tree(tmp_path / "elsewhere") == {}


def test_a_missing_part(store: ObjectStore, tmp_path: Path) -> None:
    """When one object is missing, no file is touched."""
    with pytest.raises(ObjectMissing):
        store.link_tree({**stored(store, a="1"), "b": "0" * 64}, tmp_path / "out")

    assert not (tmp_path / "out").exists()


names = st.sampled_from(["a", "b", "c/d", "c/e", "f/g/h"])


@given(manifests=st.lists(st.dictionaries(names, st.sampled_from("123")), min_size=1, max_size=4))
def test_any_tree_after_any_other(
    manifests: list[dict[str, str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whatever was there before, an exact tree is its manifest, and what was touched is what differed."""
    store = ObjectStore(tmp_path_factory.getbasetemp() / f"trees-{os.getpid()}")
    out = store.folder / "out"
    shutil.rmtree(out, ignore_errors=True)
    before: dict[str, str] = {}
    for manifest in manifests:
        digests = {name: store.put_bytes(text.encode()).digest for name, text in manifest.items()}

        touched = store.link_tree(digests, out, is_exact=True)

        assert tree(out) == manifest
        assert touched == len(set(before.items()) ^ set(manifest.items())) - len(
            [name for name in before.keys() & manifest.keys() if before[name] != manifest[name]]
        )
        before = manifest


def test_a_hundred_files_are_quick(store: ObjectStore, tmp_path: Path) -> None:
    """Restoring a hundred outputs takes far less than a step's process would."""
    manifest = {f"out{n}": store.put_bytes(b"%d" % n).digest for n in range(100)}
    cpu = time.process_time()

    store.link_tree(manifest, tmp_path / "out")

    assert time.process_time() - cpu < 0.1
