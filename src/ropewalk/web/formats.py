"""How values read on a page: numbers, shares, sizes, durations and moments; the filters of the templates."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime

from ropewalk.lineage import short
from ropewalk.store import now_ms

# Typographic signs by name, because they look like a hyphen in an editor.
MISSING = "\N{EN DASH}"
SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000


def number(value: object) -> str:
    """Return a number with four significant digits (`0.7712`), a whole one in groups of three (`336,776`)."""
    # A truth is no number, although Python counts it as one.
    if isinstance(value, bool) or not isinstance(value, int | float):
        return MISSING if value is None else str(value)
    if isinstance(value, int):
        return _minus(f"{value:,}")
    if not math.isfinite(value):
        return str(value)
    if value and not 1e-4 <= abs(value) < 1e7:
        return _minus(f"{value:.3e}")
    return _minus(_significant(value))


def percent(share: float | None) -> str:
    """Return a share as a percentage with one decimal: `0.2413` reads `24.1 %`."""
    return MISSING if share is None or not math.isfinite(share) else _minus(f"{100 * share:.1f} %")


def compact(count: int) -> str:
    """Return a count in three digits and its unit where room is short: `336,776` reads `337k`."""
    if count < 1000:
        return str(count)
    thousands = count / 1000
    amount, unit = (thousands, "k") if thousands < 999.5 else (thousands / 1000, "M")
    return f"{amount:.1f}{unit}".replace(".0", "") if amount < 9.95 else f"{amount:,.0f}{unit}"


def size(count: int | None) -> str:
    """Return a number of bytes in the unit that fits: `1,240,000` reads `1.2 MB`."""
    if count is None:
        return MISSING
    amount, unit = float(count), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        # What would read as 1000 of a unit is one of the next.
        if amount < 999.5:
            break
        amount, unit = amount / 1000, larger
    return f"{amount:.0f} {unit}" if unit == "B" or amount >= 100 else f"{amount:.1f} {unit}"


def duration(ms: int | None) -> str:
    """Return a length of time in its two largest units: `72,000` ms reads `1 m 12 s`."""
    if ms is None:
        return MISSING
    if ms < SECOND:
        return f"{ms} ms"
    if ms < MINUTE:
        # Cut and not rounded, as below: there are no 60.0 seconds.
        return f"{ms // 100 / 10:.1f} s"
    if ms < HOUR:
        return f"{ms // MINUTE} m {ms % MINUTE // SECOND} s"
    if ms < DAY:
        return f"{ms // HOUR} h {ms % HOUR // MINUTE} m"
    return f"{ms // DAY} d {ms % DAY // HOUR} h"


def ago(ms: int, now: int | None = None) -> str:
    """Return how long a moment (UTC ms) lies back: `just now`, `3 min ago`, `2 days ago`."""
    # A clock that runs ahead makes moments of the future; those read as just now.
    passed = (now_ms() if now is None else now) - ms
    for length, name in ((DAY, "day"), (HOUR, "hour"), (MINUTE, "min")):
        if passed >= length:
            count = passed // length
            plural = "s" if count > 1 and name != "min" else ""
            return f"{count} {name}{plural} ago"
    return "just now"


def moment(ms: int) -> str:
    """Return a moment (UTC ms) as a person reads it: `2026-11-23 10:04:31 UTC`."""
    return _utc(ms).strftime("%Y-%m-%d %H:%M:%S UTC")


def iso(ms: int) -> str:
    """Return a moment (UTC ms) as a program reads it: `2026-11-23T10:04:31Z`."""
    return _utc(ms).strftime("%Y-%m-%dT%H:%M:%SZ")


def plural(count: int, one: str, many: str | None = None) -> str:
    """Return a count with its noun: `1 table`, `3 tables`."""
    return f"{number(count)} {one if count == 1 else many or one + 's'}"


def _significant(value: float) -> str:
    digits = max(0, 3 - (math.floor(math.log10(abs(value))) if value else 0))
    # From a hundredth upwards four decimals are enough, and figures below one another line up.
    return f"{value:,.{min(digits, 4) if abs(value) >= 0.01 or not value else digits}f}"


def _minus(text: str) -> str:
    return "\N{MINUS SIGN}" + text[1:] if text.startswith("-") else text


def _utc(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


FILTERS: dict[str, Callable[..., str]] = {
    "number": number,
    "percent": percent,
    "size": size,
    "duration": duration,
    "ago": ago,
    "moment": moment,
    "iso": iso,
    "plural": plural,
    "short": short,
}
