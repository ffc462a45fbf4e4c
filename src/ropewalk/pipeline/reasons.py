"""Why a node is stale, said by name: which fact, which input, which part of the outside world."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from ropewalk.errors import Place
from ropewalk.pipeline.values import Output

SHORT = 48
MAX_LINES = 6


@dataclass(frozen=True)
class Reason:
    """One cause of staleness: what it is about, the change in words, and where it stands."""

    what: str
    change: str
    place: Place | None = None

    def __str__(self) -> str:
        """The reason on one line, the place first where there is one."""
        where = f" ({self.place})" if self.place else ""
        return f"{self.what}: {self.change}{where}"


def compare(
    was: Mapping[str, str], now: Mapping[str, str], places: Mapping[str, Place], prefix: str = ""
) -> Iterator[Reason]:
    """Yield a reason for every named part that differs between `was` and `now`."""
    for name in sorted({*was, *now}):
        before, after = was.get(name), now.get(name)
        if before != after:
            yield Reason(prefix + name, _change(before, after), places.get(name))


def compare_inputs(
    was: Mapping[str, str], references: Mapping[str, str], now: Mapping[str, Output]
) -> Iterator[Reason]:
    """Yield a reason for every input whose content differs; where it was and is says more than two digests."""
    for name in sorted({*was, *now}):
        before, after = was.get(name), now.get(name)
        if before == (after.digest if after else None):
            continue
        reference = references.get(name)
        if before is None or after is None:
            change = "added" if before is None else "removed"
        elif reference and _kind(reference) == _kind(after.reference) == "snapshot":
            change = f"snapshot {_place(reference)} -> {_place(after.reference)}"
        else:
            change = _change(before, after.digest)
        yield Reason(f"input {name}", change)


def _kind(reference: str) -> str:
    return reference.partition(":")[0]


def _place(reference: str) -> str:
    return reference.partition(":")[2]


def _change(before: str | None, after: str | None) -> str:
    if before is None:
        return "added"
    if after is None:
        return "removed"
    if "\n" in before or "\n" in after:
        return _changed_lines(before, after)
    # Digests are short too, but nobody learns anything from reading two of them.
    if len(before) <= SHORT and len(after) <= SHORT and not (_is_digest(before) or _is_digest(after)):
        return f"{before} -> {after}"
    return "changed"


def _changed_lines(before: str, after: str) -> str:
    # Without context lines: a reason is one line in a plan, not a page.
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=0)
    # The first two lines name files. A changed line may begin with a sign itself, so it is known by its place.
    changed = [f"{line[0]} {line[1:].strip()}" for line in islice(lines, 2, None) if _is_told(line)]
    more = [f"... {len(changed) - MAX_LINES} more"] if len(changed) > MAX_LINES else []
    return "; ".join(changed[:MAX_LINES] + more) or "changed"


def _is_told(line: str) -> bool:
    # The last line of a table's SQL is a comment with a digest of it, which tells nobody anything.
    return not line.startswith(("@@", "---", "+--"))


def _is_digest(text: str) -> bool:
    return len(text) >= 16 and all(character in "0123456789abcdef" for character in text)
