"""The address of a PostgreSQL server, as `ROPEWALK_DATABASE_URL` gives it."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Literal, cast, get_args
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from ropewalk.errors import nearest
from ropewalk.settings import InvalidSetting, without_password

Encryption = Literal["disable", "prefer", "require", "verify-full"]
_FORM = "write postgresql://USER:PASSWORD@HOST:PORT/DATABASE; host=/FOLDER after a `?` names a Unix socket's folder"
_PARAMETERS = ("host", "sslmode", "sslrootcert")


@dataclass(frozen=True)
class ServerAddress:
    """Where the server is and who asks.

    Attributes:
        shown: the URL without its password, for messages.
        host: a name or address, or the folder of a Unix socket.
        encryption: `disable`, `prefer` (when the server has it), `require`, or `verify-full` (and its certificate).
        certificates: the file of certificates that `verify-full` trusts; the system's own, if None.
    """

    shown: str
    user: str
    # Never part of a message: not even of the value's own text.
    password: str = dataclass_field(repr=False)
    host: str
    port: int
    database: str
    encryption: Encryption = "prefer"
    certificates: str | None = None


def read_address(url: str) -> ServerAddress:
    """Return the address that `url` names.

    Raises:
        InvalidSetting: it is no URL of a PostgreSQL database; the message never has the password.
    """
    shown = without_password(url)
    try:
        found = urlsplit(url)
        port = found.port or 5432
    except ValueError:
        # The reason is not passed on: Python's own message has the part it could not read.
        raise InvalidSetting(f"ROPEWALK_DATABASE_URL {shown} cannot be read", hint=_FORM) from None
    if found.scheme not in ("postgresql", "postgres"):
        raise InvalidSetting(f"ROPEWALK_DATABASE_URL must begin with postgresql://, not {shown}", hint=_FORM)
    parameters = _parameters(found, shown)
    host = parameters.get("host") or found.hostname or "localhost"
    database = unquote(found.path.lstrip("/"))
    if not found.username or not database:
        raise InvalidSetting(f"ROPEWALK_DATABASE_URL {shown} names no user or no database", hint=_FORM)
    return ServerAddress(
        shown=shown,
        user=unquote(found.username),
        password=unquote(found.password or ""),
        host=host,
        port=port,
        database=database,
        encryption=_encryption(parameters.get("sslmode", "prefer")),
        certificates=parameters.get("sslrootcert"),
    )


def _parameters(found: SplitResult, shown: str) -> dict[str, str]:
    parameters = dict(parse_qsl(found.query))
    for name in parameters:
        # One that is passed over (`sslmod=require`) would look as if it were in force.
        if name not in _PARAMETERS:
            raise InvalidSetting(
                f"ROPEWALK_DATABASE_URL {shown} has the unknown parameter {name!r}",
                nearest=nearest(name, _PARAMETERS),
                hint=f"the parameters are {', '.join(_PARAMETERS)}",
            )
    return parameters


def _encryption(text: str) -> Encryption:
    if text not in get_args(Encryption):
        raise InvalidSetting(
            f"sslmode in ROPEWALK_DATABASE_URL must be one of {', '.join(get_args(Encryption))}, not {text!r}",
            nearest=nearest(text, get_args(Encryption)),
        )
    return cast("Encryption", text)
