"""Where a page begins: behind the last row of the page before, by the values that rows are sorted by.

Counting rows from the beginning would skip a row, or show one twice, whenever another was added or removed before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Key = str | float | int | None
Keys = tuple[Key, ...]


@dataclass(frozen=True)
class Term:
    """One thing that rows are sorted by.

    Attributes:
        expression: what is compared.
        is_ascending: its direction.
        is_flag: whether it says that something is missing, as 0 or 1.
    """

    expression: str
    is_ascending: bool = True
    is_flag: bool = False

    @property
    def ordering(self) -> str:
        """The term of `ORDER BY`."""
        if self.is_flag:
            return f"{self.expression} IS NULL"
        return f"{self.expression} {'ASC' if self.is_ascending else 'DESC'}"

    @property
    def key(self) -> str:
        """The expression whose value, of a page's last row, the next page begins behind."""
        # One database has truth values as numbers, the other as a type of their own.
        return f"CASE WHEN {self.expression} IS NULL THEN 1 ELSE 0 END" if self.is_flag else self.expression


def read_terms(text: str) -> list[Term]:
    """Return the terms of a fixed ordering such as `run.started_at DESC, run.id`."""
    terms = (term.strip() for term in text.split(","))
    return [Term(term.removesuffix(" DESC"), not term.endswith(" DESC")) for term in terms]


def behind(terms: Sequence[Term], keys: Keys) -> tuple[str, list[Key]]:
    """Return the condition that a row comes behind the one with these keys, and its values."""
    # A value that is missing is told by its flag, which stands before it; of those with one flag all are equal.
    compared = [(term, key) for term, key in zip(terms, keys, strict=True) if key is not None]
    if not compared:
        return "FALSE", []
    (last, key), values = compared[-1], list[Key]()
    condition, values = f"{_beyond(last)} ?", [key]
    for term, key in reversed(compared[:-1]):
        condition = f"({_beyond(term)} ? OR ({term.key} = ? AND {condition}))"
        values = [key, key, *values]
    first, key = compared[0]
    if len(compared) > 1 and not first.is_flag:
        # Follows from the rest, and lets an index be entered at the right place.
        condition, values = f"({_beyond(first)}= ? AND {condition})", [key, *values]
    return condition, values


def _beyond(term: Term) -> str:
    return f"{term.key} {'>' if term.is_ascending else '<'}"
