"""What stands below `engines:` in `ropewalk.yaml`: databases that compute tables in the lake's place."""

from __future__ import annotations

from pydantic import Field

from ropewalk.dataops.publish import PostgresTarget


class Engine(PostgresTarget):
    """A PostgreSQL database that computes tables whose header says `-- engine: NAME`."""

    # It holds many tables, each under a name of its own.
    table: None = Field(None, exclude=True)
    db_schema: str = Field(
        "ropewalk",
        alias="schema",
        pattern=r"^[a-z][a-z0-9_]{0,23}$",
        description="Schema for the tables, and the beginning of the names of each environment's",
    )
