"""Publishing that is killed between any two statements ends, at the next try, as if nothing had happened."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import pytest
from search_peer import running_peer

# Publishes in a process of its own, which ends itself before its Nth call of the methods that speak to the target.
CHILD = """
import importlib, os, signal, sys
from pathlib import Path
from ropewalk import plugins
from ropewalk.dataops.publish import publish_again
from ropewalk.pipeline import Workspace, declare_graph
from ropewalk.project import load_project
from ropewalk.settings import load_settings

left = int(sys.argv[2])

def dying(method):
    def call(*arguments, **options):
        global left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return method(*arguments, **options)
    return call

module, speaker, *names = sys.argv[3].split()
speaker = getattr(importlib.import_module(module), speaker)
for name in names:
    setattr(speaker, name, dying(getattr(speaker, name)))
with Workspace(load_project(Path(sys.argv[1]), plugins.sections()), load_settings({}, environment="live")) as workspace:
    publish_again(workspace, declare_graph(workspace.project, plugins.kinds()).nodes["publish:orders"])
"""
OLD = [(1, "ann"), (2, "bob"), (3, None)]
NEW = "SELECT 1 AS id, 'zoe' AS who, 0::DOUBLE AS price, 5 AS stars UNION ALL SELECT 9, 'ida', 1, 4"
AFTER = {
    "replace": [(1, "zoe"), (9, "ida")],
    "merge": [(1, "zoe"), (2, "bob"), (3, None), (9, "ida")],
    "append": [(1, "ann"), (1, "zoe"), (2, "bob"), (3, None), (9, "ida")],
}
# In MySQL, where tables are made outside of transactions, there are the most places to die at.
POINTS = [("postgres", "replace", 3), ("mysql", "replace", 6)]
EVERY = [
    pytest.param(kind, write, point, marks=pytest.mark.slow)
    for kind in ("postgres", "mysql")
    for write in AFTER
    for point in range(10)
    if (kind, write, point) not in POINTS
]


SESSION = "ropewalk.dataops.publish.session TargetSession execute insert"


def publish_and_die(shop, after: int, speaker: str = SESSION) -> int:
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(shop.root), str(after), speaker], check=False, capture_output=True
    )
    assert done.returncode in {0, -signal.SIGKILL}, done.stderr
    return done.returncode


def make_ready(shop, to: str, write: str, then: str = NEW) -> None:
    """Publish one version, and make the next one without publishing it."""
    keys = {"key": "[id]"} if write == "merge" else {}
    shop.declare(to, write=write, environments="[live]", **keys)
    shop.run(environment="live")
    # Checked in an environment that does not publish: the pointer is there, and the target knows nothing of it.
    shop.declare(to, write=write, environments="[other]", **keys)
    shop.run(then, environment="live")
    shop.declare(to, write=write, environments="[live]", **keys)


@pytest.mark.parametrize(("kind", "write", "point"), [*POINTS, *EVERY])
def test_killed_anywhere_then_exactly_once(request, shop, kind, write, point):
    """Readers see the old version or the new one, never none and never both; the next try makes it the new one."""
    target = request.getfixturevalue(kind)
    make_ready(shop, target.to, write)

    code = publish_and_die(shop, point)
    between = sorted(target.ask("SELECT id, who FROM orders"), key=str)
    shop.run(environment="live")
    shop.run(environment="live")

    assert code in {0, -signal.SIGKILL}
    assert between in (sorted(OLD, key=str), sorted(AFTER[write], key=str))
    assert sorted(target.ask("SELECT id, who FROM orders"), key=str) == sorted(AFTER[write], key=str)
    assert target.ask("SELECT count(*) FROM ropewalk_publications WHERE digest <> ''") == [(2,)]
    assert "__" not in str(
        target.ask("SELECT table_name FROM information_schema.tables WHERE table_name LIKE 'orders%'")
    )


def every_point(one: tuple[str, int], *others: tuple[str, range]) -> list[object]:
    """Return one write and point for the fast lane, and others for the slow one."""
    rest = [(write, point) for write, points in others for point in points if (write, point) != one]
    return [one, *(pytest.param(*pair, marks=pytest.mark.slow) for pair in rest)]


@pytest.mark.parametrize(
    ("write", "point"),
    every_point(
        ("replace", 9), ("replace", range(12)), ("merge", range(2, 9, 3)), ("append", range(3, 9, 3))
    ),
)
def test_killed_at_a_search_cluster(shop, monkeypatch, write, point):
    """A replaced index is never seen half; what is written into an index is there once at the end, by its ids."""
    with running_peer() as peer:
        monkeypatch.setenv("CLUSTER", peer.url)
        make_ready(shop, "{kind: elasticsearch, url: 'secret://CLUSTER', index: orders}", write)

        code = publish_and_die(shop, point, "ropewalk.dataops.sources.search_cluster SearchCluster answer")
        between = found_at(peer)
        shop.run(environment="live")
        shop.run(environment="live")

        assert code in {0, -signal.SIGKILL}
        if write == "replace":
            assert between in (sorted(OLD, key=str), sorted(AFTER[write], key=str))
        assert found_at(peer) == sorted(AFTER[write], key=str)
        assert len(peer.indices) == 1


def found_at(peer):
    (index,) = peer.aliases["orders"]
    return sorted(((row["id"], row.get("who")) for row in peer.indices[index].visible.values()), key=str)


# Files of other columns are not added to those that are there.
SAME = "SELECT 1 AS id, 'zoe' AS who, 0::DOUBLE AS price UNION ALL SELECT 9, 'ida', 1"
FOLDER = "{kind: parquet, path: out}"
STORAGE = "ropewalk.dataops.publish.storage Storage read has write swap remove_below"


@pytest.mark.parametrize(
    ("write", "point"), every_point(("replace", 3), ("replace", range(6)), ("append", range(6)))
)
def test_killed_at_a_folder(shop, read_files, write, point):
    """The manifest names the old files or the new ones, all of which are there."""
    make_ready(shop, FOLDER, write, SAME)

    code = publish_and_die(shop, point, STORAGE)
    between = named_in(shop.root / "out", read_files)
    shop.run(environment="live")
    shop.run(environment="live")

    assert code in {0, -signal.SIGKILL}
    assert between in (sorted(OLD, key=str), sorted(AFTER[write], key=str))
    assert named_in(shop.root / "out", read_files) == sorted(AFTER[write], key=str)


def named_in(folder, read_files):
    files = json.loads((folder / "manifest.json").read_text())["files"]
    rows = [read_files(folder, [name]) for name in files]
    return sorted(((row[0], row[1]) for each in rows for row in each), key=str)
