"""Texts kept so that the database alone does not give them away, and keys for what this server signs.

All are made from one key: the setting `secrets_key`, which several servers share, or a random one in the state folder.
Each purpose has a key of its own, so what was sealed for one cannot be opened as another.
"""

from __future__ import annotations

import os
import secrets
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from blake3 import blake3

from ropewalk.mlops.tracking.errors import Unsealable
from ropewalk.pipeline import Workspace

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_FILE = "secrets.key"
# The form of what follows, so that another one can come later and both be told apart.
_VERSION = b"\x01"
_NONCE = 12


class Sealer:
    """Seals texts (AES-256-GCM) for one purpose, and opens what it sealed.

    A value in the database is bytes that nobody can read or change unseen without the key, which is not in the database.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key

    @classmethod
    def of(cls, workspace: Workspace, purpose: str) -> Sealer:
        """Return the sealer of this server for `purpose`, such as `webhooks` or `gateway`."""
        return cls(derived_key(workspace, f"seal {purpose}"))

    def seal(self, text: str) -> bytes:
        """Return `text` as bytes to keep; the same text is never the same bytes twice."""
        nonce = os.urandom(_NONCE)
        return _VERSION + nonce + self._cipher().encrypt(nonce, text.encode(), _VERSION)

    def open(self, sealed: bytes) -> str:
        """Return the text that was sealed.

        Raises:
            Unsealable: it was sealed with another key, or changed since.
        """
        from cryptography.exceptions import InvalidTag

        version, nonce, content = sealed[:1], sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :]
        try:
            # The version is sealed with the text, so one that was changed is noticed as well.
            return self._cipher().decrypt(nonce, content, version).decode()
        except (InvalidTag, ValueError):
            # Neither the bytes nor the cause is shown: both could tell about the secret.
            raise Unsealable(
                "a secret cannot be opened: it was sealed with another key, or changed",
                hint="several servers of one database need one ROPEWALK_SECRETS_KEY: without it each has a key of its own,"
                f" {KEY_FILE} in its state folder. Set it everywhere to the key it was sealed with, or store the secret again",
            ) from None

    def _cipher(self) -> AESGCM:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        return AESGCM(self._key)


def derived_key(workspace: Workspace, purpose: str) -> bytes:
    """Return 32 bytes that only this server's key and `purpose` give: for signatures and the like."""
    master = workspace.settings.secrets_key or _kept_key(workspace.state / KEY_FILE)
    return blake3(master.encode(), derive_key_context=f"ropewalk 2026-11 {purpose}").digest()


def _kept_key(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except FileNotFoundError:
        pass
    # Written whole under another name, which only its owner may read, and put there unless somebody was first.
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=KEY_FILE)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as stream:
            stream.write(secrets.token_hex(32))
        path.hardlink_to(name)
    except FileExistsError:
        pass
    finally:
        Path(name).unlink()
    return path.read_text(encoding="ascii")
