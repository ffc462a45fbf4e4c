"""Committing to the lake: all or nothing, with who did it, what for, and what it made."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import duckdb

from ropewalk.dataops.lake.builds import write_builds
from ropewalk.dataops.lake.names import literal
from ropewalk.dataops.lake.transaction import LakeTransaction
from ropewalk.dataops.lake.writer_lease import WriterLock


@contextmanager
def committed(transaction: LakeTransaction, signature: tuple[str, str], lock: WriterLock) -> Iterator[None]:
    """Begin before the block, and commit after it with author and message; after any error in it, roll back."""
    connection, is_committed = transaction.connection, False
    try:
        connection.execute("BEGIN")
        yield
        # The message goes with the commit; without a change DuckLake makes no snapshot for it.
        said = ", ".join(map(literal, signature))
        info = literal(write_builds(transaction.builds) if transaction.builds else None)
        connection.execute(f"CALL lake.set_commit_message({said}, extra_info => {info})")
        lock.require_held()
        connection.execute("COMMIT")
        is_committed = True
    finally:
        if not is_committed:
            roll_back(connection)


def roll_back(connection: duckdb.DuckDBPyConnection) -> None:
    """End the open transaction, undone."""
    # The engine has ended the transaction itself after some errors, and then says that there is none.
    with suppress(duckdb.Error):
        connection.execute("ROLLBACK")
