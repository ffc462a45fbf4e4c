"""Uploads in parts that are not finished yet, and the parts that have arrived."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field

from ropewalk.store.connections import Connection
from ropewalk.store.database import now_ms

# A part that arrives moves the end: only an upload that nobody goes on with is forgotten.
KEPT_MS = 24 * 3_600_000


@dataclass(frozen=True)
class Part:
    """A part that has arrived: its number from 1, and its object's digest and size."""

    number: int
    digest: str
    size: int


@dataclass(frozen=True)
class Upload:
    """An upload that is not finished: where the file is to stand, of how many parts it is, and which are here."""

    id: str
    path: str
    parts: int
    arrived: tuple[Part, ...] = field(default_factory=tuple)


def begin_upload(connection: Connection, path: str, parts: int) -> Upload:
    """Add an upload without parts, and forget those that nobody went on with."""
    now = now_ms()
    connection.execute("DELETE FROM upload WHERE expires_at < ?", (now,))
    upload = Upload(uuid.uuid4().hex, path, parts)
    connection.execute(
        "INSERT INTO upload (id, path, parts, begun_at, expires_at) VALUES (?, ?, ?, ?, ?)",
        (upload.id, path, parts, now, now + KEPT_MS),
    )
    return upload


def find_upload(connection: Connection, upload_id: str) -> Upload | None:
    """Return the upload of that id with its parts, or None when it never was, is over, or was forgotten."""
    row = connection.execute(
        "SELECT id, path, parts FROM upload WHERE id = ? AND expires_at >= ?", (upload_id, now_ms())
    ).fetchone()
    if row is None:
        return None
    parts = connection.execute(
        "SELECT number, digest, size FROM upload_part WHERE upload = ? ORDER BY number", (upload_id,)
    )
    arrived = tuple(Part(*part) for part in parts)
    return Upload(row["id"], row["path"], row["parts"], arrived)


def add_part(connection: Connection, upload_id: str, part: Part) -> None:
    """Note that a part has arrived, in place of the one that had its number before."""
    connection.execute(
        "INSERT INTO upload_part (upload, number, digest, size) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (upload, number) DO UPDATE SET digest = excluded.digest, size = excluded.size",
        (upload_id, part.number, part.digest, part.size),
    )
    connection.execute("UPDATE upload SET expires_at = ? WHERE id = ?", (now_ms() + KEPT_MS, upload_id))


def end_upload(connection: Connection, upload_id: str) -> bool:
    """Forget an upload with its parts; False when there was none."""
    return connection.execute("DELETE FROM upload WHERE id = ?", (upload_id,)).rowcount == 1


def count_forgotten(connection: Connection) -> int:
    """Return how many uploads nobody went on with."""
    row = connection.execute("SELECT count(*) AS left_over FROM upload WHERE expires_at < ?", (now_ms(),))
    return int(row.fetchone()["left_over"])


def forget_uploads(connection: Connection) -> int:
    """Forget the uploads that nobody went on with; return how many that were."""
    return connection.execute("DELETE FROM upload WHERE expires_at < ?", (now_ms(),)).rowcount
