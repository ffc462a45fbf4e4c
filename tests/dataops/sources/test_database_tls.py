"""Databases over TLS: what is encrypted, who the server proves to be, and what is said when it cannot."""

from __future__ import annotations

import datetime as dt
import ipaddress
import select
import socket
import ssl
import tempfile
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import mariadb_server
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

SSL_REQUEST = bytes.fromhex("0000000804d2162f")
PLAIN = serialization.Encoding.PEM


def signed(name: str, names: list[x509.GeneralName], authority=None) -> tuple[x509.Certificate, object]:
    """Return a certificate, its own authority unless one is given, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    issuer, signer = (authority[0].subject, authority[1]) if authority else (subject, key)
    begins = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    builder = (
        x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins.replace(year=2090))
        .add_extension(x509.BasicConstraints(ca=authority is None, path_length=None), critical=True)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(signer, hashes.SHA256()), key


def pem(certificate: x509.Certificate) -> bytes:
    """Return a certificate as it stands in a file."""
    return certificate.public_bytes(PLAIN)


class Encrypted:
    """A PostgreSQL behind TLS: what the wheel's server was built without stands before it, by Python's own `ssl`.

    A client asks for TLS in eight bytes, is told `S`, and then shakes hands; the bytes within go to the server.

    Attributes:
        authority: the certificate and key of who signs for the server.
        shaken: how many connections were encrypted.
    """

    def __init__(self, server, database: str, folder: Path) -> None:
        self.authority = signed("authority", [])
        self.shaken = 0
        self._server, self._database, self._folder = server, database, folder
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._threads = [threading.Thread(target=self._listen)]
        self._threads[0].start()

    def show(self, name: x509.GeneralName) -> None:
        """Have the server show a certificate for `name`."""
        certificate, key = signed("server", [name], self.authority)
        secret = key.private_bytes(PLAIN, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        path = self._folder / "server.pem"
        path.write_bytes(pem(certificate) + secret)
        self._context.load_cert_chain(path)

    def entry(self, tls: str) -> str:
        """Return a declaration of one row."""
        port = self._listening.getsockname()[1]
        url = self._server.network_url(self._database).replace(f":{self._server.port}/", f":{port}/")
        return f"{{kind: postgres, url: '{url}', query: 'SELECT 1 AS n', tls: {{{tls}}}}}"

    def stop(self) -> None:
        """Take no more connections, and wait for the end of those there are."""
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for thread in self._threads:
            thread.join()

    def _listen(self) -> None:
        # Closing the socket is how this ends.
        with suppress(OSError):
            while True:
                taken, _ = self._listening.accept()
                self._threads.append(threading.Thread(target=self._serve, args=(taken,)))
                self._threads[-1].start()

    def _serve(self, taken: socket.socket) -> None:
        # A client that does not like the certificate hangs up in the middle of the handshake.
        with suppress(OSError), taken:
            if taken.recv(8) != SSL_REQUEST:
                return
            taken.sendall(b"S")
            with (
                self._context.wrap_socket(taken, server_side=True) as inside,
                socket.create_connection(("127.0.0.1", self._server.port)) as plain,
            ):
                self.shaken += 1
                self._carry(inside, plain)

    def _carry(self, inside: ssl.SSLSocket, plain: socket.socket) -> None:
        while True:
            ready = [inside] if inside.pending() else select.select([inside, plain], [], [])[0]
            for one in ready:
                content = one.recv(1 << 16)
                if not content:
                    return
                (plain if one is inside else inside).sendall(content)


@pytest.fixture
def encrypted(database_server, tmp_path: Path) -> Iterator[Encrypted]:
    """Return a server that encrypts."""
    with database_server.database("template1") as name:
        made = Encrypted(database_server, name, tmp_path)
        yield made
        made.stop()


HERE = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))


def test_a_server_that_proves_who_it_is(project, encrypted: Encrypted) -> None:
    """Each mode encrypts; those that check are content with the right authority and name."""
    encrypted.show(HERE)
    project.write("ca.pem", pem(encrypted.authority[0]))

    for tls in (
        "mode: require",
        "mode: verify-ca, ca: ca.pem",
        "mode: verify-full, ca: ca.pem",
        "ca: ca.pem",
    ):
        project.declare(encrypted.entry(tls)).load()
        assert project.rows("SELECT n") == [(1,)], tls
    assert encrypted.shaken >= 4


def test_a_server_of_another_authority(project, encrypted: Encrypted) -> None:
    """It is refused by name and reason, without the login; nothing is loaded."""
    encrypted.show(HERE)
    project.write("ca.pem", pem(signed("somebody", [])[0]))

    for mode in ("verify-ca", "verify-full"):
        error = project.declare(encrypted.entry(f"mode: {mode}, ca: ca.pem")).fail()
        assert (error.code, "certificate" in error.message) == ("RW621", True)
        assert "s3cret-word" not in f"{error.as_json()}{error.__cause__}"
    assert project.lake.table_names() == ()


def test_a_server_of_another_name(project, encrypted: Encrypted) -> None:
    """`verify-ca` takes it, `verify-full` does not."""
    encrypted.show(x509.DNSName("db.example.com"))
    project.write("ca.pem", pem(encrypted.authority[0]))

    error = project.declare(encrypted.entry("mode: verify-full, ca: ca.pem")).fail()
    assert (error.code, "127.0.0.1" in error.message) == ("RW621", True)

    project.declare(encrypted.entry("mode: verify-ca, ca: ca.pem")).load()
    assert project.rows("SELECT n") == [(1,)]


def test_an_authority_that_is_not_there(project, encrypted: Encrypted) -> None:
    """The error names the file."""
    encrypted.show(HERE)

    error = project.declare(encrypted.entry("ca: nowhere.pem")).fail()

    assert (error.code, "nowhere.pem" in error.message) == ("RW621", True)


@pytest.mark.slow
def test_mysql_that_proves_who_it_is(project, tmp_path: Path) -> None:
    """A MariaDB with a certificate is taken by its authority, and refused by another."""
    if not mariadb_server.is_installed():
        pytest.skip("the machine has no MariaDB")
    authority = signed("authority", [])
    certificate, key = signed("server", [HERE], authority)
    secret = key.private_bytes(PLAIN, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    # Where the server's account may enter, unlike the folders of tests.
    with tempfile.TemporaryDirectory() as folder:
        for name, content in {"ca": pem(authority[0]), "cert": pem(certificate), "key": secret}.items():
            Path(folder, name).write_bytes(content)
            Path(folder, name).chmod(0o644)
        Path(folder).chmod(0o755)
        options = [f"--ssl-{name}={folder}/{name}" for name in ("ca", "cert", "key")]
        with mariadb_server.running_server(*options) as server, server.database() as name:
            server.run("CREATE TABLE t AS SELECT 1 AS n", name)
            server.run(f"ALTER USER {mariadb_server.USER}@'127.0.0.1' REQUIRE SSL")
            project.write("ca.pem", pem(authority[0]))
            project.write("other.pem", pem(signed("somebody", [])[0]))
            entry = f"{{kind: mysql, url: '{server.url(name)}', table: t, tls: {{%s}}}}"

            for tls in ("mode: require", "mode: verify-ca, ca: ca.pem"):
                project.declare(entry % tls).load()
                assert project.rows("SELECT n") == [(1,)], tls
            error = project.declare(entry % "mode: verify-ca, ca: other.pem").fail()

    assert (error.code, "certificate" in error.message) == ("RW621", True)
    assert mariadb_server.PASSWORD not in f"{error.as_json()}{error.__cause__}"
