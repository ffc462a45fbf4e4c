"""How a source that cannot tell whether it changed comes to be loaded again: every run, or when it is old enough."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from ropewalk.pipeline import Output, Probe

_PATTERN = r"^(\d+)\s*([smhdw])$"
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
NEVER = "never"
Refresh = Annotated[str, Field(pattern=rf"{_PATTERN}|^{NEVER}$")]
LOADED = "loaded"


def refresh_seconds(refresh: str) -> float:
    """Return the seconds that `6h` stands for; without end for `never`."""
    found = re.match(_PATTERN, refresh)
    return float(int(found[1]) * _SECONDS[found[2]]) if found else float("inf")


def probe_age(refresh: str | None, last: Output | None) -> Probe:
    """Return that the source is to be loaded, unless what was loaded last is still young enough."""
    observed = last.observed if last else None
    if refresh is not None and observed and LOADED in observed:
        age = time.time() - float(observed[LOADED])
        # A clock that was set back must not keep a source from being loaded.
        if 0 <= age < refresh_seconds(refresh):
            return Probe(facts=observed)
    # Nothing that is recorded ever says yes: a node that is pending is never taken for fresh.
    return Probe(facts={"pending": "yes"})


def observed_now(refresh: str | None) -> Mapping[str, str]:
    """Return what a load writes down, for `probe_age` to find."""
    return {"pending": "no"} if refresh is None else {LOADED: str(int(time.time()))}
