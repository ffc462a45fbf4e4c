"""One connection to a PostgreSQL server: statements prepared once, values as text, rows that answer by name."""

from __future__ import annotations

import math
import socket
import ssl
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from itertools import islice
from typing import Any, NamedTuple

from pg8000.core import Context, CoreConnection

from ropewalk.store.dialect import Translated, storable, translated
from ropewalk.store.errors import DatabaseUnusable
from ropewalk.store.server_address import ServerAddress
from ropewalk.store.server_errors import LOST

# A server that takes longer to greet is as good as none.
CONNECT_TIMEOUT_S = 10.0
# Searches come in as many shapes as people type; the server keeps a plan for each.
_PREPARED = 200
# Rows of values sent in one go: their answers fit into a socket's buffer, so neither side waits for the other.
_BATCH = 200
_FLOAT8, _NUMERIC = 701, 1700
_SSL_REQUEST = bytes((0, 0, 0, 8, 4, 210, 22, 47))


class ServerRow:
    """One row, read by name or place, as `sqlite3.Row` is."""

    __slots__ = ("_places", "_values")

    def __init__(self, places: dict[str, int], values: list[Any]) -> None:
        self._places = places
        self._values = values

    def __getitem__(self, key: str | int, /) -> Any:
        """Return the value of that column."""
        if isinstance(key, str):
            try:
                return self._values[self._places[key]]
            except KeyError:
                # What `sqlite3.Row` raises too.
                raise IndexError(f"the row has no column {key!r}") from None
        return self._values[key]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ServerRow):
            return NotImplemented
        return (self._places, self._values) == (other._places, other._values)

    def __hash__(self) -> int:
        return hash(tuple(self._values))

    def keys(self) -> list[str]:
        """Return the names of the columns."""
        return list(self._places)


class ServerCursor:
    """What a statement found or did; the rows are all here already."""

    def __init__(self, rows: Iterator[ServerRow], rowcount: int) -> None:
        self._rows = rows
        self.rowcount = rowcount

    def fetchone(self) -> ServerRow | None:
        """Return the next row, or None after the last."""
        return next(self._rows, None)

    def fetchall(self) -> list[ServerRow]:
        """Return all rows that were not read yet."""
        return list(self._rows)

    def __iter__(self) -> Iterator[ServerRow]:
        return self._rows


class _Prepared(NamedTuple):
    """A statement that the server has planned: its name there, and how its rows are read."""

    name: bytes
    columns: Any
    readers: Any
    places: dict[str, int]
    sql: str


class ServerSession:
    """A connection of the driver."""

    def __init__(self, driver: CoreConnection) -> None:
        self._driver = driver
        # Sums of whole numbers come as NUMERIC; SQLite gives them as the whole numbers they are.
        driver.register_in_adapter(_NUMERIC, _number)
        self._prepared: OrderedDict[tuple[str, tuple[int, ...]], _Prepared] = OrderedDict()

    def run(self, sql: str) -> None:
        """Run statements that have neither values nor rows, in one message."""
        self._driver.execute_simple(sql)

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> ServerCursor:
        """Run one statement with `parameters` for its `?`."""
        return self.executemany(sql, [parameters])

    def executemany(self, sql: str, parameters: Iterable[Sequence[Any]], /) -> ServerCursor:
        """Run one statement for each row of `parameters`, many of them in one message."""
        statement = translated(sql)
        if statement.is_definition:
            self.run(statement.sql)
            return ServerCursor(iter(()), 0)
        rows: list[ServerRow] = []
        written, waiting = 0, iter(parameters)
        while batch := list(islice(waiting, _BATCH)):
            # Planned for whole or for broken numbers, as the first row has them.
            prepared = self._prepare(statement.sql, tuple(map(_type_number, batch[0])))
            found = self._send(prepared, [_texts(statement, row) for row in batch])
            rows += [ServerRow(prepared.places, values) for values in found.rows or ()]
            written += max(found.row_count, 0)
        return ServerCursor(iter(rows), written)

    def roll_back(self) -> bool:
        """End the open transaction, undone; return whether the connection can be used again."""
        try:
            self.run("ROLLBACK")
        except LOST:
            return False
        return True

    def close(self) -> None:
        """Close the connection; one that is broken or closed is no error."""
        try:
            self._driver.close()
        except LOST:
            return

    def _prepare(self, sql: str, types: tuple[int, ...]) -> _Prepared:
        prepared = self._prepared.get((sql, types))
        if prepared is not None:
            self._prepared.move_to_end((sql, types))
            return prepared
        name, columns, readers = self._driver.prepare_statement(sql, types)
        places: dict[str, int] = {}
        for place, column in enumerate(columns or ()):
            # The first of two columns with one name, as in SQLite.
            places.setdefault(column["name"], place)
        prepared = _Prepared(name, columns, readers, places, sql)
        self._prepared[sql, types] = prepared
        if len(self._prepared) > _PREPARED:
            _, oldest = self._prepared.popitem(last=False)
            self._driver.close_prepared_statement(oldest.name)
        return prepared

    def _send(self, prepared: _Prepared, rows: list[list[str | None]]) -> Context:
        """Have the server run the statement for each row of values, and read all it answers."""
        *others, last = rows
        driver = self._driver
        for values in others:
            driver.send_BIND(prepared.name, values)
            driver.send_EXECUTE()
        # The driver's own way of running one sends what is waiting with it, and reads to the end of it all.
        return driver.execute_named(prepared.name, last, prepared.columns, prepared.readers, prepared.sql)


