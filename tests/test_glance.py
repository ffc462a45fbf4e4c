"""What a glance sees, what it does not look at, and when it is trusted."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ropewalk import glance
from ropewalk.glance import Unclear, is_noted, is_watched, look, project_root, recall, survey
from ropewalk.store import Database

RUN = ["run"]


@pytest.fixture
def root(tmp_path: Path, monkeypatch) -> Iterator[Path]:
    """Return a small project with a branch, a lake and an object, in which the test stands."""
    # Nothing of Ropewalk's own code, so that whoever edits it meanwhile does not disturb.
    monkeypatch.setattr(glance, "__file__", f"{tmp_path}/site-packages/ropewalk/glance.py")
    # pytest says in it what it is doing just now.
    monkeypatch.setattr(glance, "PASSING", glance.PASSING | {"PYTEST_CURRENT_TEST"})
    root = tmp_path / "shop"
    for name, text in {
        "ropewalk.yaml": "project: shop\n",
        "tables/staging/orders.sql": "SELECT 1 AS a",
        "landing/orders.csv": "a,b\n1,2\n",
        ".git/HEAD": "ref: refs/heads/main\n",
        ".git/index": "x",
        ".ropewalk/lake/catalog.sqlite": "catalogue",
        ".ropewalk/objects/ab/cd": "object",
        ".ropewalk/logs/1/a.log": "log",
        "node_modules/x/y.js": "1",
        "env/pyvenv.cfg": "home = /usr",
        "env/lib/a.py": "1",
    }.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    with contextlib.chdir(root):
        yield root


def _seen(root: Path, arguments: list[str] = RUN, **variables: str) -> str:
    return survey(str(root), arguments, {"HOME": "/home/a", **variables})[0]


def _rewrite_in_place(root: Path) -> None:
    path = root / "tables/staging/orders.sql"
    before = path.stat()
    path.write_text("SELECT 2 AS a")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


CHANGES: dict[str, Callable[[Path], object]] = {
    "an edit that keeps size and time": _rewrite_in_place,
    "a new file": lambda root: (root / "landing/more.csv").write_text(""),
    "a removed file": lambda root: (root / "landing/orders.csv").unlink(),
    "a renamed file": lambda root: (root / "landing/orders.csv").rename(root / "landing/old.csv"),
    "a new folder": lambda root: (root / "steps").mkdir(),
    "other permissions": lambda root: (root / "landing/orders.csv").chmod(0o600),
    "another branch": lambda root: (root / ".git/HEAD").write_text("ref: refs/heads/fix\n"),
    "a lake that was written to": lambda root: (root / ".ropewalk/lake/catalog.sqlite-wal").write_text("1"),
    "an object that is gone": lambda root: (root / ".ropewalk/objects/ab/cd").unlink(),
    "a lake that is gone": lambda root: (root / ".ropewalk/lake/catalog.sqlite").unlink(),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_change_is_seen(root, change):
    """Whatever a plan could depend on is in the digest."""
    before = _seen(root)
    assert _seen(root) == before
    time.sleep(0.02)

    change(root)

    assert _seen(root) != before


@pytest.mark.parametrize(
    "path", [".git/index", ".ropewalk/logs/1/a.log", "node_modules/x/y.js", "env/lib/a.py"]
)
def test_what_is_not_watched(root, path):
    """What Git, other programs and runs write all the time is not looked at."""
    before = _seen(root)

    (root / path).write_text("something else")

    assert _seen(root) == before
    assert not is_watched(str(root), path)


def test_arguments_and_variables(root):
    """Other arguments and another variable are another question; the shell's own variables are not."""
    before = _seen(root)

    assert _seen(root, ["run", "staging.orders"]) != before
    assert _seen(root, ROPEWALK_PARALLEL="4") != before
    assert _seen(root, SHLVL="7", _="/usr/bin/env") == before


def test_a_link_to_a_file(root, tmp_path):
    """The file behind a link counts, wherever it lies."""
    outside = tmp_path / "outside.csv"
    outside.write_text("1")
    (root / "landing/linked.csv").symlink_to(outside)
    before = _seen(root)

    outside.write_text("22")

    assert _seen(root) != before


def test_a_link_to_a_folder(root, tmp_path):
    """Behind a link to a folder there may be anything: nothing is told at a glance."""
    (root / "landing/all").symlink_to(tmp_path)

    with pytest.raises(Unclear):
        _seen(root)
    assert look(RUN) is None


def test_too_many_files(root, monkeypatch):
    """Of a project with very many files nothing is told at a glance."""
    monkeypatch.setattr(glance, "MOST_FILES", 4)

    with pytest.raises(Unclear):
        _seen(root)


