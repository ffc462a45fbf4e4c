"""The manifest of artifacts: which stored object stands at which path."""

from __future__ import annotations

from dataclasses import dataclass

from ropewalk.store.connections import Connection
from ropewalk.store.database import now_ms


@dataclass(frozen=True)
class Artifact:
    """A file among the artifacts: its path, and the digest and size of the object that holds its bytes."""

    path: str
    digest: str
    size: int


@dataclass(frozen=True)
class Entry:
    """One name in a folder of artifacts; `size` is None for a folder."""

    name: str
    size: int | None

    @property
    def is_folder(self) -> bool:
        """Whether more entries lie below."""
        return self.size is None


def put_artifact(connection: Connection, artifact: Artifact) -> None:
    """Let `artifact` stand at its path, in place of what stood there."""
    connection.execute(
        # One statement, so that a reader sees the old file or the new one and never none.
        "INSERT INTO artifact (path, digest, size, stored_at) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (path) DO UPDATE SET digest = excluded.digest, size = excluded.size,"
        " stored_at = excluded.stored_at",
        (artifact.path, artifact.digest, artifact.size, now_ms()),
    )


def find_artifact(connection: Connection, path: str) -> Artifact | None:
    """Return the file at `path`, or None."""
    row = connection.execute("SELECT path, digest, size FROM artifact WHERE path = ?", (path,)).fetchone()
    return Artifact(*row) if row else None


def artifacts_below(connection: Connection, folder: str) -> list[Artifact]:
    """Return every file below `folder` in the order of their paths."""
    # A range of the primary key: with LIKE a `%` or `_` in a path would match others, and the index would go
    # unused.
    within, ends = _range(folder)
    rows = connection.execute(
        f"SELECT path, digest, size FROM artifact WHERE {within} ORDER BY path",  # noqa: S608  # only marks
        ends,
    )
    return [Artifact(*row) for row in rows]


def list_folder(connection: Connection, folder: str) -> list[Entry]:
    """Return what lies directly in `folder` ("" is the root), by name."""
    within, ends = _range(folder)
    # A folder's files share its name's part of the path, so grouping by that part yields one row each.
    rows = connection.execute(
        "SELECT CASE WHEN slash > 0 THEN substr(rest, 1, slash - 1) ELSE rest END AS name,"  # noqa: S608  # only marks
        " max(CASE WHEN slash > 0 THEN 1 ELSE 0 END) AS is_folder, max(size) AS size"
        " FROM (SELECT rest, size, instr(rest, '/') AS slash"
        f"   FROM (SELECT substr(path, ? + 1) AS rest, size FROM artifact WHERE {within}) AS below) AS split"
        " GROUP BY 1 ORDER BY 1",
        (len(folder) + 1 if folder else 0, *ends),
    )
    return [Entry(row["name"], None if row["is_folder"] else row["size"]) for row in rows]


def blocks_path(connection: Connection, path: str) -> str | None:
    """Return the file or folder that makes it impossible for a file to stand at `path`, or None."""
    # Below: files for which this path is a folder.
    within, ends = _range(path)
    row = connection.execute(f"SELECT path FROM artifact WHERE {within} LIMIT 1", ends).fetchone()  # noqa: S608
    if row:
        return path
    # Above: a file where this path needs a folder.
    parts = path.split("/")
    above = ["/".join(parts[:length]) for length in range(1, len(parts))]
    if not above:
        return None
    row = connection.execute(
        f"SELECT path FROM artifact WHERE path IN ({', '.join('?' * len(above))})",  # noqa: S608  # only marks
        above,
    ).fetchone()
    return str(row["path"]) if row else None


# Only the manifest forgets: the objects stay, because other paths and registered versions may share them.
def remove_artifacts(connection: Connection, path: str) -> int:
    """Remove the file at `path` or all below it from the manifest; return how many files that were."""
    within, ends = _range(path)
    done = connection.execute(f"DELETE FROM artifact WHERE path = ? OR {within}", (path, *ends))  # noqa: S608
    return done.rowcount


def _range(folder: str) -> tuple[str, tuple[str, ...]]:
    """Return the condition that a path begins with `folder/`, and its values; all paths for the root."""
    # "0" follows "/" in every encoding that is compared by its bytes. Parts of a statement and no values of people.
    return ("(path >= ? AND path < ?)", (f"{folder}/", f"{folder}0")) if folder else ("TRUE", ())
