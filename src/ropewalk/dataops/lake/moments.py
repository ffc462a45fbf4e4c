"""Moments of a lake as people write them: a pin, a snapshot's number, or a time; and what tables there were then."""

from __future__ import annotations

from datetime import UTC, datetime

from ropewalk.dataops.lake.errors import InvalidSnapshot, TableMissing
from ropewalk.dataops.lake.lake import Lake
from ropewalk.dataops.lake.names import TableName
from ropewalk.dataops.lake.pins import find_pin
from ropewalk.errors import nearest

_FORMS = "write a pin's name, a snapshot's number such as 14, or a time such as 2026-11-23T18:00 (UTC)"

_DIGITS = 20


def moment_tables(lake: Lake, moment: str) -> dict[str, int]:
    """Return the snapshot of each table at `moment`: of those that a pin names, or of all there were.

    Raises:
        InvalidSnapshot: it is neither a pin nor a number nor a time.
        SnapshotMissing: the lake has nothing of then.
    """
    pins = lake.pins()
    if any(pin.name == moment for pin in pins):
        return find_pin(pins, moment).snapshots()
    snapshot = _snapshot(lake, moment, tuple(pin.name for pin in pins))
    return dict.fromkeys(lake.names_at(snapshot), snapshot)


def moment_of_table(lake: Lake, table: str, moment: str) -> int:
    """Return the snapshot of `table` at `moment`.

    Raises:
        InvalidSnapshot, SnapshotMissing: as `moment_tables` says.
        TableMissing: there was no such table then.
    """
    tables = {name.lower(): (name, snapshot) for name, snapshot in moment_tables(lake, moment).items()}
    found = tables.get(str(TableName.parse(table)).lower())
    if found is None:
        raise TableMissing(f"there is no table {table!r} at {moment}", nearest=nearest(table.lower(), tables))
    return found[1]


def moment_fact(lake: Lake, table: str, moment: str) -> str:
    """Return what tells whether `table` at `moment` is still what it was: a pin may be given to others.

    Raises:
        RopewalkError: as `moment_of_table` says.
    """
    if _is_number(moment):
        # A snapshot never changes; whether it is still there is found by who reads it.
        return f"snapshot {moment}"
    for pin in lake.pins():
        for pinned in pin.tables if pin.name == moment else ():
            if pinned.table.lower() == table.lower():
                # The content, which is the same on machines whose lakes count otherwise.
                return pinned.digest.digest[:32]
    return f"snapshot {moment_of_table(lake, table, moment)}"


def _is_number(moment: str) -> bool:
    # More digits than the engine's numbers have are no snapshot's.
    return moment.isascii() and moment.isdigit() and len(moment) <= _DIGITS


def _snapshot(lake: Lake, moment: str, pins: tuple[str, ...]) -> int:
    if _is_number(moment):
        return int(moment)
    try:
        time = datetime.fromisoformat(moment)
    except ValueError:
        raise InvalidSnapshot(
            f"{moment!r} is neither a pin nor a snapshot nor a time",
            nearest=nearest(moment, pins),
            hint=_FORMS,
        ) from None
    told = time if time.tzinfo else time.replace(tzinfo=UTC)
    return lake.snapshot_at(int(told.timestamp() * 1000))
