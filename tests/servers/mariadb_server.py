"""A MariaDB server for tests, from the machine's own packages: one per test process, gone at its end."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from quick_folders import folder_in_memory

USER, PASSWORD = "ropewalk", "s3cret-word"
# The data are gone with the tests anyway.
QUICK = (
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-buffer-pool-size=32M",
    "--innodb-log-file-size=8M",
    "--innodb-doublewrite=0",
    "--performance-schema=off",
    "--skip-name-resolve",
    "--skip-log-bin",
    "--character-set-server=utf8mb4",
)


class MariaDBServer:
    """A running server.

    Attributes:
        port: where it listens on 127.0.0.1, with the password.
    """

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port
        self._numbers = count(1)

    def url(self, name: str, password: str = PASSWORD) -> str:
        """Return the URL of a database."""
        return f"mysql://{USER}:{password}@127.0.0.1:{self.port}/{name}"

    def run(self, sql: str, database: str = "mysql") -> str:
        """Run statements of the server's administrator; return what they print."""
        command = [_program("mariadb"), "--no-defaults", f"--socket={self.folder}/s", "--user=root"]
        command += ["--default-character-set=utf8mb4", "--batch", "--skip-column-names", database]
        done = subprocess.run(command, input=sql.encode(), capture_output=True, check=False)
        if done.returncode:
            raise RuntimeError(done.stderr.decode())
        return done.stdout.decode()

    @contextmanager
    def database(self) -> Iterator[str]:
        """Yield the name of a database of its own, dropped at the end."""
        name = f"test_{next(self._numbers)}"
        self.run(f"CREATE DATABASE {name}")
        try:
            yield name
        finally:
            self.run(f"DROP DATABASE {name}")


def is_installed() -> bool:
    """Return whether the machine has the server and what makes its data."""
    return _program("mariadbd") is not None and _program("mariadb-install-db") is not None


@contextmanager
def running_server(*options: str) -> Iterator[MariaDBServer]:
    """Start a server in a folder of its own, with more `options`, and stop it at the end."""
    folder = Path(tempfile.mkdtemp(prefix="ropewalk-my-", dir=folder_in_memory()))
    # The server does not run as root; started by anybody else it stays who it is.
    account = ["--user=mysql"] if os.geteuid() == 0 else []
    if account:
        shutil.chown(folder, "mysql")
    data = [f"--datadir={folder}/data", *account]
    made = [_program("mariadb-install-db"), "--no-defaults", *data, "--skip-test-db"]
    subprocess.run([*made, "--auth-root-authentication-method=normal"], check=True, capture_output=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [_program("mariadbd"), "--no-defaults", *data, f"--socket={folder}/s", f"--port={port}"]
    command += ["--bind-address=127.0.0.1", f"--pid-file={folder}/pid", *QUICK, *options]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, preexec_fn=_end_with_parent)  # noqa: PLW1509  # before any test has started a thread
    try:
        yield _when_ready(MariaDBServer(folder, port), process)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=20)
        shutil.rmtree(folder, ignore_errors=True)


def _when_ready(server: MariaDBServer, process: subprocess.Popen[bytes]) -> MariaDBServer:
    deadline = time.monotonic() + 120
    while True:
        try:
            server.run(f"CREATE USER {USER}@'127.0.0.1' IDENTIFIED BY '{PASSWORD}'")
            server.run(f"GRANT ALL ON *.* TO {USER}@'127.0.0.1'")
        except RuntimeError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((server.folder / "log").read_text()) from None
            time.sleep(0.02)
        else:
            return server


def _program(name: str) -> str | None:
    # Debian keeps servers where only root's path looks.
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")


def _end_with_parent() -> None:
    # Tests that are killed must not leave a server behind.
    set_parent_death_signal = 1
    ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)
