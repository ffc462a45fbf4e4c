"""The endpoint whose server starts with the first call, and not at all without one."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from ropewalk.mlops.tracking import endpoint_on_demand
from ropewalk.pipeline import Workspace


def test_first_call_is_answered(workspace: Workspace) -> None:
    """Whoever calls first waits for the server's start and gets an answer; so does everybody after."""
    with endpoint_on_demand(workspace) as url:
        assert httpx.get(f"{url}/health", timeout=30).text == "OK"
        assert httpx.get(f"{url}/health").text == "OK"

    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/health")


def test_first_calls_at_once(workspace: Workspace) -> None:
    """Several steps may call at the same moment."""
    with endpoint_on_demand(workspace) as url, ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: httpx.get(f"{url}/health", timeout=30).text, range(8)))

    assert answers == ["OK"] * 8


def test_nobody_calls(workspace: Workspace) -> None:
    """Without a call there is no server, and the end is immediate."""
    started = time.monotonic()
    with endpoint_on_demand(workspace):
        assert "tracking endpoint" not in [thread.name for thread in threading.enumerate()]

    assert time.monotonic() - started < 30
    assert "tracking endpoint on demand" not in [thread.name for thread in threading.enumerate()]


def test_framework_is_not_loaded() -> None:
    """The address alone costs no import of the web framework."""
    program = (
        "import sys, ropewalk.mlops.tracking.on_demand; print({'uvicorn', 'starlette'} & set(sys.modules))"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout == "set()\n"
