"""Publishing that is killed between any two statements ends, at the next try, as if nothing had happened."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

# Publishes in a process of its own, which ends itself before its Nth statement at the target.
CHILD = """
import os, signal, sys
from pathlib import Path
from ropewalk import plugins
from ropewalk.dataops.publish import publish_again
from ropewalk.dataops.publish.session import TargetSession
from ropewalk.pipeline import Workspace, declare_graph
from ropewalk.project import load_project
from ropewalk.settings import load_settings

left = int(sys.argv[2])

def dying(method):
    def call(*arguments):
        global left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return method(*arguments)
    return call

for name in ("execute", "insert"):
    setattr(TargetSession, name, dying(getattr(TargetSession, name)))
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


def publish_and_die(shop, after: int) -> int:
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(shop.root), str(after)], check=False, capture_output=True
    )
    return done.returncode


@pytest.mark.parametrize(("kind", "write", "point"), [*POINTS, *EVERY])
def test_killed_anywhere_then_exactly_once(request, shop, kind, write, point):
    """Readers see the old version or the new one, never none and never both; the next try makes it the new one."""
    target = request.getfixturevalue(kind)
    keys = {"key": "[id]"} if write == "merge" else {}
    shop.declare(target.to, write=write, environments="[live]", **keys)
    shop.run(environment="live")
    # Checked in an environment that does not publish: the pointer is there, and the target knows nothing of it.
    shop.declare(target.to, write=write, environments="[other]", **keys)
    shop.run(NEW, environment="live")
    shop.declare(target.to, write=write, environments="[live]", **keys)

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
