"""One connection to a PostgreSQL server: statements prepared once, values as text, rows that answer by name."""

from __future__ import annotations

import math
import select
import socket
import ssl
import struct
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from itertools import islice
from typing import Any, NamedTuple

from pg8000.core import EXECUTE_MSG, SYNC_MSG, Context, CoreConnection
from pg8000.core import _flush as flush
from pg8000.exceptions import DatabaseError, InterfaceError

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
# Bytes that are sent before an answer is read: less than any socket takes without waiting.
_AHEAD = 4096
_JSON, _FLOAT8, _NUMERIC = 114, 701, 1700
_SHORT, _LONG = struct.Struct("!h"), struct.Struct("!i")
_NULL = _LONG.pack(-1)
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
    """What a statement found or did; asking for it waits for the server's answer."""

    def __init__(self, session: ServerSession, parts: list[_Part]) -> None:
        self._session = session
        self._parts = parts
        self._found: Iterator[ServerRow] | None = None

    @property
    def rowcount(self) -> int:
        """How many rows the statement wrote."""
        self._session.settle()
        return sum(max(part.context.row_count, 0) for part in self._parts)

    def fetchone(self) -> ServerRow | None:
        """Return the next row, or None after the last."""
        return next(self._rows(), None)

    def fetchall(self) -> list[ServerRow]:
        """Return all rows that were not read yet."""
        return list(self._rows())

    def __iter__(self) -> Iterator[ServerRow]:
        return self._rows()

    def _rows(self) -> Iterator[ServerRow]:
        if self._found is None:
            self._session.settle()
            self._found = (
                ServerRow(part.places, values) for part in self._parts for values in part.context.rows or ()
            )
        return self._found


class _Part(NamedTuple):
    """A message of rows that were sent for one statement: its answer, as far as it is here, and its columns' places."""

    context: Context
    places: dict[str, int]


class _Prepared(NamedTuple):
    """A statement that the server has planned: its name there, and how its rows are read."""

    name: bytes
    columns: Any
    readers: Any
    places: dict[str, int]
    sql: str


class ServerSession:
    """A connection of the driver that asks ahead: a statement is sent with the next one whose answer is wanted.

    An error of a statement is raised where its answer is read, or that of a later one, or at the transaction's end.
    """

    def __init__(self, driver: CoreConnection, sock: socket.socket) -> None:
        self._driver = driver
        self._socket = sock
        # The driver waits after each statement it runs; what is sent ahead goes around that.
        self._stream = driver._sock  # noqa: SLF001  # it has no public name
        # Sums of whole numbers come as NUMERIC; SQLite gives them as the whole numbers they are.
        driver.register_in_adapter(_NUMERIC, _number)
        # SQLite gives JSON as the text that it is.
        driver.register_in_adapter(_JSON, str)
        self._prepared: OrderedDict[tuple[str, tuple[int, ...]], _Prepared] = OrderedDict()
        self._waiting: list[Context] = []
        self._unsent = 0

    def run(self, sql: str) -> None:
        """Run statements that have neither values nor rows, in one message, and wait for it and all before it."""
        self.run_ahead(sql)
        self.settle()

    def run_ahead(self, sql: str) -> None:
        """Let statements that have neither values nor rows be sent with what follows."""
        self._driver.send_QUERY(sql)
        self._waiting.append(Context(sql))

    def leave(self, sql: str) -> None:
        """Send statements that have neither values nor rows; whoever uses the connection next reads the answer."""
        self.settle()
        self.run_ahead(sql)
        flush(self._stream)

    def settle(self) -> None:
        """Send what was not sent yet and read all answers that are due.

        Raises:
            The first error among them; after it the connection is ready for a ROLLBACK.
        """
        if not self._waiting:
            return
        waiting, self._waiting, self._unsent = self._waiting, [], 0
        flush(self._stream)
        failure: Exception | None = None
        for context in waiting:
            try:
                self._driver.handle_messages(context)
            except (DatabaseError, InterfaceError) as error:
                # An answer that says what is wrong has all been read; a conversation that broke off has not.
                if context.error is None:
                    raise
                failure = failure or error
        if failure is not None:
            raise failure

    def is_alive(self) -> bool:
        """Return whether the server has not hung up while the connection lay idle."""
        try:
            self.settle()
        except LOST:
            return False
        # It says nothing unasked but good-bye.
        return not select.select([self._socket], [], [], 0)[0]

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> ServerCursor:
        """Run one statement with `parameters` for its `?`."""
        return self.executemany(sql, [parameters])

    def executemany(self, sql: str, parameters: Iterable[Sequence[Any]], /) -> ServerCursor:
        """Run one statement for each row of `parameters`, many of them in one message."""
        statement = translated(sql)
        if statement.is_definition:
            self.run(statement.sql)
            return ServerCursor(self, [])
        parts: list[_Part] = []
        rows = iter(parameters)
        while batch := list(islice(rows, _BATCH)):
            # Planned for whole or for broken numbers, as the first row has them.
            prepared = self._prepare(statement.sql, tuple(map(_type_number, batch[0])))
            parts.append(self._send(prepared, [_texts(statement, row) for row in batch]))
        return ServerCursor(self, parts)

    def roll_back(self) -> bool:
        """End the open transaction, undone; return whether the connection can be used again."""
        try:
            # What failed before is known by whoever rolls back.
            with suppress(DatabaseError, InterfaceError):
                self.settle()
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
        # The driver waits for the answer to this, and would take another's for it.
        self.settle()
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

    def _send(self, prepared: _Prepared, rows: list[list[str | None]]) -> _Part:
        """Have the server run the statement for each row of values."""
        size = sum(len(text) for values in rows for text in values if text)
        # Little enough to fit between the two at once: a server that waits for its answers to be read reads nothing.
        if self._unsent + size > _AHEAD or len(self._waiting) >= _BATCH:
            self.settle()
        for values in rows:
            self._stream.write(_bind(prepared.name, values))
            self._stream.write(EXECUTE_MSG)
        self._stream.write(SYNC_MSG)
        context = Context(prepared.sql, columns=prepared.columns, input_funcs=prepared.readers)
        self._waiting.append(context)
        self._unsent += size
        return _Part(context, prepared.places)


def _bind(name: bytes, values: Sequence[str | None]) -> bytes:
    """Return the message that gives a prepared statement its values, as texts.

    https://www.postgresql.org/docs/current/protocol-message-formats.html. The driver's own has the server answer each of
    these at once, in a packet of its own.
    """
    parts = [b"\0", name, _SHORT.pack(0), _SHORT.pack(len(values))]
    for value in values:
        if value is None:
            parts.append(_NULL)
        else:
            content = value.encode()
            parts += (_LONG.pack(len(content)), content)
    parts.append(_SHORT.pack(0))
    body = b"".join(parts)
    return b"B" + _LONG.pack(len(body) + 4) + body


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
    return ServerSession(driver, sock)


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
            # Otherwise the end of a long message waits 40 ms for the other side to confirm its beginning.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
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
