"""Computing a table on an engine: inputs are brought there once per version, the SELECT runs there, rows come back.

Everything there is named by content: an input by the digest of its rows, a result by the key of its action. What has
the name has the content, so that nothing is done twice and a kill leaves whole tables or none. Each environment sees
its own through views in a schema of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
from blake3 import blake3

from ropewalk.dataops.lake import Column, InvalidQuery, TableName, literal, open_lake, quote, read_columns
from ropewalk.dataops.publish import (
    POSTGRES,
    Sent,
    Target,
    TargetSession,
    cut_name,
    find_server,
    happened_meanwhile,
    open_session,
    translate_refusal,
)
from ropewalk.dataops.warehouse.declarations import Engine
from ropewalk.dataops.warehouse.translation import translate
from ropewalk.errors import Place
from ropewalk.pipeline import Workspace

# As much of a name as leaves room for a digest in the bytes that PostgreSQL gives a name.
_LIMIT, _LONGEST, _DIGITS = 63, 44, 16
TRIES = 5
_NESTED = ("[", "STRUCT", "MAP", "UNION", "JSON")


@dataclass(frozen=True)
class Version:
    """One version of a table of the lake: its snapshot, and the digest of its rows."""

    snapshot: int
    digest: str


@dataclass(frozen=True)
class Job:
    """A table to be computed elsewhere.

    Attributes:
        engine: where.
        place: where the engine is declared.
        table: the table.
        key: its action key.
        sql: its SELECT, with every table named in full.
        inputs: the versions of the tables that it reads.
    """

    engine: Engine
    place: Place
    table: str
    key: str
    sql: str
    inputs: Mapping[str, Version]


def compute(workspace: Workspace, job: Job, path: Path) -> None:
    """Compute the job's rows on its engine, and write them to the Parquet file `path`.

    Raises:
        ValueError: the SELECT cannot be said in the engine's dialect.
        PublishFailed, TargetUnreachable, TargetRefused: the engine did not do it.
    """
    schema = job.engine.db_schema
    names = {name.lower(): (schema, _by_digest(name, version.digest)) for name, version in job.inputs.items()}
    select = translate(job.sql, names)
    result = Target(schema, _named(job.table, job.key))
    with _session(workspace, job.engine, job.place) as session:
        for name, version in job.inputs.items():
            bring(session, schema, name, version)
        if session.columns(result) is None:
            with session.transaction():
                # As in the lake: what is a time of day there must not be another one here.
                session.execute("SET LOCAL TIME ZONE 'UTC'")
                session.execute(f"CREATE TABLE {session.there(result)} AS {select}")
        session.refresh()
        session.connection.execute(
            f"COPY (FROM {session.address(result)}) TO {literal(str(path))} (FORMAT parquet)"
        )


def rows_sql(connection: duckdb.DuckDBPyConnection, path: Path, columns: list[Column]) -> str:
    """Return the SELECT of computed rows with the names and types that the lake would give them.

    Raises:
        InvalidQuery: the engine gave other columns than the lake would.
    """
    came = read_columns(connection, f"read_parquet({literal(str(path))})")
    if len(came) != len(columns):
        raise InvalidQuery(
            f"the engine gives {len(came)} columns, and here there are {len(columns)}",
            hint="name the columns instead of *",
        )
    casts = [
        f"CAST({_value(have.name, want.type)} AS {want.type}) AS {quote(want.name)}"
        for have, want in zip(came, columns, strict=True)
    ]
    return f"SELECT {', '.join(casts)} FROM read_parquet({literal(str(path))})"


def stand(workspace: Workspace, engine: Engine, place: Place, table: str, version: Version, key: str) -> None:
    """Let the workspace's environment see `version` of `table` on the engine: a view in its own schema leads to it.

    Raises:
        PublishFailed, TargetUnreachable, TargetRefused: the engine did not do it.
    """
    name = TableName.parse(table.lower())
    own = _environment_schema(engine, workspace.settings.environment, name.schema)
    view = Target(own, name.name)
    content = Target(engine.db_schema, _by_digest(table, version.digest))
    with _session(workspace, engine, place) as session:
        made = Target(engine.db_schema, _named(table, key))
        if session.columns(content) is None and session.columns(made) is not None:
            session.execute(f"CREATE OR REPLACE VIEW {session.there(content)} AS TABLE {session.there(made)}")
        # Computed on another machine, or before the engine lost it: then the lake has it.
        bring(session, engine.db_schema, table, version)
        with session.transaction():
            session.execute(f"CREATE SCHEMA IF NOT EXISTS {POSTGRES.quote(own)}")
            # Replacing would refuse other columns.
            session.execute(f"DROP VIEW IF EXISTS {session.there(view)}")
            session.execute(f"CREATE VIEW {session.there(view)} AS TABLE {session.there(content)}")


def bring(session: TargetSession, schema: str, table: str, version: Version) -> None:
    """Copy a version of a table to the engine, unless it is there: computed there, or copied before."""
    place = Target(schema, _by_digest(table, version.digest))
    if session.columns(place) is not None:
        return
    relation = TableName.parse(table).at(version.snapshot)
    sent = [_lower(POSTGRES.sent(column)) for column in read_columns(session.connection, relation)]
    with session.transaction():
        session.create(place, sent)
        values = ", ".join(column.expression for column in sent)
        session.insert(place, [column.name for column in sent], f"SELECT {values} FROM {relation}")


@contextmanager
def _session(workspace: Workspace, engine: Engine, place: Place) -> Iterator[TargetSession]:
    server = find_server(engine, place)
    try:
        with open_lake(workspace).cursor() as connection, open_session(connection, server) as session:
            session.execute(f"CREATE SCHEMA IF NOT EXISTS {POSTGRES.quote(engine.db_schema)}")
            session.refresh()
            yield session
    except duckdb.Error as error:
        refusal = translate_refusal(error, server, "did not compute it")
        # Two runs that copy one input at once: the second finds it there when it tries again.
        refusal.may_pass = refusal.may_pass or happened_meanwhile(error)
        raise refusal from error


def _lower(sent: Sent) -> Sent:
    return Sent(sent.name.lower(), sent.type, sent.expression, sent.obstacle)


def _by_digest(table: str, digest: str) -> str:
    return _named(table, f"d{digest}")


def _named(table: str, text: str) -> str:
    return f"{cut_name(table.lower().replace('.', '_'), _LONGEST)}__{text[:_DIGITS]}"


def _environment_schema(engine: Engine, environment: str, schema: str) -> str:
    said = "".join(c if c.isalnum() else "_" for c in environment.lower())
    name = f"{engine.db_schema}_{said}_{schema}"
    if len(name.encode()) <= _LIMIT:
        return name
    # Cut alone, two environments whose names begin alike would overwrite each other's views.
    return _named(name, blake3(name.encode()).hexdigest())


def _value(name: str, kind: str) -> str:
    # What is nested comes back as JSON.
    is_nested = kind.endswith("]") or kind.startswith(_NESTED)
    return f"CAST({quote(name)} AS JSON)" if is_nested else quote(name)
