"""Encrypted connections to a PostgreSQL server, through a front that has a certificate: the wheel's server has none."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ropewalk.store import Database, DatabaseUnreachable, DatabaseUnusable

if TYPE_CHECKING:
    from database_server import DatabaseServer


@dataclass
class Front:
    """Takes encrypted connections for a server, and counts those whose client has spoken through the encryption."""

    certificate: Path
    listener: socket.socket
    behind: int
    encrypted: list[str] = field(default_factory=list)

    @property
    def port(self) -> int:
        return int(self.listener.getsockname()[1])

    def accept(self) -> None:
        """Take connections until the listener is closed."""
        with suppress(OSError):
            while True:
                threading.Thread(target=self._serve, args=(self.listener.accept()[0],), daemon=True).start()

    def _serve(self, plain: socket.socket) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate)
        # A client that does not trust the certificate hangs up in the middle of the greeting.
        with plain, suppress(OSError):
            plain.recv(8)
            plain.sendall(b"S")
            with (
                context.wrap_socket(plain, server_side=True) as client,
                socket.create_connection(("127.0.0.1", self.behind)) as server,
            ):
                self.encrypted.append(str(client.version()))
                back = threading.Thread(target=_copy, args=(server, client), daemon=True)
                back.start()
                _copy(client, server)
                back.join(60)


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while block := source.recv(65536):
            target.sendall(block)
        target.shutdown(socket.SHUT_WR)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file with a key and a certificate for `localhost` that nobody has signed."""
    if shutil.which("openssl") is None:
        pytest.skip("making a certificate takes openssl")
    folder = tmp_path_factory.mktemp("certificate")
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
    ]
    command += ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-days", "2"]
    command += ["-keyout", str(folder / "key.pem"), "-out", str(folder / "certificate.pem")]
    subprocess.run(command, check=True, capture_output=True)
    both = folder / "both.pem"
    both.write_text((folder / "key.pem").read_text() + (folder / "certificate.pem").read_text())
    return both


@pytest.fixture
def front(certificate: Path, database_server: DatabaseServer) -> Iterator[Front]:
    """Return a running front of the server."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        found = Front(certificate, listener, database_server.port)
        thread = threading.Thread(target=found.accept, daemon=True)
        thread.start()
        yield found
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(60)


def _url(front: Front, parameters: str, host: str = "localhost") -> str:
    return f"postgresql://ropewalk:s3cret-word@{host}:{front.port}/migrated?{parameters}"


@pytest.mark.parametrize("parameters", ["", "sslmode=prefer", "sslmode=require"])
def test_encrypted(front: Front, parameters: str) -> None:
    """A server that can encrypt is spoken to through the encryption, also when nobody asks for it."""
    with closing(Database.open(_url(front, parameters))) as database, database.read() as connection:
        assert connection.execute("SELECT 1").fetchone()[0] == 1

    assert front.encrypted == ["TLSv1.3"]


def test_verified(front: Front) -> None:
    """A certificate that is trusted and names the host is enough for `verify-full`."""
    url = _url(front, f"sslmode=verify-full&sslrootcert={front.certificate}")

    Database.open(url).close()

    assert front.encrypted == ["TLSv1.3"]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_not_verified(front: Front, host: str) -> None:
    """With `verify-full` a stranger's certificate, and one for another host, ends the connection before the password."""
    trusted = f"&sslrootcert={front.certificate}" if host == "127.0.0.1" else ""

    with pytest.raises(DatabaseUnreachable, match="certificate verify failed") as caught:
        Database.open(_url(front, f"sslmode=verify-full{trusted}", host))

    assert front.encrypted == []
    assert "s3cret" not in str(caught.value.as_json())


def test_certificates_that_are_not_there(front: Front, tmp_path: Path) -> None:
    """A file of certificates that cannot be read is told by name."""
    (tmp_path / "empty.pem").touch()

    for name in ("none.pem", "empty.pem"):
        with pytest.raises(DatabaseUnusable, match=f"certificates in {tmp_path}/{name} cannot be read"):
            Database.open(_url(front, f"sslmode=verify-full&sslrootcert={tmp_path}/{name}"))
