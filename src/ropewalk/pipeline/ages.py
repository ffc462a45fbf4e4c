"""Ages as people write them: `14d`, `36h`."""

from __future__ import annotations

import re

DAY_MS = 24 * 3600 * 1000
_AGE = re.compile(r"(\d+)([smhdw])")
_UNITS_MS = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": DAY_MS, "w": 7 * DAY_MS}


def parse_age(text: str) -> int | None:
    """Return an age such as `14d` or `36h` in milliseconds, or None when it is none."""
    match = _AGE.fullmatch(text)
    return int(match[1]) * _UNITS_MS[match[2]] if match else None
