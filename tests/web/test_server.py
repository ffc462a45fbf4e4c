"""`ropewalk up`: its port, its start, and how it ends."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from ropewalk.errors import Failed
from ropewalk.pipeline import Workspace
from ropewalk.web.app import create_app
from ropewalk.web.errors import PortInUse
from ropewalk.web.server import QuietServer, _serve, listen, server_for


@pytest.fixture
def taken() -> Iterator[int]:
    """Return a port that another program listens on."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def test_port_in_use_is_told(taken: int) -> None:
    """A port that is taken is named, with what to do about it."""
    with pytest.raises(PortInUse, match=f"port {taken} on 127.0.0.1 is in use") as caught:
        listen("127.0.0.1", taken)

    assert f"--port {taken + 1}" in (caught.value.hint or "")


@pytest.mark.parametrize("host", ["203.0.113.7", "no.such.host.invalid"])
def test_foreign_address_is_told(host: str) -> None:
    """An address that is not this machine's cannot be listened on."""
    with pytest.raises(PortInUse, match=f"cannot listen on {host}"):
        listen(host, 0)


def test_port_zero_is_any_free_one() -> None:
    """Port 0 takes a port that is free."""
    with listen("127.0.0.1", 0) as listener:
        assert listener.getsockname()[1] > 0


@pytest.fixture
def in_thread() -> Iterator[Callable[[Starlette], str]]:
    """Return a function that serves an application in a thread and returns its address."""
    running: list[tuple[QuietServer, threading.Thread, socket.socket]] = []

    def start(app: Starlette) -> str:
        listener = listen("127.0.0.1", 0)
        server = server_for(app)
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        running.append((server, thread, listener))
        return f"http://127.0.0.1:{listener.getsockname()[1]}"

    yield start
    for server, thread, listener in running:
        server.should_exit = True
        thread.join(60)
        listener.close()


def test_serves_over_a_socket(flights: Workspace, in_thread: Callable[[Starlette], str]) -> None:
    """A real client over a real socket gets the overview."""
    address = in_thread(create_app(flights, []))

    response = httpx.get(address, headers={"accept": "text/html"})

    assert response.status_code == 200
    assert "<h1>flights</h1>" in response.text


class Torn:
    """What should run beside the server and does not start."""

    async def __aenter__(self) -> None:
        raise Failed("the workers do not start")

    async def __aexit__(self, *_: object) -> None: ...


def test_failed_start_is_raised(flights: Workspace) -> None:
    """When what should run beside the server does not start, the error reaches whoever started it."""
    listener = listen("127.0.0.1", 0)

    with pytest.raises(Failed, match="the workers do not start"):
        asyncio.run(_serve(create_app(flights, []), listener, Torn(), lambda: None))

    assert listener.fileno() == -1


def start_up(root: Path, *options: str) -> tuple[subprocess.Popen[str], str]:
    """Start `ropewalk up` on a free port; return the process and the address that it printed."""
    process = subprocess.Popen(
        [sys.executable, "-m", "ropewalk.cli.main", "-C", str(root), "up", "--port", "0", *options],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "NO_COLOR": "1"},
    )
    assert process.stderr
    for line in process.stderr:
        if "http://" in line:
            return process, line.split()[1]
    raise AssertionError(f"it ended with {process.wait()}")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_ends_cleanly_at_a_signal(flights_root: Path, number: signal.Signals) -> None:
    """A signal ends it within seconds, with exit code 0 and nothing left listening."""
    process, address = start_up(flights_root)
    assert httpx.get(address + "/index.json").status_code == 200

    process.send_signal(number)

    assert process.wait(60) == 0
    assert process.stderr
    process.stderr.close()
    with pytest.raises(httpx.ConnectError):
        httpx.get(address)


def test_port_in_use_ends_the_command(flights_root: Path, taken: int) -> None:
    """`ropewalk up` on a taken port says so in words and ends with an exit code, without a traceback."""
    command = [sys.executable, "-m", "ropewalk.cli.main", "-C", str(flights_root), "up", "--port", str(taken)]

    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode != 0
    assert f"port {taken}" in done.stderr
    assert "Traceback" not in done.stderr
