"""Values that must not be printed: which they are, and hiding them in what a step prints."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import unquote, urlsplit

HIDDEN = b"***"
# Shorter values are words such as `true` or `dev`: hiding them would make a log unreadable and keep nothing secret.
SHORTEST = 6
_NAMES_SECRET = re.compile(
    r"TOKEN|PASSWORD|PASSWD|PASSPHRASE|SECRET|CREDENTIAL|(^|_)(API_?|ACCESS_?|PRIVATE_?)?KEY(_|$)"
)
_REFERENCE = re.compile(r"secret://([A-Za-z_][A-Za-z0-9_]*)")


class Mask:
    """Hides the given values."""

    def __init__(self, values: Iterable[str]) -> None:
        # A key of several lines is printed in lines; longer values first, as one may hold another.
        lines = {line for value in values for line in value.splitlines() if len(line) >= SHORTEST}
        self._values = sorted((line.encode() for line in lines), key=len, reverse=True)

    @property
    def longest(self) -> int:
        """How many bytes the longest of the values has."""
        return len(self._values[0]) if self._values else 0

    def hide(self, content: bytes) -> bytes:
        """Return `content` with every secret value in it replaced."""
        for value in self._values:
            content = content.replace(value, HIDDEN)
        return content

    def hide_text(self, text: str) -> str:
        """Return `text` with every secret value in it replaced."""
        return self.hide(text.encode(errors="surrogateescape")).decode(errors="surrogateescape")


def names_secret(name: str) -> bool:
    """Return whether a variable of that name holds a secret."""
    return _NAMES_SECRET.search(name.upper()) is not None


def find_secrets(environ: Mapping[str, str], declarations: str) -> Mask:
    """Return a mask of variables named like secrets or used as `secret://NAME`, and of passwords in addresses."""
    named = set(_REFERENCE.findall(declarations))
    secret = [value for name, value in environ.items() if name in named or names_secret(name)]
    # An address with a password (`ROPEWALK_DATABASE_URL`) is no secret by its name, and its password is one.
    return Mask([*secret, *(password for value in environ.values() for password in _passwords(value))])


def _passwords(value: str) -> Iterable[str]:
    """Return the password in an address such as `postgresql://user:password@host`, as written and as meant."""
    try:
        password = urlsplit(value).password
    except ValueError:
        return ()
    return (password, unquote(password)) if password else ()
