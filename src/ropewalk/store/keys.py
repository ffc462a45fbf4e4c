"""Keys that all servers of one database share."""

from __future__ import annotations

import secrets

from ropewalk.store.database import Database


def shared_key(database: Database, purpose: str) -> bytes:
    """Return the key for `purpose`, made at random by whoever asks first."""
    with database.read() as connection:
        row = connection.execute("SELECT key FROM server_key WHERE purpose = ?", (purpose,)).fetchone()
    if row is None:
        with database.write() as connection:
            # Of two that make one at once, the first one's counts.
            connection.execute(
                "INSERT INTO server_key (purpose, key) VALUES (?, ?) ON CONFLICT (purpose) DO NOTHING",
                (purpose, secrets.token_hex(32)),
            )
            row = connection.execute("SELECT key FROM server_key WHERE purpose = ?", (purpose,)).fetchone()
    return bytes.fromhex(row["key"])
