"""Which server a publication writes to, from its URL and its secrets; nothing of it is ever shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
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
        server = _read_url(target.kind, found["url"])
    except ValueError:
        # The reason repeats parts of the URL.
        raise _unreadable(target, place) from None
    return replace(server, password=found["password"]) if found["password"] else server


def _read_url(kind: str, url: str) -> Server:
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query))
    host = options.pop("host", None) or parts.hostname
    # libpq reads it there too; what stays among the options may be shown.
    asked = options.pop("password", "")
    database = unquote(parts.path.strip("/"))
    if parts.scheme not in SCHEMES[kind] or not host or not database:
        raise ValueError(kind)
    user, own = (unquote(part or "") for part in (parts.username, parts.password))
    return Server(kind, host, parts.port or PORTS[kind], database, user, own or asked, options)


def _unreadable(target: PostgresTarget | MySQLTarget, place: Place) -> InvalidPublication:
    return InvalidPublication(
        f"the url of this publication is not that of a {target.kind} database",
        place=place,
        hint=f"write {EXAMPLES[target.kind]}, whole or in the variable that secret://NAME names",
    )
