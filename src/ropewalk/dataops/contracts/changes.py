"""How one version of a contract differs from another, and whom a difference breaks.

Who reads a table (consumers) relies on what is promised: a promise that is taken back or loosened breaks them. Who fills
it (producers) has to keep what is promised: a promise that is added or tightened breaks them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Literal

from ropewalk.dataops.contracts.values import Check, Contract, ContractColumn
from ropewalk.errors import Place

Party = Literal["consumers", "producers"]
BOTH: tuple[Party, ...] = ("consumers", "producers")
_Identity = tuple[str, tuple[str, ...], str | None, int]
LOOSER: tuple[Party, ...] = ("consumers",)
TIGHTER: tuple[Party, ...] = ("producers",)
_LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems")
_UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "freshness", "retention")
_AT_MOST = ("mustBeLessThan", "mustBeLessOrEqualTo")
_AT_LEAST = ("mustBeGreaterThan", "mustBeGreaterOrEqualTo")
# What is told of a check that came, went or changed, by its kind; the others are told by their name.
_WORDS: Mapping[str, str] = {
    "present": "column",
    "logicalType": "type",
    "required": "not NULL",
    "foreignKey": "relationship",
}


@dataclass(frozen=True)
class ContractChange:
    """One difference.

    Attributes:
        table: whose contract it is.
        what: the difference in words.
        breaks: whom it breaks; nobody when it is compatible.
        place: where the newer contract, or the older one when that is gone, says so.
    """

    table: str
    what: str
    breaks: tuple[Party, ...]
    place: Place


def compare_contracts(old: Mapping[str, Contract], new: Mapping[str, Contract]) -> list[ContractChange]:
    """Return all differences, table by table; contracts are by their table's name in lower case."""
    found: list[ContractChange] = []
    for table in sorted({*old, *new}):
        before, after = old.get(table), new.get(table)
        if after is None and before is not None:
            found.append(ContractChange(table, "the contract is gone", LOOSER, before.place))
        elif before is None and after is not None:
            found.append(ContractChange(table, "the contract is new", (), after.place))
        elif before is not None and after is not None:
            found += _compare(before, after)
    return found


def is_declared(old: Contract | None, new: Contract | None) -> bool:
    """Return whether the newer contract says by its version that it breaks something: its major number is greater."""
    before, after = (_major(contract.version) if contract else None for contract in (old, new))
    return before is not None and after is not None and after > before


def _major(version: str) -> int | None:
    number = version.lstrip("v").partition(".")[0]
    # Other scripts' digits and raised ones are no numbers of a version.
    return int(number) if number.isascii() and number.isdigit() else None


def _compare(old: Contract, new: Contract) -> Iterator[ContractChange]:
    before, after = _identified(old.checks), _identified(new.checks)
    gone, come = _only_in(before, after), _only_in(after, before)
    for key in dict.fromkeys([*before, *after]):
        one, other = before.get(key), after.get(key)
        check = other or one
        # A column that came or went is told once, and not again for each of its checks.
        if check is None or (check.kind != "present" and check.columns in (gone if other is None else come)):
            continue
        told = _tell(one, other)
        if told is not None:
            yield ContractChange(new.table, *told, check.place)
    yield from _compare_columns(old, new)


def _only_in(these: Mapping[_Identity, Check], those: Mapping[_Identity, Check]) -> set[tuple[str, ...]]:
    """Return the columns that `these` describe and `those` do not."""
    return {check.columns for key, check in these.items() if check.kind == "present" and key not in those}


def _identified(checks: Sequence[Check]) -> dict[_Identity, Check]:
    found: dict[_Identity, Check] = {}
    for check in checks:
        # Rules of one kind about one column are told apart by the names that people gave them, else by their order.
        named = check.kind, tuple(map(str.lower, check.columns)), check.label
        number = next(number for number in count() if (*named, number) not in found)
        found[*named, number] = check
    return found


def _tell(old: Check | None, new: Check | None) -> tuple[str, tuple[Party, ...]] | None:
    """Return what happened to a check and whom it breaks, or None when nothing did."""
    if old is not None and new is not None:
        return None if old.describe() == new.describe() else _tell_changed(old, new)
    if old is not None:
        return f"{_name(old)} is gone", LOOSER if old.severity == "error" else ()
    if new is not None:
        return f"{_name(new)} is new{_said(new)}", TIGHTER if new.severity == "error" else ()
    return None