def test_another_work_tree(root):
    """In the checkout of another work tree the branch is written elsewhere."""
    (root / ".git/HEAD").unlink()
    (root / ".git/index").unlink()
    (root / ".git").rmdir()
    (root / ".git").write_text("gitdir: /somewhere\n")

    with pytest.raises(Unclear):
        _seen(root)


@pytest.mark.parametrize(
    ("path", "is_seen"),
    [
        ("landing/*.csv", True),
        ("landing/../landing/a.csv", True),
        ("./a.csv", True),
        ("../a.csv", False),
        ("landing/../../a.csv", False),
        ("/data/a.csv", False),
        (".ropewalk/x", False),
        ("env/data.csv", False),
    ],
)
def test_is_watched(root, path, is_seen):
    """A path outside of the project, or in folders that are passed over, is not watched."""
    assert is_watched(str(root), path) is is_seen


def test_the_root(root):
    """The nearest project upwards counts, as for every command."""
    assert project_root(f"{root}/landing") == str(root)
    assert project_root("/") is None


def test_which_runs_are_noted():
    """Only plain runs are: what a scheduler or a plan asks for is recorded each time."""
    assert is_noted(["run", "mart.a", "--json"])
    assert not is_noted(["run", "--cause", "schedule:nightly"])
    assert not is_noted(["plan"])


@pytest.fixture
def noted(root, monkeypatch) -> Path:
    """Return a project about which a run that found everything fresh left the note `all fresh`."""
    monkeypatch.setattr(glance, "GRAIN_NS", 0)
    with contextlib.closing(Database.open(root / ".ropewalk/ropewalk.db")) as database:
        leave = look(RUN)
        turn = database.undisturbed()
    assert leave is not None
    assert turn is not None
    leave("all fresh\n", turn)
    return root


def test_nothing_changed(noted):
    """What the run would print is told again, as often as it is asked for."""
    assert [recall(RUN), recall(RUN)] == ["all fresh\n"] * 2


def test_another_question(noted):
    """Other arguments are not answered."""
    assert recall(["run", "--json"]) is None


def test_somebody_wrote(noted):
    """A write transaction of anybody ends what was noted, also one that is taken back afterwards."""
    with contextlib.closing(Database.open(noted / ".ropewalk/ropewalk.db")) as database, database.write():
        pass

    assert recall(RUN) is None


def test_reading_ends_nothing(noted):
    """A command that only reads leaves the note as good as it was, or makes it void; it never lies."""
    (noted / "landing/orders.csv").write_text("a,b\n1,3\n")
    with contextlib.closing(Database.open(noted / ".ropewalk/ropewalk.db")) as database, database.read():
        pass

    assert recall(RUN) is None


def test_the_database_is_exchanged(noted):
    """A database put in the other's place is another, whatever its turns say."""
    path = noted / ".ropewalk/ropewalk.db"
    copy = path.with_name("copy")
    copy.write_bytes(path.read_bytes())
    copy.replace(path)

    assert recall(RUN) is None


def test_it_lasts_an_hour(noted, monkeypatch):
    """After an hour, and before its own time, a note is not trusted."""
    now = time.time()
    for moment in (now + 3601, now - 60):
        monkeypatch.setattr(glance.time, "time", lambda moment=moment: moment)
        assert recall(RUN) is None


@pytest.mark.parametrize("text", ["", "x\ny\nz\n", "\0" * 100, "nan\n['run']\nabc\ntext"])
def test_a_damaged_note(noted, text):
    """Half a note, or something else, is no answer."""
    (noted / ".ropewalk/glance").write_text(text)

    assert recall(RUN) is None


def test_written_meanwhile(root, monkeypatch):
    """When somebody else wrote while the run went on, no note is left."""
    monkeypatch.setattr(glance, "GRAIN_NS", 0)
    path = root / ".ropewalk/ropewalk.db"
    with contextlib.closing(Database.open(path)) as database:
        leave = look(RUN)
        turn = database.undisturbed()
    with contextlib.closing(Database.open(path)) as other, other.write():
        pass
    assert leave is not None
    assert turn is not None

    leave("all fresh\n", turn)

    assert recall(RUN) is None


def test_what_changed_just_now(root):
    """What changed within the last tick of a file system's clock may change again unseen: no note then."""
    assert look(RUN) is None


def test_no_project(tmp_path, monkeypatch):
    """Where there is no project there is nothing to tell."""
    with contextlib.chdir(tmp_path):
        assert recall(RUN) is None
        assert look(RUN) is None
