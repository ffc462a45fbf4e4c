"""What has to become of the target's table before rows go in, or why that must not be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ropewalk.dataops.publish.dialects import Sent
from ropewalk.dataops.publish.errors import TargetDrifted, TargetTaken
from ropewalk.dataops.publish.ledger import Ledger
from ropewalk.dataops.publish.values import Order

Present = Sequence[tuple[str, str]]
REBUILD = "`ropewalk publish {} --rebuild` makes it anew, without what it has now"


@dataclass(frozen=True)
class Change:
    """What becomes of the table: made anew, given further columns, or nothing."""

    makes: bool = False
    adds: tuple[Sent, ...] = ()


def choose_change(order: Order, ledger: Ledger, present: Present | None, sent: Sequence[Sent]) -> Change:
    """Return what has to become of the table.

    Args:
        order: the publication.
        ledger: what it wrote before.
        present: the table's columns as they are; None where there is none.
        sent: the columns to write.

    Raises:
        TargetTaken: the table was made by somebody else.
        TargetDrifted: it has other columns than were published, or cannot take those that there are now.
    """
    last = ledger.last
    # Announced and never finished: what is there is the half that we made.
    if present is None or order.rebuilds or (last is None and ledger.is_announced):
        return Change(makes=True)
    if last is None:
        return _join(order, present, sent)
    wanted = tuple((column.name, column.type) for column in sent)
    # An announced change may have come half-way; then other columns are our own doing.
    if not ledger.is_announced:
        _refuse_drifted(order, last.seen, present)
        if wanted == last.sent:
            return Change()
    if order.spec.entry.write == "replace":
        return Change(makes=True)
    _refuse_retyped(order, dict(last.sent), wanted)
    return Change(adds=tuple(_missing(present, sent)))


def _join(order: Order, present: Present, sent: Sequence[Sent]) -> Change:
    """Let merge and append write into a table that was there; replace would lose its rows."""
    if order.spec.entry.write == "replace":
        raise TargetTaken(
            f"{order.place} is there already, and Ropewalk did not make it",
            place=order.spec.place,
            hint=f"name another table, or {REBUILD.format(order.spec.name)}",
        )
    missing = _missing(present, sent)
    if missing:
        names = ", ".join(column.name for column in missing)
        raise TargetDrifted(
            f"{order.place}, which Ropewalk did not make, has no column {names}",
            place=order.spec.place,
            hint="add them there, or name the columns to publish with `columns:`",
        )
    return Change()


def _missing(present: Present, sent: Sequence[Sent]) -> list[Sent]:
    """Return the columns to write that the table does not have."""
    there = {name.lower() for name, _ in present}
    return [column for column in sent if column.name.lower() not in there]


def _refuse_drifted(order: Order, before: Present, now: Present) -> None:
    if tuple(now) != before:
        raise TargetDrifted(
            f"the columns of {order.place} are not those that were published: {_difference(before, now)}",
            place=order.spec.place,
            hint=f"put them back, or {REBUILD.format(order.spec.name)}",
        )


def _refuse_retyped(order: Order, before: dict[str, str], wanted: Sequence[tuple[str, str]]) -> None:
    for name, kind in wanted:
        if name in before and before[name] != kind:
            raise TargetDrifted(
                f"column {name!r} of {order.place} was published as {before[name]} and is {kind} now",
                place=order.spec.place,
                hint=f"cast it back in the table's SQL, or {REBUILD.format(order.spec.name)}",
            )


def _difference(before: Present, now: Present) -> str:
    old, new = dict(before), dict(now)
    told = [f"{name} is gone" for name in old if name not in new]
    told += [f"{name} is new" for name in new if name not in old]
    told += [
        f"{name} is {new[name]} and was {old[name]}" for name in old if name in new and old[name] != new[name]
    ]
    return ", ".join(told) or "they stand in another order"
