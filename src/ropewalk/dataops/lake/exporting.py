"""Tables as plain Parquet files with a list of their digests, so that no data are a lake's hostage."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING

import duckdb
from blake3 import blake3

from ropewalk.dataops.lake.digest import Column, TableDigest, digest_relation, read_columns
from ropewalk.dataops.lake.errors import ExportFailed, StorageTaken
from ropewalk.dataops.lake.lake import Lake
from ropewalk.dataops.lake.names import TableName, literal, quote

if TYPE_CHECKING:
    from collections.abc import Iterator

MANIFEST = "manifest.json"
ICEBERG_CATALOG = "catalog.sqlite"
ROW_GROUP = 122_880
PIECE = 1 << 20
Report = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Exported:
    """A table that was exported.

    Attributes:
        table: its name in the lake.
        snapshot: at which snapshot.
        file: where it is, relative to the folder; of an Iceberg table the newest metadata file.
        bytes: the file's size; of an Iceberg table that of its rows in memory.
        blake3: the file's digest; empty for an Iceberg table, which is many files.
        columns: names and types, as the lake has them.
        content: rows and digest of the content, as Ropewalk counts it.
    """

    table: str
    snapshot: int
    file: str
    bytes: int
    blake3: str
    columns: tuple[Column, ...]
    content: TableDigest


def export_tables(
    lake: Lake,
    tables: Mapping[str, int],
    folder: Path,
    report: Report = lambda _done, _total, _what: None,
) -> list[Exported]:
    """Write each of `tables` at its snapshot into `folder` as `SCHEMA/NAME.parquet`, and a list of all of them.

    The folder appears as a whole or not at all; what was written is read back and held against the lake.

    Raises:
        StorageTaken: the folder has files already.
        ExportFailed: a file cannot be written, or does not hold what the lake has.
        TableMissing, SnapshotMissing: the lake does not have one of the tables.
    """
    with _appearing(folder) as unfinished, lake.reading() as connection:
        done = []
        for number, (name, snapshot) in enumerate(sorted(tables.items())):
            report(number, len(tables), name)
            done.append(_export(connection, TableName.parse(name), snapshot, unfinished))
        document = {"format": 1, "tables": [asdict(one) for one in done]}
        (unfinished / MANIFEST).write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return done


def export_iceberg(
    lake: Lake,
    tables: Mapping[str, int],
    folder: Path,
    report: Report = lambda _done, _total, _what: None,
) -> list[Exported]:
    """Write each of `tables` at its snapshot as an Iceberg table of the warehouse `folder`, and a list of all of them.

    A warehouse that is there is gone on with: what has other rows becomes a new Iceberg snapshot of its table.

    Raises:
        ExportFailed: a table cannot be kept as Iceberg keeps them.
        ExtensionMissing: the extra `iceberg` is not installed.
        TableMissing, SnapshotMissing: the lake does not have one of the tables.
    """
    # It brings pyiceberg along.
    from ropewalk.dataops.lake.iceberg import IcebergLake

    place = folder.absolute()
    uri = f"sqlite:///{place / ICEBERG_CATALOG}"
    done = []
    with IcebergLake(uri, place.as_uri(), lake.sign("")[0]) as target, lake.reading() as connection:
        for number, (name, snapshot) in enumerate(sorted(tables.items())):
            report(number, len(tables), name)
            relation = TableName.parse(name).at(snapshot)
            columns, content = read_columns(connection, relation), digest_relation(connection, relation)
            rows = connection.sql(f"FROM {relation}").to_arrow_table()
            made = target.write_rows(name, rows, f"snapshot {snapshot} of the lake")
            found = target.read_at(name, made).count("*").fetchone()
            if found is None or found[0] != content.rows:
                raise ExportFailed(f"what was written of {name} is not what the lake has")
            file = target.location(name).removeprefix(f"{place.as_uri()}/")
            done.append(Exported(name, snapshot, file, rows.nbytes, "", tuple(columns), content))
    return done


def _export(connection: duckdb.DuckDBPyConnection, table: TableName, snapshot: int, folder: Path) -> Exported:
    relation = table.at(snapshot)
    columns, content = read_columns(connection, relation), digest_relation(connection, relation)
    path = folder / table.schema / f"{table.name}.parquet"
    path.parent.mkdir(exist_ok=True)
    # In the order of the rows, so that the same snapshot gives the same file.
    connection.execute(
        f"COPY (FROM {relation}) TO {literal(str(path))} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP})"
    )
    casts = ", ".join(f"CAST({quote(c.name)} AS {c.type}) AS {quote(c.name)}" for c in columns)
    written = digest_relation(connection, f"(SELECT {casts} FROM read_parquet({literal(str(path))}))")
    if written != content:
        raise ExportFailed(
            f"what was written of {table} at snapshot {snapshot} is not what the lake has",
            hint="a type that Parquet cannot keep exactly has to be cast first",
        )
    file = f"{table.schema}/{path.name}"
    return Exported(str(table), snapshot, file, path.stat().st_size, _digest(path), tuple(columns), content)


@contextmanager
def _appearing(folder: Path) -> Iterator[Path]:
    """Yield a folder to fill, which becomes `folder` at the end, or goes away after an error."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise StorageTaken(f"{folder} has files already", hint="name a folder that is empty or not there")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        unfinished = Path(mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    except OSError as error:
        raise ExportFailed(f"{folder} cannot be made: {error.strerror or error}") from error
    try:
        yield unfinished
        unfinished.chmod(0o755)
        # An empty folder may be in the way; a rename takes its place.
        unfinished.rename(folder)
    except OSError as error:
        raise ExportFailed(f"{folder} cannot be written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _digest(path: Path) -> str:
    hasher = blake3()
    with path.open("rb") as stream:
        while piece := stream.read(PIECE):
            hasher.update(piece)
    return hasher.hexdigest()
