"""An empty metadata database, and runs in it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import pytest

from ropewalk.store import Database
from ropewalk.store.tracking.runs import NewRun, insert_run


@pytest.fixture
def add_run(database: Database) -> Callable[..., int]:
    """Return a function that adds a run to experiment 0 and returns its number."""
    numbers = count(1)

    def add(name: str = "run", started_at: int = 0) -> int:
        new = NewRun(f"id-{next(numbers)}", "0", name, "ada", started_at)
        with database.write() as connection:
            return insert_run(connection, new)

    return add