def _texts(statement: Translated, values: Sequence[Any]) -> list[str | None]:
    texts = [_writer(value)(value) for value in values]
    for place, rewrite in statement.rewrites.items():
        text = texts[place]
        if text is not None:
            texts[place] = rewrite(text)
    return texts


def _float(value: float) -> str | None:
    # SQLite keeps no NaN: it stores NULL for it.
    return None if math.isnan(value) else repr(value)


# Each type of value that the store binds, as text; any other type is a mistake.
_WRITERS: dict[type, Callable[[Any], str | None]] = {
    str: storable,
    int: str,
    # SQLite has no booleans: they are numbers.
    bool: lambda value: str(int(value)),
    float: _float,
    bytes: lambda value: "\\x" + value.hex(),
    type(None): lambda _: None,
}


def _writer(value: object) -> Callable[[Any], str | None]:
    kind = type(value)
    if kind in _WRITERS:
        return _WRITERS[kind]
    # An enumeration's member is a text or a number as well.
    for known in kind.__mro__:
        if known in _WRITERS:
            return _WRITERS[known]
    raise TypeError(f"values of type {kind.__name__} cannot be bound")


def _type_number(value: object) -> int:
    # All other types are left to the server, which knows the columns; 1.5 is told, as a column may be of whole numbers.
    return _FLOAT8 if isinstance(value, float) else 0


def _number(text: str) -> int | float:
    return float(text) if "." in text or not text.lstrip("-").isdigit() else int(text)


def connect(address: ServerAddress, busy_timeout_s: float) -> ServerSession:
    """Open a connection.

    Raises:
        DatabaseUnusable: the database keeps its texts in another encoding than UTF-8.
        Any of `LOST`: the server could not be reached or refused.
    """
    with ExitStack() as given_up:
        sock = _open_socket(address)
        given_up.callback(sock.close)
        driver = _log_in(address, sock, busy_timeout_s)
        encoding = driver.parameter_statuses.get("server_encoding")
        if encoding != "UTF8":
            raise DatabaseUnusable(
                f"{address.shown} keeps texts as {encoding}, not as UTF8",
                hint="make the database anew: CREATE DATABASE name ENCODING 'UTF8' TEMPLATE template0",
            )
        given_up.pop_all()
    # From here on a server may take its time: for a lock, or for a migration.
    sock.settimeout(None)
    return ServerSession(driver)


def _log_in(address: ServerAddress, sock: socket.socket, busy_timeout_s: float) -> CoreConnection:
    return CoreConnection(
        address.user,
        password=address.password,
        database=address.database,
        application_name="ropewalk",
        sock=sock,
        ssl_context=False,
        startup_params={
            "client_encoding": "UTF8",
            "bytea_output": "hex",
            "lock_timeout": str(round(busy_timeout_s * 1000)),
            # A machine that vanishes must not hold the write lock for the hours that the network's own limits allow.
            "tcp_keepalives_idle": "30",
            "tcp_keepalives_interval": "10",
            "tcp_keepalives_count": "3",
        },
    )


def _open_socket(address: ServerAddress) -> socket.socket:
    with ExitStack() as given_up:
        if address.host.startswith("/"):
            sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            given_up.callback(sock.close)
            sock.settimeout(CONNECT_TIMEOUT_S)
            sock.connect(f"{address.host}/.s.PGSQL.{address.port}")
        else:
            sock = socket.create_connection((address.host, address.port), CONNECT_TIMEOUT_S)
            given_up.callback(sock.close)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            # Not every system can say how long an answer may take on the way.
            if hasattr(socket, "TCP_USER_TIMEOUT"):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 60_000)
            sock = _encrypted(sock, address)
        given_up.pop_all()
    return sock


def _encrypted(sock: socket.socket, address: ServerAddress) -> socket.socket:
    """Return the socket with encryption on it, as far as the server has it and the address asks for it."""
    if address.encryption == "disable":
        return sock
    sock.sendall(_SSL_REQUEST)
    if sock.recv(1) == b"S":
        return _ssl_context(address).wrap_socket(sock, server_hostname=address.host)
    if address.encryption == "prefer":
        return sock
    raise DatabaseUnusable(
        f"the database server of {address.shown} has no encryption, and sslmode asks for it",
        hint="switch it on at the server (`ssl = on`), or leave sslmode out",
    )


def _ssl_context(address: ServerAddress) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=address.certificates)
    except OSError as error:
        raise DatabaseUnusable(
            f"the certificates in {address.certificates} cannot be read: {error.strerror or error}",
            hint="name a file of PEM certificates with sslrootcert in ROPEWALK_DATABASE_URL",
        ) from error
    # As in PostgreSQL's own clients: only `verify-full` asks who the server is.
    if address.encryption != "verify-full":
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
