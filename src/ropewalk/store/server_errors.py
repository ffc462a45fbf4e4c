"""What PostgreSQL and its driver report, in the product's own words; never with a password."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from pg8000.exceptions import DatabaseError, InterfaceError

from ropewalk.errors import RopewalkError
from ropewalk.store.errors import (
    DatabaseBusy,
    DatabaseFailed,
    DatabaseUnreachable,
    DatabaseUnusable,
    RowRefused,
)
from ropewalk.store.server_address import ServerAddress

# What the driver raises: the server's answers, a broken conversation, and the network's own errors.
LOST = (DatabaseError, InterfaceError, OSError)

# A statement was planned before another process migrated its tables; a new connection plans it anew.
_STALE = "0A000"
Say = Callable[[str, ServerAddress], RopewalkError]


def describe(error: BaseException, address: ServerAddress) -> RopewalkError:
    """Return the error to report for one that talking to the server at `address` has raised."""
    answer = next((found for found in _chain(error) if isinstance(found, DatabaseError)), None)
    if answer is not None:
        code, message = _state(answer), _message(answer)
        return next((say for codes, say in _CONDITIONS if code.startswith(codes)), _failed)(message, address)
    # Told by the driver, when a statement failed and nobody minded.
    if "failed transaction" in str(error):
        return _failed("a statement of the transaction failed before, so nothing of it was written", address)
    return _unreachable(str(error.__cause__ or error), address)


def is_stale(error: BaseException) -> bool:
    """Return whether a statement was planned for tables that have changed since."""
    return isinstance(error, DatabaseError) and _state(error) == _STALE


def _state(answer: DatabaseError) -> str:
    return str(answer.args[0].get("C", ""))


def _message(answer: DatabaseError) -> str:
    found = answer.args[0]
    return ", ".join(found[part] for part in "MD" if part in found)


def _refused(reason: str, _: ServerAddress) -> RopewalkError:
    return RowRefused(f"the metadata database refused a row: {reason}")


def _busy(_: str, address: ServerAddress) -> RopewalkError:
    return DatabaseBusy(
        f"{address.shown} has been locked by another process for too long",
        hint="try again; if it stays so, look at the server's pg_stat_activity",
    )


def _changed(reason: str, address: ServerAddress) -> RopewalkError:
    return DatabaseBusy(
        f"another process has just changed the tables of {address.shown}: {reason}", hint="try again"
    )


def _unreachable(reason: str, address: ServerAddress) -> RopewalkError:
    return DatabaseUnreachable(
        f"the database server of {address.shown} does not answer: {reason}",
        hint="check that it runs and that this machine may connect to it, and try again",
    )


def _unusable(reason: str, address: ServerAddress) -> RopewalkError:
    return DatabaseUnusable(
        f"{address.shown} cannot be used as the metadata database: {reason}",
        hint="check the user, the password, the database's name and its owner in ROPEWALK_DATABASE_URL",
    )


def _failed(reason: str, address: ServerAddress) -> RopewalkError:
    return DatabaseFailed(f"the metadata database {address.shown} failed: {reason}")


# By SQLSTATE, the whole code or its class: https://www.postgresql.org/docs/current/errcodes-appendix.html
_CONDITIONS: tuple[tuple[tuple[str, ...], Say], ...] = (
    (("22", "23"), _refused),
    (("40", "55P03"), _busy),
    ((_STALE,), _changed),
    # 25P03: this process was halted inside a transaction until the server gave it up.
    (("08", "53300", "57P", "25P03"), _unreachable),
    (("28", "3D000", "42501", "25006"), _unusable),
)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    # The driver hides the server's answer to a refused connection behind the error of closing it.
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
