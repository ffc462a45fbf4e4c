"""Garbage collection: what somebody can ask for stays, the rest goes, and a kill anywhere leaves a consistent state."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from ropewalk import plugins
from ropewalk.pipeline import Kept, State, Swept, Workspace, collect_garbage, parse_age
from ropewalk.pipeline.leases import Leases
from ropewalk.plugins import hookimpl
from ropewalk.project import load_project
from ropewalk.settings import load_settings
from ropewalk.store import now_ms
from ropewalk.store.artifacts import Artifact, put_artifact
from ropewalk.store.environments import list_environments, move_pointers, pointers
from ropewalk.store.pipeline import (
    ActionRow,
    NodeRunRow,
    RunRow,
    get_action,
    record_action,
    record_node_run,
    start_run,
)

from .conftest import Bench, Declare

DAY_MS = 24 * 3600 * 1000
WEEKS = 14 * DAY_MS
LONG_AGO = now_ms() - 200 * DAY_MS
PROJECT = "project: test\nenvironments:\n  short: {expires: 24h}\n  held: {expires: 24h, protected: true}\n"


class Store:
    """A workspace in which actions are made as runs would have made them, at any time."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.database = workspace.database
        start_run(self.database, RunRow("1" * 32, "dev", "succeeded", None, None, False, LONG_AGO, LONG_AGO))

    def action(self, key: str, at: int = LONG_AGO, reference: str = "file:a", run: str = "1" * 32) -> str:
        """Record an action that was executed at a time, current nowhere."""
        key = key * (32 // len(key))
        output = json.dumps({"digest": "d", "reference": reference, "origins": [], "makes": []})
        row = ActionRow(key, key, f"file:{key[0]}", {}, {}, {}, output, run, 1, 1, at)
        with self.database.write() as connection:
            record_action(connection, row, None)
        return key

    def point(self, environment: str, key: str, at: int | None = None, node: str = "file:n") -> None:
        """Let an environment point at an action, as it did at a time."""
        with self.database.write() as connection:
            move_pointers(connection, environment, {node: key}, "run:x")
            if at is not None:
                connection.execute(
                    "UPDATE environment_change SET changed_at = ? WHERE environment = ? AND version ="
                    " (SELECT max(version) FROM environment_change WHERE environment = ?)",
                    (at, environment, environment),
                )

    def used(self, environment: str, at: int) -> None:
        """Let an environment have been used last at a time."""
        with self.database.write() as connection:
            connection.execute("UPDATE environment SET used_at = ? WHERE name = ?", (at, environment))

    def object(self, content: bytes, *, is_old: bool = True) -> str:
        """Store an object, long ago if it is to be old."""
        digest = self.workspace.objects.put_bytes(content).digest
        if is_old:
            os.utime(self.workspace.objects.path(digest), (1, 1))
        return digest

    def has(self, key: str) -> bool:
        return get_action(self.database, key) is not None

    def collect(self, older_than_ms: int = WEEKS, *, is_dry: bool = False) -> Mapping[str, Swept]:
        return {one.what: one for one in collect_garbage(self.workspace, older_than_ms, is_dry=is_dry)}


@pytest.fixture
def store(tmp_path: Path, environ: dict[str, str]) -> Iterator[Store]:
    root = tmp_path / "project"
    root.mkdir()
    (root / "ropewalk.yaml").write_text(PROJECT)
    with Workspace(load_project(root, plugins.sections()), load_settings(environ)) as workspace:
        yield Store(workspace)


def test_what_nobody_points_at_goes(store: Store) -> None:
    """An old action that no environment has is forgotten; one that is current stays."""
    current, other = store.action("a"), store.action("b")
    store.point("dev", current)

    swept = store.collect()

    assert (store.has(current), store.has(other)) == (True, False)
    assert swept["actions"].count == 1


def test_what_is_young_stays(store: Store) -> None:
    """Whatever was executed lately stays, whether it is current anywhere or not."""
    key = store.action("a", at=now_ms() - 13 * DAY_MS)

    assert store.collect()["actions"].count == 0
    assert store.collect(older_than_ms=12 * DAY_MS)["actions"].count == 1
    assert not store.has(key)


def test_history_stays_for_a_while(store: Store) -> None:
    """What an environment had within the last 30 days stays, also when it got it long before; older history goes."""
    oldest, older, old, new = (store.action(name) for name in "abcd")
    store.point("dev", oldest, at=now_ms() - 90 * DAY_MS)
    store.point("dev", older, at=now_ms() - 60 * DAY_MS)
    store.point("dev", old, at=now_ms() - 20 * DAY_MS)
    store.point("dev", new)

    store.collect()

    assert [store.has(key) for key in (oldest, older, old, new)] == [False, True, True, True]


def test_length_of_history(store: Store, environ: dict[str, str]) -> None:
    """How long history stays is a setting."""
    old, new = store.action("a"), store.action("b")
    store.point("dev", old, at=now_ms() - 60 * DAY_MS)
    store.point("dev", new, at=now_ms() - 10 * DAY_MS)
    settings = load_settings({**environ, "ROPEWALK_KEEP_HISTORY": "5"})
    with Workspace(store.workspace.project, settings) as workspace:
        collect_garbage(workspace, WEEKS)

    assert (store.has(old), store.has(new)) == (False, True)


def test_removed_pointers(store: Store) -> None:
    """A node that an environment no longer has stays in its history only."""
    key = store.action("a")
    store.point("dev", key, at=now_ms() - 60 * DAY_MS)
    with store.database.write() as connection:
        move_pointers(connection, "dev", {"file:n": None}, "run:x")
    store.collect()
    assert store.has(key)

    with store.database.write() as connection:
        connection.execute("UPDATE environment_change SET changed_at = changed_at - ?", (50 * DAY_MS,))
    store.collect()
    assert not store.has(key)


def test_release_files_keep(store: Store) -> None:
    """What a release file names stays, as it stands and as committed, also when it cannot be read as a release."""
    root = store.workspace.root
    committed, standing, broken, other = (store.action(name) for name in "abcd")
    (root / "releases").mkdir()
    (root / "releases/production.yaml").write_text(f"nodes:\n  file:a: {{key: {committed}}}\n")
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", "-C", str(root)]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "add", "releases"], check=True)
    subprocess.run([*git, "commit", "-qm", "Release"], check=True)
    (root / "releases/production.yaml").write_text(f"nodes:\n  file:a: {{key: {standing}}}\n")
    (root / "releases/broken.yaml").write_text(f"{{{{ {broken}")

    store.collect()

    assert [store.has(key) for key in (committed, standing, broken, other)] == [True, True, True, False]


def test_runs_in_progress_keep(store: Store) -> None:
    """What a run at work has restored, executes, or has executed stays, however old it is."""
    start_run(store.database, RunRow("2" * 32, "dev", "running", None, None, False, LONG_AGO, None))
    restored, executing, executed, other = (
        store.action("a"),
        store.action("b"),
        store.action("c", run="2" * 32),
        store.action("d"),
    )
    with store.database.write() as connection:
        record_node_run(connection, NodeRunRow("2" * 32, "file:a", "restored", [], None, 1, 1, restored))
    stopping = store.workspace.stopping
    with (
        Leases(store.database) as leases,
        leases.hold(f"run:{'2' * 32}", stopping),
        leases.hold(f"action:{executing}", stopping),
    ):
        store.collect()

    assert [store.has(key) for key in (restored, executing, executed, other)] == [True, True, True, False]


def test_nothing_made_since_the_oldest_run_began(store: Store) -> None:
    """Objects that a run at work has made, and not named yet, stay, whatever age is asked for."""
    digest = store.object(b"just made", is_old=False)
    hour_ago = time.time() - 3600
    os.utime(store.workspace.objects.path(digest), (hour_ago, hour_ago))
    with Leases(store.database) as leases, leases.hold("run:x", store.workspace.stopping):
        with store.database.write() as connection:
            connection.execute("UPDATE lease SET taken_at = ?", (now_ms() - 2 * 3_600_000,))
        assert store.collect(older_than_ms=0)["objects"].count == 0

    assert store.collect(older_than_ms=0)["objects"].count == 1


def test_what_was_made_this_moment_stays(store: Store) -> None:
    """Even when everything is to go: an upload stores bytes a moment before it names them."""
    store.object(b"just made", is_old=False)

    assert store.collect(older_than_ms=0)["objects"].count == 0


def test_objects(store: Store) -> None:
    """Objects that nothing names are removed once they are old; artifacts keep theirs."""
    named, unnamed, young = store.object(b"named"), store.object(b"12345"), store.object(b"y", is_old=False)
    with store.database.write() as connection:
        put_artifact(connection, Artifact("1/x", named, 5))

    swept = store.collect()

    assert [store.workspace.objects.has(digest) for digest in (named, unnamed, young)] == [True, False, True]
    assert swept["objects"] == Swept("objects", 1, 5)


def test_files_of_steps(store: Store) -> None:
    """The files that a current step made stay with their list; those of a forgotten one go."""
    digests: dict[str, list[str]] = {}
    for name in "ab":
        blob = store.object(f"blob {name}".encode())
        described = {"files": [["x", blob, 6, False]], "is_file": False, "version": 1}
        digests[name] = [blob, store.object(json.dumps(described).encode())]
        store.action(name, reference=f"files:{digests[name][1]}")
    store.point("dev", "a" * 32)

    store.collect()

    has = store.workspace.objects.has
    assert {name: [has(digest) for digest in found] for name, found in digests.items()} == {
        "a": [True, True],
        "b": [False, False],
    }


def test_expired_environments(store: Store) -> None:
    """An environment whose time has passed since its last use goes first; a protected one never does."""
    keys = {name: store.action(letter) for name, letter in (("short", "a"), ("held", "b"), ("other", "c"))}
    for name, key in keys.items():
        store.point(name, key)
        store.used(name, now_ms() - 2 * DAY_MS)

    swept = store.collect()

    assert swept["environments"].count == 1
    assert {row.name for row in list_environments(store.database)} == {"held", "other"}
    assert {name: store.has(key) for name, key in keys.items()} == {
        "short": False,
        "held": True,
        "other": True,
    }


def test_an_environment_in_use_does_not_expire(store: Store, environ: dict[str, str]) -> None:
    """One that was used within its time stays, and so does the one that the command works in."""
    store.point("short", store.action("a"))
    assert store.collect()["environments"].count == 0

    store.used("short", LONG_AGO)
    with Workspace(store.workspace.project, load_settings(environ, environment="short")) as workspace:
        assert collect_garbage(workspace, WEEKS)[0].count == 0


def test_dry_run(store: Store) -> None:
    """A dry run says just what a real one does, and removes nothing."""
    store.point("short", store.action("a"))
    store.used("short", LONG_AGO)
    store.action("b")
    digest = store.object(b"12345")
    log = store.workspace.state / "logs" / ("3" * 32) / "step.log"
    log.parent.mkdir(parents=True)
    log.write_text("text")
    os.utime(log, (1, 1))

    said = store.collect(is_dry=True)

    assert store.has("b" * 32)
    assert store.workspace.objects.has(digest)
    assert log.exists()
    assert len(list_environments(store.database)) == 1
    done = store.collect()
    assert {what: swept for what, swept in done.items() if what in said} == said
    assert [said[what].count for what in ("environments", "actions", "objects", "logs of runs")] == [
        1,
        2,
        1,
        1,
    ]


def test_logs(store: Store) -> None:
    """Logs of old runs of which nothing stays go; those of kept runs, and what is no run's, stay."""
    store.point("dev", store.action("a"))
    logs = store.workspace.state / "logs"
    for name in ("1" * 32, "4" * 32, "schedule"):
        (logs / name).mkdir(parents=True)
        (logs / name / "x.log").write_text("text")
        os.utime(logs / name / "x.log", (1, 1))
    (logs / ("5" * 32)).mkdir()

    swept = store.collect()

    assert swept["logs of runs"] == Swept("logs of runs", 1, 4)
    assert {path.name for path in logs.iterdir()} == {"1" * 32, "5" * 32, "schedule"}


def test_twice_finds_nothing_more(store: Store) -> None:
    """What is collected is collected at once."""
    store.action("a")
    store.object(b"x")
    store.collect()

    assert all(swept.count == 0 for swept in store.collect().values())


def test_a_room_that_has_objects(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plugin names objects of its own, and sweeps what it keeps elsewhere, told what stays."""
    digest = store.object(b"a plugin's")
    key = store.action("a", reference="mine:1")
    store.point("dev", key)
    told: list[Kept] = []

    class Room:
        @hookimpl
        def live_objects(self, workspace: Workspace, kept: Kept) -> list[str]:
            return [digest]

        @hookimpl
        def sweep(self, workspace: Workspace, kept: Kept) -> list[Swept]:
            told.append(kept)
            return [Swept("mine", 7)]

    room = Room()
    plugins.plugin_manager().register(room)
    try:
        swept = store.collect()
    finally:
        plugins.plugin_manager().unregister(room)

    assert store.workspace.objects.has(digest)
    assert swept["mine"].count == 7
    assert "mine:1" in told[0].references
    assert told[0].outputs["file:a"][0].reference == "mine:1"
    assert "1" * 32 in told[0].runs


@pytest.mark.parametrize(
    ("text", "age"),
    [
        ("14d", WEEKS),
        ("2w", WEEKS),
        ("36h", 36 * 3_600_000),
        ("90m", 5_400_000),
        ("0s", 0),
        ("1", None),
        ("d", None),
        ("-1d", None),
        ("1.5d", None),
    ],
)
def test_ages(text: str, age: int | None) -> None:
    """An age is a number and a unit."""
    assert parse_age(text) == age


KILLED = """
import os, sys
from pathlib import Path
from ropewalk import plugins
from ropewalk.pipeline import Workspace, collect_garbage
from ropewalk.project import load_project
from ropewalk.settings import load_settings
with Workspace(load_project(Path(sys.argv[1]), plugins.sections()), load_settings(os.environ)) as workspace:
    print("ready", flush=True)
    collect_garbage(workspace, 0)
"""


def test_killed_anywhere(store: Store) -> None:
    """Killed at any moment, nothing current is missing, every row that is left has its objects, and the next one ends it."""
    keys = []
    for number in range(150):
        blob = store.object(b"%d" % number)
        described = {"files": [["x", blob, 6, False]], "is_file": False, "version": 1}
        manifest = store.object(json.dumps(described).encode())
        keys.append((store.action(f"{number:032x}", reference=f"files:{manifest}"), blob, manifest))
    for place, (key, _, _) in enumerate(keys[::3]):
        store.point("dev", key, at=LONG_AGO, node=f"file:{place}")
    has = store.workspace.objects.has
    for _ in range(4):
        command = [sys.executable, "-c", KILLED, str(store.workspace.root)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(random.uniform(0, 0.15))  # a moment, not a secret
            process.kill()
        left = [(key, blob, manifest) for key, blob, manifest in keys if store.has(key)]
        assert {key for key, _, _ in left} >= set(pointers(store.database, "dev").values())
        assert all(has(blob) and has(manifest) for _, blob, manifest in left)

    store.collect(older_than_ms=0)

    assert sum(store.has(key) for key, _, _ in keys) == 50
    assert sum(1 for _ in store.workspace.objects.objects()) == 100


def test_beside_writers(store: Store) -> None:
    """Whatever is stored while garbage is collected is there afterwards: new or old, once named or not."""
    code = (
        "import sys, os; from pathlib import Path; from ropewalk.pipeline import ObjectStore\n"
        "store = ObjectStore(Path(sys.argv[1])); print('ready', flush=True)\n"
        "for n in range(300):\n    digest = store.put_bytes(b'%d' % n).digest; assert store.has(digest)\n"
    )
    for number in range(300):
        store.object(b"%d" % number)
    command = [sys.executable, "-c", code, str(store.workspace.objects.folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        store.collect(older_than_ms=0)
        assert process.wait() == 0

    assert sum(1 for _ in store.workspace.objects.objects()) == 300


def test_collected_while_it_is_restored(
    bench: Bench, declare: Declare, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is collected between being found and being pointed at is executed instead, and nothing fails."""
    first, second = declare("a", code="1"), declare("a", code="2")
    bench.run(first)
    bench.run(second)
    with bench.workspace.database.write() as connection:
        connection.execute("UPDATE action SET finished_at = 1")
        connection.execute("UPDATE environment_change SET changed_at = version")
        connection.execute("UPDATE pipeline_run SET started_at = 1")
    collected: list[Swept] = []

    def adopt(*_: object) -> None:
        collected.extend(collect_garbage(bench.workspace, 0))

    monkeypatch.setattr(bench.kind, "adopt", adopt)

    result = bench.run(first)

    assert [swept.count for swept in collected if swept.what == "actions"] == [1]
    assert [node.state for node in result.nodes] == [State.EXECUTED]
    assert bench.run(first).count(State.HIT) == 1
