"""No network call that the project does not declare: every connection of a whole run is listened to."""

from __future__ import annotations

import json
import os
import subprocess
import sysconfig
from pathlib import Path

import pytest

# Python runs this in each process that inherits the path: commands, steps, workers.
LISTENER = """
import json, os, sys

def listen(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"):
        target = arguments[1] if event in ("socket.connect", "socket.sendto") else arguments[0]
        with open(os.environ["HEARD"], "a") as stream:
            stream.write(json.dumps([event, target], default=repr) + "\\n")

sys.addaudithook(listen)
"""


def is_local(event: str, target: object) -> bool:
    """Return whether a connection stays on this machine: a Unix socket's path, or a loopback address."""
    host = target[0] if isinstance(target, list) else target
    return str(host).startswith(("127.", "/")) or host in ("localhost", "::1", None, "")


@pytest.mark.slow
def test_a_whole_project_stays_on_this_machine(tmp_path: Path) -> None:
    """Making, planning, running and predicting a project connects to this machine only: no telemetry, no lookups."""
    (tmp_path / "listener").mkdir()
    (tmp_path / "listener/sitecustomize.py").write_text(LISTENER)
    (tmp_path / "project").mkdir()
    heard = tmp_path / "heard"
    environ = {**os.environ, "PYTHONPATH": str(tmp_path / "listener"), "HEARD": str(heard)}
    ropewalk = Path(sysconfig.get_path("scripts")) / "ropewalk"

    for arguments in ("init", "plan", "run", "run", "status", "predict returns --table mart.order_features"):
        command = [ropewalk, *arguments.split()]
        subprocess.run(command, cwd=tmp_path / "project", env=environ, check=True, capture_output=True)

    connections = [json.loads(line) for line in heard.read_text().splitlines()]
    assert any(event == "socket.connect" for event, _ in connections), "nothing was listened to"
    assert [found for found in connections if not is_local(*found)] == []
