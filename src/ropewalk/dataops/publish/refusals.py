"""What a database says when it refuses, in our words: without the statement, its rows, and passwords."""

from __future__ import annotations

import re

import duckdb

from ropewalk.dataops.publish.errors import PublishFailed, TargetRefused, TargetUnreachable
from ropewalk.dataops.publish.servers import Server
from ropewalk.errors import RopewalkError

# The scanners put the whole statement, its values among them, in front of what the server said.
_STATEMENT = re.compile(r"(?:Failed to (?:run|execute|copy)[^\n]*?|with parameters) \".*\": ", re.DOTALL)
_REFUSED = re.compile(
    r"authentication failed|Access denied|permission denied|no pg_hba|command denied|must be owner",
    re.IGNORECASE,
)
_UNREACHABLE = re.compile(
    r"Unable to connect|Failed to connect|Can't connect|could not connect|connection refused|gone away|Lost connection|"
    r"server closed the connection|could not translate host|no connection to the server",
    re.IGNORECASE,
)
_MEANWHILE = re.compile(
    r"could not serialize|deadlock|Lock wait timeout|ropewalk_publications_pkey|'ropewalk_publications.PRIMARY'",
    re.IGNORECASE,
)


def translate_refusal(
    error: duckdb.Error, server: Server, what: str = "did not take the rows"
) -> RopewalkError:
    """Return what a database said as our error; `what` is what it would not do."""
    text = str(error)
    said = _sentence(text, server)
    if _REFUSED.search(text):
        return TargetRefused(
            f"{server.shown} refuses: {said}", hint="check the user, the password, and what they may do there"
        )
    if _UNREACHABLE.search(text):
        return TargetUnreachable(f"{server.shown} does not answer: {said}")
    return PublishFailed(f"{server.shown} {what}: {said}", hint="the target keeps what it had")


def happened_meanwhile(error: duckdb.Error) -> bool:
    """Return whether the transaction failed only because another one was at work: it may be tried again."""
    return _MEANWHILE.search(str(error)) is not None


def _sentence(text: str, server: Server) -> str:
    # The last line that is the server's own; DETAIL and CONTEXT below it quote rows.
    said = _STATEMENT.sub("", text)
    said = re.split(r"\n(?:LINE|DETAIL|CONTEXT|HINT)\b", said)[0]
    said = said.rpartition("ERROR:")[2] or said
    said = said.rpartition("FATAL:")[2] or said
    said = re.sub(r"^[A-Z][A-Za-z ]* Error: ", "", " ".join(said.split()))
    return said.replace(server.password, "***") if server.password else said
