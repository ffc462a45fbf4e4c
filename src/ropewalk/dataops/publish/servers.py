"""Which server a publication writes to, from its URL and its secrets; nothing of it is ever shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlsplit

from ropewalk.dataops.publish.declarations import MySQLTarget, PostgresTarget
from ropewalk.dataops.publish.errors import InvalidPublication
from ropewalk.dataops.sources import resolve_secrets
from ropewalk.errors import Place

SCHEMES = {"postgres": ("postgresql", "postgres"), "mysql": ("mysql", "mariadb")}
PORTS = {"postgres": 5432, "mysql": 3306}
EXAMPLES = {"postgres": "postgresql://USER@HOST/DATABASE", "mysql": "mysql://USER@HOST/DATABASE"}


@dataclass(frozen=True)
class Server:
    """Where to connect, and as whom; its text leaves the password out."""

    kind: str
    host: str
    port: int
    database: str
    user: str
    password: str = field(repr=False)
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def shown(self) -> str:
        """The server as it may be shown."""
        return f"{self.kind}://{self.host}:{self.port}/{self.database}"


def find_server(target: PostgresTarget | MySQLTarget, place: Place) -> Server:
    """Return the server that `target` names, with its secrets filled in from the environment.

    Raises:
        SecretMissing: the environment does not have one.
        InvalidPublication: the URL is none of such a database; the error does not repeat it.
    """
    given = {"url": target.url, "password": target.password or ""}
    found = resolve_secrets(given)
    try:
        parts = urlsplit(found["url"])
        port = parts.port or PORTS[target.kind]
    except ValueError:
        raise _unreadable(target, place) from None
    database = unquote(parts.path.strip("/"))
    options = dict(parse_qsl(parts.query))
    host = options.pop("host", None) or parts.hostname
    if parts.scheme not in SCHEMES[target.kind] or not host or not database:
        raise _unreadable(target, place)
    password = found["password"] or unquote(parts.password or "")
    return Server(target.kind, host, port, database, unquote(parts.username or ""), password, options)


def _unreadable(target: PostgresTarget | MySQLTarget, place: Place) -> InvalidPublication:
    return InvalidPublication(
        f"the url of this publication is not that of a {target.kind} database",
        place=place,
        hint=f"write {EXAMPLES[target.kind]}, whole or in the variable that secret://NAME names",
    )
