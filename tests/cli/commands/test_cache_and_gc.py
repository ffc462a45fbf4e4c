"""`ropewalk cache` and `ropewalk gc`: results that travel between checkouts, and what is removed."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ropewalk.cli.commands.gc import amount
from ropewalk.cli.main import run


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder where results are shared."""
    monkeypatch.setenv("ROPEWALK_CACHE", str(tmp_path / "shared"))
    return tmp_path / "shared"


@pytest.fixture
def laptop(shop: Path, tmp_path: Path) -> Path:
    """Return a fresh checkout of the shop on another machine."""
    root = tmp_path / "laptop"
    shutil.copytree(shop, root, ignore=shutil.ignore_patterns(".ropewalk"))
    return root


def ask(root: Path, capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, object]:
    """Run a command with --json in a project and return its answer."""
    capsys.readouterr()
    with contextlib.chdir(root):
        code = run([*words, "--json"])
    answer: dict[str, object] = json.loads(capsys.readouterr().out)
    assert code == 0, answer
    return answer


def tell(root: Path, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """Run a command in a project and return what it prints."""
    capsys.readouterr()
    with contextlib.chdir(root):
        assert run(list(words)) == 0
    return capsys.readouterr().out


def states(answer: dict[str, object]) -> dict[str, str]:
    return {one["node"]: one["state"] for one in answer["nodes"]}  # type: ignore[attr-defined,index]


def test_from_ci_to_a_laptop(
    shop: Path, laptop: Path, shared: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A checkout that never ran has all of the data after a pull, without executing anything."""
    pushed = ask(shop, capsys, "cache", "push")
    pulled = ask(laptop, capsys, "cache", "pull")

    assert set(states(pushed).values()) == {"pushed"}
    assert set(states(pulled).values()) == {"pulled"}
    plan = ask(laptop, capsys, "plan")
    assert {node["status"] for node in plan["nodes"]} == {"restored"}  # type: ignore[attr-defined,index]
    rows = tell(laptop, capsys, "sql", "SELECT sum(amount) AS total FROM mart.totals")
    assert "30" in rows


def test_push_and_status_for_people(shop: Path, shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each node has its line, and a last one says what travelled."""
    assert "0 of 3 nodes are there" in tell(shop, capsys, "cache", "status")

    said = tell(shop, capsys, "cache", "push")

    assert "table:mart.totals" in said
    assert "3 pushed" in said
    assert "travelled" in said
    assert "3 there; 0 B travelled" in tell(shop, capsys, "cache", "push")
    assert "3 of 3 nodes are there" in tell(shop, capsys, "cache", "status")


def test_status_says_what_counts(
    shop: Path, shared: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Role and namespaces are shown; a trusted builder reads trusted results only."""
    assert ask(shop, capsys, "cache", "status")["reads"] == ["trusted", "untrusted/shop/dev"]

    monkeypatch.setenv("ROPEWALK_CACHE_ROLE", "trusted")

    found = ask(shop, capsys, "cache", "status")
    assert (found["role"], found["reads"]) == ("trusted", ["trusted"])


def test_status_without_a_cache(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing set is nothing shared, and no error."""
    assert "ROPEWALK_CACHE is not set" in tell(shop, capsys, "cache", "status")
    assert ask(shop, capsys, "cache", "status") == {"cache": None, "nodes": {}}


@pytest.mark.parametrize("action", ["push", "pull"])
def test_transfer_without_a_cache(shop: Path, capsys: pytest.CaptureFixture[str], action: str) -> None:
    """Push and pull need one."""
    with contextlib.chdir(shop):
        assert run(["cache", action]) == 3
    assert "error[RW211]" in capsys.readouterr().err


def test_a_wrong_role(
    shop: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A role that is none is named with those that are."""
    monkeypatch.setenv("ROPEWALK_CACHE_ROLE", "trused")
    with contextlib.chdir(shop):
        assert run(["cache", "status"]) == 2
    assert "did you mean: trusted" in capsys.readouterr().err


def test_verify(own_shop: Path, capsys: pytest.CaptureFixture[str], shared: Path) -> None:
    """Damaged objects are named and removed; a second look finds none."""
    tell(own_shop, capsys, "cache", "push")
    place = next(path for path in (own_shop / ".ropewalk/objects").glob("??/*") if path.stat().st_size > 50)
    place.chmod(0o644)
    place.write_bytes(b"damage")

    said = tell(own_shop, capsys, "cache", "verify")

    assert "1 damaged" in said
    assert f"removed {place.parent.name}{place.name}" in said
    assert ask(own_shop, capsys, "cache", "verify")["damaged"] == []


def test_gc_finds_nothing_to_do(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is current and what is young stays."""
    assert "nothing to remove" in tell(shop, capsys, "gc")


def test_gc_after_an_edit(
    own_shop: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What an edit replaced goes when its time has come; what is current is still there, with all its data."""
    table = own_shop / "tables/mart/totals.sql"
    table.write_text("SELECT late, 2 * sum(amount) AS amount FROM staging.orders GROUP BY late\n")
    tell(own_shop, capsys, "run")
    monkeypatch.setenv("ROPEWALK_KEEP_HISTORY", "0")
    make_old(own_shop)

    said = ask(own_shop, capsys, "gc", "--older-than", "1h", "--dry-run")
    done = ask(own_shop, capsys, "gc", "--older-than", "1h")

    assert said["dry_run"] is True
    assert removed(said)["actions"] == removed(done)["actions"] == 1
    assert removed(done)["snapshots"] >= 0
    assert {node["status"] for node in ask(own_shop, capsys, "plan")["nodes"]} == {"fresh"}  # type: ignore[attr-defined,index]
    assert "60" in tell(own_shop, capsys, "sql", "SELECT sum(amount) AS total FROM mart.totals")


def make_old(root: Path) -> None:
    """Let all that was recorded have happened yesterday."""
    import sqlite3

    with contextlib.closing(sqlite3.connect(root / ".ropewalk/ropewalk.db")) as connection, connection:
        day = 24 * 3600 * 1000
        connection.execute(f"UPDATE action SET finished_at = finished_at - {day}")
        connection.execute(f"UPDATE environment_change SET changed_at = changed_at - {day}")
    for path in (root / ".ropewalk/objects").rglob("*"):
        os.utime(path, (1, 1))


def removed(answer: dict[str, object]) -> dict[str, int]:
    return {one["what"]: one["count"] for one in answer["removed"]}  # type: ignore[attr-defined,index]


def test_gc_for_people(
    own_shop: Path, capsys: pytest.CaptureFixture[str], make_project: Callable[..., Path]
) -> None:
    """A line for each sort of thing, and one for the sum; a dry run says that it is one."""
    tell(own_shop, capsys, "run")
    stray = own_shop / ".ropewalk/objects" / "ab" / ("c" * 62)
    stray.parent.mkdir(parents=True, exist_ok=True)
    stray.write_bytes(b"x" * 12_345)
    os.utime(stray, (1, 1))

    assert "12 kB would be freed" in tell(own_shop, capsys, "gc", "--dry-run")
    said = tell(own_shop, capsys, "gc")

    assert "objects: 1, 12 kB" in said
    assert "12 kB freed" in said
    assert not stray.exists()


@pytest.mark.parametrize("age", ["fortnight", "14", "-1d", "1.5d", ""])
def test_wrong_ages(shop: Path, capsys: pytest.CaptureFixture[str], age: str) -> None:
    """What is no age is refused before anything is looked at."""
    with contextlib.chdir(shop):
        assert run(["gc", "--older-than", age]) == 2
    assert "14d" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1 kB"),
        (12_345, "12 kB"),
        (123_456, "123 kB"),
        (999_600, "1 MB"),
        (5 * 10**12, "5 TB"),
    ],
)
def test_amounts(size: int, text: str) -> None:
    """Bytes as people read them."""
    assert amount(size) == text
