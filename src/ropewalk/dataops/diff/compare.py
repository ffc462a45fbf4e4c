"""Comparing all tables of two sides, or one table at two snapshots."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from ropewalk.dataops.diff.errors import InvalidComparison
from ropewalk.dataops.diff.keys import read_declared
from ropewalk.dataops.diff.sides import Held, base_side, current_side
from ropewalk.dataops.diff.table import diff_table
from ropewalk.dataops.diff.values import DataDiff
from ropewalk.dataops.lake import TableMissing, open_lake
from ropewalk.errors import nearest
from ropewalk.pipeline import Workspace

SAMPLE_ROWS = 5


def diff_tables(
    workspace: Workspace,
    base: str | None = None,
    tables: Collection[str] = (),
    sample: int = SAMPLE_ROWS,
    keys: Mapping[str, tuple[str, ...]] | None = None,
) -> DataDiff:
    """Return how the tables of the workspace's environment differ from those of `base`.

    Args:
        workspace: the open project.
        base: what is compared with, as `base_side` understands it.
        tables: only these; a name without its schema means every table that ends in it. None: all.
        sample: how many rows of each kind of change are shown at most.
        keys: what tells the rows of a table apart by construction, where nothing is declared.

    Raises:
        UnknownBase, InvalidComparison: there is no such base.
        TableMissing: neither side has a table of a name in `tables`.
    """
    one, other = base_side(workspace, base), current_side(workspace)
    names = _wanted(tables, {*one.tables, *other.tables})
    differing = [name for name in names if not _is_same(one.tables.get(name), other.tables.get(name))]
    declared = read_declared(workspace, keys)
    lake = open_lake(workspace)
    found = [
        diff_table(lake, name, (one.tables.get(name), other.tables.get(name)), declared, sample)
        for name in differing
    ]
    changed = tuple(item for item in found if item.state != "same")
    return DataDiff(one.label, other.label, changed, len(names) - len(changed))


def diff_snapshots(
    workspace: Workspace,
    table: str,
    since: int,
    until: int | None = None,
    sample: int = SAMPLE_ROWS,
    keys: Mapping[str, tuple[str, ...]] | None = None,
) -> DataDiff:
    """Return how `table` differs between two snapshots of the lake; without `until`, to the environment's.

    Raises:
        TableMissing: the lake does not have it at either of the two.
        SnapshotMissing: the lake does not have one of the two.
        InvalidComparison: both are one snapshot.
    """
    own = current_side(workspace).tables
    name = _wanted([table], {*own, *(name.lower() for name in open_lake(workspace).table_names())})[0]
    if until is None:
        until = own[name].snapshot if name in own else open_lake(workspace).snapshot()
    if since == until:
        raise InvalidComparison(
            f"snapshot {since} does not differ from itself", hint="give two snapshots, --from the earlier one"
        )
    for snapshot in (since, until):
        # A snapshot that is gone is not one in which the table was not there.
        open_lake(workspace).names_at(snapshot)
    found = diff_table(
        open_lake(workspace), name, (Held(since), Held(until)), read_declared(workspace, keys), sample
    )
    tables = () if found.state == "same" else (found,)
    return DataDiff(f"snapshot {since}", f"snapshot {until}", tables, 1 - len(tables))


def _wanted(tables: Collection[str], known: Iterable[str]) -> list[str]:
    """Return the tables that are meant by `tables`, of those that are known, in order."""
    names = sorted(known)
    if not tables:
        return names
    found: set[str] = set()
    for table in tables:
        wanted = table.lower()
        matching = {name for name in names if wanted in (name, name.rpartition(".")[2])}
        if not matching:
            raise TableMissing(f"there is no table {table!r}", nearest=nearest(wanted, names))
        found |= matching
    return sorted(found)


def _is_same(one: Held | None, other: Held | None) -> bool:
    if one is None or other is None:
        return one is other
    # Equal digests are equal content, whatever snapshots it was written in.
    return one.snapshot == other.snapshot or (one.digest is not None and one.digest == other.digest)