def _tell_changed(old: Check, new: Check) -> tuple[str, tuple[Party, ...]]:
    if old.severity != new.severity:
        return (
            f"{_name(new)} is now of severity {new.severity}",
            LOOSER if new.severity == "warning" else TIGHTER,
        )
    breaks = _direction(old, new) if new.severity == "error" else ()
    return f"{_name(new)} was {_value(old)} and is {_value(new)}", breaks


def _name(check: Check) -> str:
    if check.label is not None:
        return repr(check.label)
    word = _WORDS.get(check.kind, check.kind)
    return (
        f"{word} of {check.column}"
        if check.column and check.kind != "present"
        else f"{word} {check.column or ''}".strip()
    )


def _said(check: Check) -> str:
    return f": {_value(check)}" if check.values or check.pattern else ""


def _value(check: Check) -> str:
    values = ", ".join(check.values) or (repr(check.pattern) if check.pattern else "") or check.query or ""
    target = f"{check.target}: {values}" if check.target else values
    expected = str(check.expect) if check.expect.operands != (0,) else ""
    return "; ".join(part for part in (target, expected) if part) or "plain"


def _direction(old: Check, new: Check) -> tuple[Party, ...]:
    """Return whom a changed promise breaks: those who read what is looser now, those who fill what is tighter."""
    if old.expect != new.expect:
        same = (old.values, old.pattern, old.query, old.unit) == (
            new.values,
            new.pattern,
            new.query,
            new.unit,
        )
        return _by_expectation(old, new) if same else BOTH
    if old.kind in ("enum", "invalidValues") and old.pattern == new.pattern:
        return _by_set(set(old.values), set(new.values))
    if old.kind in _LOWER:
        return _by_order(old.values[0], new.values[0], is_upper=False)
    if old.kind in _UPPER:
        return _by_order(old.values[0], new.values[0], is_upper=True)
    if old.kind == "logicalType":
        return {("integer", "number"): LOOSER, ("number", "integer"): TIGHTER}.get(
            (old.values[0], new.values[0]), BOTH
        )
    # What is usual moves by itself.
    return () if old.kind == "volume" else BOTH


def _by_set(old: set[str], new: set[str]) -> tuple[Party, ...]:
    return (LOOSER if new - old else ()) + (TIGHTER if old - new else ())


def _by_order(old: str, new: str, *, is_upper: bool) -> tuple[Party, ...]:
    try:
        # 1 and 1.0 are one bound.
        if float(new) == float(old):
            return ()
        is_greater = float(new) > float(old)
    except ValueError:
        # Dates and moments of one form sort as their texts do.
        is_greater = new > old
    return LOOSER if is_greater == is_upper else TIGHTER


def _by_expectation(old: Check, new: Check) -> tuple[Party, ...]:
    operator = old.expect.operator
    if operator == new.expect.operator and operator in (*_AT_MOST, *_AT_LEAST):
        before, after = old.expect.operands[0], new.expect.operands[0]
        return LOOSER if (after > before) == (operator in _AT_MOST) else TIGHTER
    if operator == new.expect.operator == "mustBeBetween":
        (low, high), (lowest, highest) = old.expect.operands, new.expect.operands
        return (LOOSER if lowest < low or highest > high else ()) + (
            TIGHTER if lowest > low or highest < high else ()
        )
    return BOTH


def _compare_columns(old: Contract, new: Contract) -> Iterator[ContractChange]:
    before = {column.name.lower(): column for column in old.columns}
    checks = {check.columns[0].lower(): check.place for check in new.checks if check.kind == "present"}
    for column in new.columns:
        name = column.name.lower()
        if name in before:
            place = checks.get(name, new.place)
            for what, breaks in _tell_meaning(before[name], column):
                yield ContractChange(new.table, what, breaks, place)


def _tell_meaning(old: ContractColumn, new: ContractColumn) -> Iterator[tuple[str, tuple[Party, ...]]]:
    if old.unit != new.unit:
        yield f"unit of {new.name} was {old.unit} and is {new.unit}", BOTH if old.unit and new.unit else ()
    if old.mask != new.mask:
        before, after = _shown(old), _shown(new)
        # Who may see less is broken; who may see more is not, and somebody should have a look.
        yield f"{new.name} was {before} and is {after}", LOOSER if new.mask is not None else ()
    if old.term != new.term:
        yield f"{new.name} meant {old.term or 'no term'} and means {new.term or 'no term'}", ()
    if old.description != new.description:
        yield f"description of {new.name} changed", ()


def _shown(column: ContractColumn) -> str:
    return f"masked ({column.mask})" if column.mask else "in the clear"
