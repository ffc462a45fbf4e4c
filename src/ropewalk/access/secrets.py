"""The text of a token: a prefix that scanners find, 238 bits of chance, and a checksum that tells slips from guesses."""

from __future__ import annotations

import secrets
import zlib
from hashlib import sha256

PREFIX = "rw_"
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_RANDOM, _CHECK = 40, 6
LENGTH = len(PREFIX) + _RANDOM + _CHECK


def new_secret() -> str:
    """Return the text of a new token: `rw_`, 40 random characters and 6 that check them."""
    body = "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM))
    return PREFIX + body + _checksum(body)


def is_whole(text: str) -> bool:
    """Return whether `text` can be a token at all: a cut or mistyped one is told without looking it up."""
    if len(text) != LENGTH or not text.startswith(PREFIX) or not text.isascii():
        return False
    body = text[len(PREFIX) : -_CHECK]
    return secrets.compare_digest(text[-_CHECK:], _checksum(body))


def digest_of(secret: str) -> str:
    """Return what is kept of a secret.

    One round of a plain hash: nobody can try 2^238 secrets, so nothing is won by making each try dear, and every
    request pays for it.
    """
    return sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()


def _checksum(body: str) -> str:
    number = zlib.crc32(body.encode())
    digits = ""
    for _ in range(_CHECK):
        number, rest = divmod(number, len(_ALPHABET))
        digits += _ALPHABET[rest]
    return digits
