"""Files are read once, and parsed again only when their bytes are new."""

from __future__ import annotations

import os

import pytest

from ropewalk.project import InvalidPython, ParseCache, PythonFiles, content_digest, read_steps
from ropewalk.project.python_files import CACHE_FILE

STEP = "def train() -> Model:\n    return 1\n"


@pytest.fixture
def root(write_project):
    """Return a project with a step, a helper and a state folder."""
    return write_project({"steps/train.py": STEP, "lib.py": STEP, ".ropewalk/here": ""})


def _kept(root):
    return (root / ".ropewalk" / CACHE_FILE).read_bytes()


def test_steps_stand_below_steps(root):
    """A function that returns a Model declares a step below steps/ only."""
    files = PythonFiles(root)

    assert [step.name for step in files.read("steps/train.py").steps] == ["train"]
    assert files.read("lib.py").steps == ()
    assert files.read("lib.py").summary == files.read("steps/train.py").summary


def test_kept_for_the_next_plan(root):
    """What was parsed once is not parsed again: a file that could no longer be parsed proves it."""
    files = PythonFiles(root)
    first = files.read("lib.py")
    files.save()

    again = PythonFiles(root)

    assert again._cache._known
    assert again.read("lib.py") == first


def test_same_size_and_time_is_no_proof(root):
    """A file is known by its bytes alone."""
    files = PythonFiles(root)
    before = files.read("lib.py")
    files.save()
    path = root / "lib.py"
    times = path.stat()
    path.write_text(STEP.replace("1", "2"))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))

    assert PythonFiles(root).read("lib.py") != before


def test_older_entries_are_forgotten(root):
    """The cache keeps what was read just before, and does not grow with every edit."""
    for number in range(5):
        (root / "lib.py").write_text(f"A = {number}\n")
        files = PythonFiles(root)
        files.read("lib.py")
        files.save()

    assert len(PythonFiles(root)._cache._known) == 2


def test_reading_steps_alone_keeps_what_is_there(root):
    """Those who only ask for the declarations do not make a plan forget the rest."""
    files = PythonFiles(root)
    files.read("lib.py")
    files.save()
    kept = _kept(root)

    read_steps(root)

    assert _kept(root) == kept


@pytest.mark.parametrize("content", [b"", b"\xc1\xc1", b"\x92\xa1x\x80", b"\x92\xa1x\x81\xa1y\x01"])
def test_damaged_cache_counts_as_empty(root, content):
    """A cache that cannot be read costs time only."""
    (root / ".ropewalk" / CACHE_FILE).write_bytes(content)

    assert PythonFiles(root).read("lib.py").summary.statements


def test_cache_of_another_version_counts_as_empty(tmp_path):
    """What other code read may mean something else."""
    one = ParseCache(tmp_path / "c", "1", int)
    one.get(content_digest(b"x"), lambda: 7)
    one.save()

    assert ParseCache(tmp_path / "c", "1", int).get(content_digest(b"x"), lambda: 8) == 7
    assert ParseCache(tmp_path / "c", "2", int).get(content_digest(b"x"), lambda: 8) == 8
    assert ParseCache(tmp_path / "c", "1", str).get(content_digest(b"x"), lambda: "8") == "8"


def test_folder_that_cannot_be_written(tmp_path):
    """Nothing is kept where nothing may be written, and nobody is bothered."""
    cache = ParseCache(tmp_path / "missing/c", "1", int)
    cache.get("a", lambda: 1)

    cache.save()

    assert not (tmp_path / "missing").exists()


def test_errors_are_not_kept(root):
    """A file that does not parse is read again, and told by its place."""
    (root / "lib.py").write_text("def (:\n")
    files = PythonFiles(root)

    for _ in range(2):
        with pytest.raises(InvalidPython) as caught:
            files.read("lib.py")
        assert str(caught.value.place) == "lib.py:1:5"


def test_file_that_is_gone(root):
    """A file that vanished meanwhile is a clear error."""
    with pytest.raises(InvalidPython, match="cannot be read"):
        PythonFiles(root).read("nowhere.py")
