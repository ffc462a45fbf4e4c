"""Fifty thousand runs, put straight into each server's own tables: logging them would take stock an hour.

Both get the same rows: five metrics, five parameters and four tags a run. `Shape` says how many.
"""

from __future__ import annotations

import asyncio
import random
import sqlite3
import uuid
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from ropewalk.store.tracking.segments import pack

RUNS = 50_000
METRICS, PARAMS, TAGS = 5, 5, 4
NOW = 1_760_000_000_000
Tables = dict[str, tuple[tuple[str, ...], Iterable[Sequence[Any]]]]


class Seeds:
    """The same runs for whoever asks, drawn from one seed."""

    def __init__(self, runs: int = RUNS) -> None:
        source = random.Random(5)
        self.ids = [uuid.UUID(int=source.getrandbits(128)).hex for _ in range(runs)]
        self.values = [[source.random() for _ in range(METRICS)] for _ in range(runs)]
        self.params = [[str(source.randrange(10)) for _ in range(PARAMS)] for _ in range(runs)]

    def metrics(self) -> Iterator[tuple[int, int, float]]:
        """Yield (run, metric, value)."""
        return (
            (run, key, value) for run, values in enumerate(self.values) for key, value in enumerate(values)
        )

    def texts(self) -> Iterator[tuple[int, int, str]]:
        """Yield (run, parameter, value)."""
        return (
            (run, key, value) for run, values in enumerate(self.params) for key, value in enumerate(values)
        )


def stock_tables(seeds: Seeds) -> Tables:
    """Return the rows of stock's tables, for its experiment 0."""
    ids, runs = seeds.ids, range(len(seeds.ids))
    named = (
        (
            id_, f"run-{n}", "LOCAL", "seed", "", "bench", "FINISHED",
            NOW + n * 1000, NOW + n * 1000 + 500, None, "", "active", f"mlflow-artifacts:/0/{id_}/artifacts", 0,
        )
        for n, id_ in enumerate(ids)
    )  # fmt: skip
    run_columns = (
        "run_uuid", "name", "source_type", "source_name", "entry_point_name", "user_id", "status",
        "start_time", "end_time", "deleted_time", "source_version", "lifecycle_stage", "artifact_uri", "experiment_id",
    )  # fmt: skip
    points = [(f"m{key}", value, NOW, ids[run], 1, False) for run, key, value in seeds.metrics()]
    point_columns = ("key", "value", "timestamp", "run_uuid", "step", "is_nan")
    entry = ("key", "value", "run_uuid")
    return {
        "runs": (run_columns, named),
        "metrics": (point_columns, points),
        "latest_metrics": (point_columns, points),
        "params": (entry, ((f"p{key}", value, ids[run]) for run, key, value in seeds.texts())),
        "tags": (entry, ((f"t{key}", f"v{run % 7}", ids[run]) for run in runs for key in range(TAGS))),
    }


def our_tables(seeds: Seeds) -> Tables:
    """Return the rows of our tables, for the experiment 0."""
    runs = range(len(seeds.ids))
    # Far from the numbers that runs of the benchmark itself are given.
    first = 1_000_000
    named = (
        (first + n, id_, 0, f"run-{n}", "bench", "FINISHED", "active", NOW + n * 1000, NOW + n * 1000 + 500)
        for n, id_ in enumerate(seeds.ids)
    )
    run_columns = (
        "number", "id", "experiment", "name", "user_id", "status", "stage", "started_at", "ended_at",
    )  # fmt: skip
    blobs = [
        pack({first + key: [(1, NOW, value)] for key, value in enumerate(values)}) for values in seeds.values
    ]
    entry = ("run", "key", "value")
    return {
        "metric_key": (("id", "name"), [(first + key, f"m{key}") for key in range(METRICS)]),
        "run": (run_columns, named),
        "latest_metric": (
            ("run", "key", "value", "step", "recorded_at"),
            ((first + run, first + key, value, 1, NOW) for run, key, value in seeds.metrics()),
        ),
        "metric_segment": (
            ("run", "points", "digest", "content"),
            ((first + run, METRICS, run.to_bytes(16, "little"), blobs[run]) for run in runs),
        ),
        "run_param": (entry, ((first + run, f"p{key}", value) for run, key, value in seeds.texts())),
        "run_tag": (entry, ((first + run, f"t{key}", f"v{run % 7}") for run in runs for key in range(TAGS))),
    }


def fill(where: Path | str, tables: Tables) -> None:
    """Put the rows into the database in that file or at that URL; nothing else is written meanwhile."""
    if isinstance(where, Path):
        _fill_file(where, tables)
    else:
        asyncio.run(_fill_server(where, tables))


def _fill_file(path: Path, tables: Tables) -> None:
    connection = sqlite3.connect(path, timeout=60)
    for table, (columns, rows) in tables.items():
        places = ", ".join("?" * len(columns))
        connection.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})", rows)
    connection.commit()
    connection.close()


async def _fill_server(url: str, tables: Tables) -> None:
    import asyncpg  # type: ignore[import-untyped]  # it has no types

    connection = await asyncpg.connect(url)
    for table, (columns, rows) in tables.items():
        await connection.copy_records_to_table(table, records=rows, columns=list(columns))
    # The server's own housekeeping would do it within a minute; stock's searches depend on it.
    await connection.execute("ANALYZE")
    await connection.close()
