"""An empty metadata database, and runs in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import count
from typing import TYPE_CHECKING

import pytest
from blank_state import add_database

from ropewalk.store import Database
from ropewalk.store.tracking.runs import NewRun, insert_run

if TYPE_CHECKING:
    from database_server import DatabaseServer


@pytest.fixture
def add_run(database: Database) -> Callable[..., int]:
    """Return a function that adds a run to experiment 0 and returns its number."""
    numbers = count(1)

    def add(name: str = "run", started_at: int = 0) -> int:
        new = NewRun(f"id-{next(numbers)}", "0", name, "ada", started_at)
        with database.write() as connection:
            return insert_run(connection, new)

    return add


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """Return a database of a whole module, whose tests keep to ids of their own: one to make, and not one each."""
    if request.param == "sqlite":
        folder = tmp_path_factory.mktemp("shared")
        add_database(folder / "ropewalk.db")
        with closing(Database.open(folder / "ropewalk.db")) as opened:
            yield opened
        return
    server: DatabaseServer = request.getfixturevalue("database_server")
    with server.database() as name, closing(Database.open(server.url(name))) as opened:
        yield opened
