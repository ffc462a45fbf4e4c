"""What database servers and the engine's scanners say, as errors of ours; texts are those of DuckDB 1.5.5's scanners."""

from __future__ import annotations

import re

import duckdb

from ropewalk.dataops.lake import InvalidQuery, translate_error
from ropewalk.dataops.sources.database_addresses import Address
from ropewalk.dataops.sources.errors import ConnectionLost, SourceRefused, SourceUnreachable
from ropewalk.errors import Place, RopewalkError

_PREFIX = re.compile(
    r"^(?:[A-Z][A-Za-z ]* Error: )?(?:Unable to connect to Postgres at|Failed to connect to MySQL database with parameters)"
    r' ".*?": ',
    re.DOTALL,
)
_REFUSED = (
    "password authentication failed",
    "no password supplied",
    "Access denied",
    "no pg_hba.conf entry",
    "role ",
    "permission denied for database",
)
_LOST = (
    "server closed the connection",
    "terminating connection",
    "connection has been closed",
    "could not receive data",
    "lost synchronization",
    "Lost connection",
    "gone away",
    "Failed to fetch result row",
    "Connection was killed",
    "connection to server was lost",
    "Unexpected end of input",
)
_SERVER = re.compile(r"(?:ERROR|FATAL): +(.*?)(?:\nLINE |\nDETAIL|\n\n|$)", re.DOTALL)
_MYSQL = re.compile(r'MySQL query ".*?": (.*?)(?:\n\n|$)', re.DOTALL)


def connection_error(text: str, address: Address, place: Place) -> RopewalkError | None:
    """Return the error for a connection that was not made or broke off; None when `text` is about something else.

    `text` has been through `Address.hide` already.
    """
    if found := _PREFIX.match(text):
        reason = _sentence(text[found.end() :])
        if any(word in reason for word in _REFUSED):
            return SourceRefused(
                f"{address} refuses the login: {reason}",
                place=place,
                hint="check user, password and database, and that the secrets are set to what they should be",
            )
        return SourceUnreachable(f"{address} cannot be reached: {reason}", place=place)
    if any(word in text for word in _LOST):
        return ConnectionLost(
            f"the connection to {address} broke off while rows were read",
            place=place,
            hint="run again: nothing was loaded",
            detail=_sentence(text) or None,
        )
    return None


def query_error(error: duckdb.Error, text: str, address: Address, place: Place) -> RopewalkError:
    """Return the error for SQL that the database does not take, in the database's own words.

    What the engine says of its own, such as of a full disk, is the lake's to translate.
    """
    found = _SERVER.search(text) or _MYSQL.search(text)
    if found is None and str(error) == text:
        return translate_error(error)
    return InvalidQuery(f"{address}: {_sentence(found[1] if found else text)}", place=place)


def _sentence(text: str) -> str:
    """Return the first paragraph of `text` on one line."""
    first = text.strip().split("\n\n", maxsplit=1)[0].split("\nLINE ", maxsplit=1)[0]
    return " ".join(re.sub(r"^[A-Z][A-Za-z ]* Error: ", "", first).split())
