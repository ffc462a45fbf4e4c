"""When a rule is due: a cron line read as local wall-clock times, and what each of them means in its time zone.

A cron library reads the line and counts wall-clock times only; what they mean where clocks change is decided here:
a time that is skipped is due at the first moment after the gap, a time that comes twice is due at its first coming.
So due moments rise strictly, and no wall-clock time is due twice.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, available_timezones

from ropewalk.errors import nearest

if TYPE_CHECKING:
    from croniter import croniter

FIELDS = ("minute", "hour", "day of month", "month", "day of week")
ALIASES = ("@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@yearly", "@annually")
MONTHS = frozenset(["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"])
DAYS = frozenset(["sun", "mon", "tue", "wed", "thu", "fri", "sat"])
# What may stand in each field beside numbers; the library would also take times drawn by lot.
WORDS = (frozenset[str](), frozenset[str](), frozenset({"l"}), MONTHS, DAYS | {"l"})
SIGNS = "*,-/"


@dataclass(frozen=True)
class Rule:
    """A cron line in a time zone; both were checked by `check_cron` and `is_zone`."""

    cron: str
    timezone: str = "UTC"

    def __str__(self) -> str:
        """The rule as it is recorded with each tick that it made due."""
        return f"{self.cron} {self.timezone}"

    def wall_clock(self, ms: int) -> str:
        """Return a moment (UTC ms) as the clocks of the rule's zone show it, with their offset (ISO 8601)."""
        return datetime.fromtimestamp(ms // 1000, zone_of(self.timezone)).isoformat()

    def next_after(self, ms: int) -> int | None:
        """Return the first due moment after `ms` (both UTC ms); None when there is none for decades."""
        zone = zone_of(self.timezone)
        # The wall-clock times after the one on the clock now may still be due earlier: an hour that comes
        # again was due at its first coming.
        slots = _slots(self.cron, _wall(ms, zone))
        while (slot := _step(slots, forwards=True)) is not None:
            if (due := _instant(slot, zone)) > ms:
                return due
        return None

    def latest_at(self, ms: int) -> int | None:
        """Return the last due moment up to `ms` (both UTC ms); None when there was none for decades."""
        zone = zone_of(self.timezone)
        slots = _slots(self.cron, _wall(ms, zone) + _already_seen(ms, zone) + timedelta(seconds=1))
        while (slot := _step(slots, forwards=False)) is not None:
            if (due := _instant(slot, zone)) <= ms:
                return due
        return None


def check_cron(cron: str) -> str:
    """Return the cron line with single spaces.

    Raises:
        ValueError: it is none; the message names the field.
    """
    fields = cron.split()
    if cron.startswith("@"):
        if cron not in ALIASES:
            close = nearest(cron, ALIASES)
            raise ValueError(f"{cron!r} is not one of {', '.join(ALIASES)}" + _perhaps(close))
        return cron
    if len(fields) != len(FIELDS):
        raise ValueError(f"{cron!r} has {len(fields)} fields, and needs five: {', '.join(FIELDS)}")
    for position, field in enumerate(fields):
        _check_field(field, position)
    _check_whole(" ".join(fields))
    return " ".join(fields)


def zone_of(name: str) -> tzinfo:
    """Return the time zone of that name; UTC also on a machine that has no database of time zones."""
    return UTC if name == "UTC" else ZoneInfo(name)


def is_zone(name: str) -> bool:
    """Return whether this machine knows the time zone."""
    return name == "UTC" or name in _zones()


def nearest_zone(name: str) -> str | None:
    """Return the time zone most like `name`, or None when none is alike."""
    # People write `berlin`: the part after the region is what they remember.
    cities = {zone.rpartition("/")[2].casefold(): zone for zone in sorted(_zones(), reverse=True)}
    city = nearest(name.casefold(), cities)
    return nearest(name, _zones()) or (cities[city] if city else None)


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    # Asked once: it walks through the whole database of the machine.
    return frozenset(available_timezones())


def _check_field(field: str, position: int) -> None:
    """Refuse a field with words that are none of its own, or that the library refuses beside four stars."""
    strange = _strange(field, position)
    stars = ["*"] * len(FIELDS)
    stars[position] = field
    if strange or not field.isascii() or not _is_valid(" ".join(stars)):
        close = nearest(strange[0], WORDS[position]) if strange else None
        raise ValueError(f"the {FIELDS[position]} {field!r} is not valid cron" + _perhaps(close))


def _strange(field: str, position: int) -> list[str]:
    """Return the words and signs in a field that are none of its own."""
    words = "".join(c if c.isalpha() else " " for c in field.casefold()).split()
    # `fri#2` is the second Friday of a month.
    signs = SIGNS + ("#" if position == 4 else "")
    strange = [word for word in words if word not in WORDS[position]]
    return strange + [c for c in field if not c.isalnum() and c not in signs]


def _check_whole(cron: str) -> None:
    # Each field may be right and no day have them all: the 31st of February.
    if not _is_valid(cron) or Rule(cron).next_after(0) is None:
        raise ValueError(f"{cron!r} is never due")


def _perhaps(close: str | None) -> str:
    return f", did you mean {close}?" if close else ""


def _is_valid(cron: str) -> bool:
    from croniter import croniter

    return bool(croniter.is_valid(cron, strict=True))


def _slots(cron: str, start: datetime) -> croniter:
    from croniter import croniter

    return croniter(cron, start)


def _step(slots: croniter, *, forwards: bool) -> datetime | None:
    """Return the next or previous wall-clock time, without a zone; None when the library gives up."""
    from croniter import CroniterBadDateError

    try:
        found: datetime = slots.get_next(datetime) if forwards else slots.get_prev(datetime)
    except CroniterBadDateError:
        return None
    return found


def _wall(ms: int, zone: tzinfo) -> datetime:
    return datetime.fromtimestamp(ms // 1000, zone).replace(tzinfo=None, fold=0)


def _already_seen(ms: int, zone: tzinfo) -> timedelta:
    """Return how far the clock of `zone` was turned back, while it shows the times that it has shown before."""
    moment = datetime.fromtimestamp(ms // 1000, zone)
    before, now = (moment.replace(fold=fold).utcoffset() or timedelta() for fold in (0, 1))
    return before - now if moment.fold else timedelta()


def _instant(slot: datetime, zone: tzinfo) -> int:
    """Return the moment (UTC ms) of a wall-clock time: its first coming, or the end of the gap that swallows it."""
    first = int(slot.replace(tzinfo=zone, fold=0).timestamp())
    if _wall(first * 1000, zone) == slot:
        return first * 1000
    # Read with the offset after the gap the time lies before the change, with the one before it behind.
    earliest = int(slot.replace(tzinfo=zone, fold=1).timestamp())
    seconds = range(earliest, first + 1)
    return seconds[bisect_left(seconds, slot, key=lambda s: _wall(s * 1000, zone))] * 1000
