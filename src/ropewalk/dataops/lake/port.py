"""The port of the lake: what any store of versioned tables has to do, and what it may do differently.

Two adapters ship: `Lake` (DuckLake), in which builds work, and `IcebergLake`, into which tables are copied for other
engines. They pass one suite; how they differ is said in `Capabilities`, not in their types.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import duckdb

    from ropewalk.dataops.lake.changes import Changes
    from ropewalk.dataops.lake.expiry import Expired
    from ropewalk.dataops.lake.pins import Pin
    from ropewalk.dataops.lake.snapshots import SnapshotInfo


@dataclass(frozen=True)
class Capabilities:
    """In what stores of versioned tables differ.

    Attributes:
        spans_tables: whether one number is a version of all tables, or of its own table alone.
        follows_rows: whether changes tell updated rows with both images, or as gone and come.
        removes_files: whether expiring snapshots removes their files, and counts them.
        is_transactional: whether several tables can change in one commit.
    """

    spans_tables: bool
    follows_rows: bool
    removes_files: bool
    is_transactional: bool


class LakePort(Protocol):
    """A store of versioned tables.

    Its connections (`cursor`) are DuckDB's: what `changes` returns is a SELECT for one of them.
    """

    capabilities: Capabilities

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """Return a connection for reading, for one thread at a time."""

    def write(self, table: str, select_sql: str, message: str) -> int:
        """Make `table` hold the rows of `select_sql`; return the snapshot that has them.

        Content that is there already makes no snapshot.
        """

    def read_at(self, table: str, snapshot: int) -> duckdb.DuckDBPyRelation:
        """Return the rows that `table` had at `snapshot`.

        Raises:
            TableMissing, SnapshotMissing: there is no such table, or nothing of it is kept from then.
        """

    def changes(self, table: str, since: int, until: int) -> Changes:
        """Return what changed in `table` after snapshot `since`, up to and with `until`.

        Raises:
            TableMissing, SnapshotMissing: one of the two is not there.
            ChangesMissing: it cannot be told.
        """

    def snapshots(self, table: str | None = None, limit: int | None = None) -> list[SnapshotInfo]:
        """Return the snapshots that are kept (those that changed `table`), the newest first, at most `limit`."""

    def pin(self, name: str, tables: Mapping[str, int], message: str = "") -> Pin:
        """Give `tables`, each at its snapshot, a name, and let nothing of them be expired while it has it.

        Raises:
            PinTaken: the name is of another pin.
        """

    def unpin(self, name: str) -> Pin:
        """Take a pin away, and return what it was.

        Raises:
            PinMissing: there is none of that name.
        """

    def pins(self) -> list[Pin]:
        """Return every pin, in order of their names."""

    def expire(self, keep: Collection[int], older_than_ms: int, *, is_dry: bool = False) -> Expired:
        """Let go of all snapshots but `keep`, the newest, pinned ones, and those that were the newest lately."""
