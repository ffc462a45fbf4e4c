"""Where a database server is, and how its drivers are told: a URL or parts, with every secret kept out of sight."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from ropewalk.dataops.sources.database_declarations import SCHEMES, ServerSource
from ropewalk.dataops.sources.errors import InvalidAddress
from ropewalk.dataops.sources.secrets import resolve_secrets
from ropewalk.errors import Place

HIDDEN = "***"
_PARTS = ("url", "host", "user", "password", "database")
_FILES = {"ca": "sslrootcert", "cert": "sslcert", "key": "sslkey"}
# MySQL's words for the same, and for the same files.
_MYSQL_MODES = {
    "disable": "disabled",
    "prefer": "preferred",
    "require": "required",
    "verify-ca": "verify_ca",
    "verify-full": "verify_identity",
}
_MYSQL_FILES = {"sslrootcert": "ssl-ca", "sslcert": "ssl-cert", "sslkey": "ssl-key"}


@dataclass(frozen=True)
class Address:
    """A database on a server; its text shows neither user nor password."""

    scheme: str
    host: str
    port: int | None
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    database: str = ""
    options: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        """What may be shown of it: `host:port/database`."""
        port = f":{self.port}" if self.port else ""
        return f"{self.host or self.options.get('host', '')}{port}/{self.database}"

    @property
    def url(self) -> str:
        """What the driver is told: everything, so it is never to be shown."""
        login = _quoted(self.user) + (f":{_quoted(self.password)}" if self.password else "")
        host = f"[{self.host}]" if ":" in self.host else _quoted(self.host)
        port = f":{self.port}" if self.port else ""
        query = "&".join(f"{name}={_quoted(value)}" for name, value in self.options.items())
        at = "@" if login else ""
        return (
            f"{self.scheme}://{login}{at}{host}{port}/{_quoted(self.database)}{'?' if query else ''}{query}"
        )

    def hide(self, text: str) -> str:
        """Return `text` without what is secret of the address."""
        hidden = [self.url, self.password, _quoted(self.password)]
        hidden += [value for name, value in self.options.items() if "pass" in name.lower()]
        # Longer ones first, as one may hold another.
        for secret in sorted({value for value in hidden if value}, key=len, reverse=True):
            text = text.replace(secret, HIDDEN)
        return text


def find_address(source: ServerSource, root: Path, place: Place) -> Address:
    """Return where the database of `source` is.

    Raises:
        InvalidAddress: the url is none of a database of this kind.
        SecretMissing: a secret that it names is not set.
    """
    declared = {name: str(value) for name in _PARTS if (value := getattr(source, name)) is not None}
    given = resolve_secrets(declared)
    scheme = SCHEMES[source.kind][0]  # type: ignore[attr-defined]  # every server source says its kind
    options = _tls_options(source, root)
    if "url" in given:
        return _parse(given["url"], source, scheme, options, place)
    return Address(
        scheme,
        given["host"],
        source.port,
        given.get("user", ""),
        given.get("password", ""),
        given.get("database", ""),
        _in_words_of(scheme, options),
    )


def _parse(url: str, source: ServerSource, scheme: str, options: dict[str, str], place: Place) -> Address:
    # The url itself is never part of a message: it may hold a password anywhere.
    schemes = SCHEMES[source.kind]  # type: ignore[attr-defined]  # as above
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise InvalidAddress("the url is not one: its host or port cannot be read", place=place) from None
    if parts.scheme not in schemes:
        raise InvalidAddress(
            f"the url of a {schemes[0]} database starts with {schemes[0]}://, and this one does not",
            place=place,
            hint=f"write {schemes[0]}://USER:PASSWORD@HOST/DATABASE",
        )
    given = dict(parse_qsl(parts.query, keep_blank_values=True))
    return Address(
        scheme,
        parts.hostname or "",
        port,
        unquote(parts.username or ""),
        unquote(parts.password or ""),
        unquote(parts.path.removeprefix("/")),
        {**given, **_in_words_of(scheme, options)},
    )


def _tls_options(source: ServerSource, root: Path) -> dict[str, str]:
    if source.tls is None:
        return {}
    files = {option: getattr(source.tls, name) for name, option in _FILES.items()}
    return {"sslmode": source.tls.mode} | {
        option: str(root / path) for option, path in files.items() if path is not None
    }


def _in_words_of(scheme: str, options: Mapping[str, str]) -> dict[str, str]:
    if scheme != "mysql":
        return {"connect_timeout": "10", **options}
    found = {_MYSQL_FILES[name]: value for name, value in options.items() if name in _MYSQL_FILES}
    return found | ({"ssl-mode": _MYSQL_MODES[options["sslmode"]]} if "sslmode" in options else {})


def _quoted(text: str) -> str:
    return quote(text, safe="")
