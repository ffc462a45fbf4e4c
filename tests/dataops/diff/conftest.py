"""A lake of the test's own, and comparing two versions of its one table."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from ropewalk.dataops.diff.keys import Declared
from ropewalk.dataops.diff.sides import Held
from ropewalk.dataops.diff.table import diff_table
from ropewalk.dataops.diff.values import TableDiff
from ropewalk.dataops.lake import Lake

TABLE = "mart.t"
Write = Callable[..., int]
Compare = Callable[..., TableDiff]


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """Return a lake that the tests of one module share: each compares versions that it wrote itself."""
    with Lake(tmp_path_factory.mktemp("lake")) as lake:
        yield lake


@pytest.fixture
def write(lake: Lake) -> Write:
    """Return a function that makes the table hold a SELECT's rows, or runs statements; it returns the snapshot."""

    def write_it(select: str | None = None, *statements: str) -> int:
        with lake.transaction("a version") as transaction:
            if select is not None:
                transaction.replace(TABLE, select)
            for statement in statements:
                transaction.connection.execute(statement)
        return lake.snapshot()

    return write_it


@pytest.fixture
def compare(lake: Lake) -> Compare:
    """Return a function that compares two snapshots of the table, by a key if one is given."""

    def compare_it(
        before: int, after: int, key: tuple[str, ...] = (), masked: frozenset[str] = frozenset()
    ) -> TableDiff:
        declared = Declared({TABLE: key} if key else {}, {TABLE: masked})
        return diff_table(lake, TABLE, (Held(before), Held(after)), declared, sample=2)

    return compare_it
