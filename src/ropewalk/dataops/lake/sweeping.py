"""The lake's part in collecting garbage: which snapshots are still named."""

from __future__ import annotations

from ropewalk.dataops.lake.opening import open_lake
from ropewalk.pipeline import Kept, Swept, Workspace
from ropewalk.store import now_ms

PREFIX = "snapshot:"


def sweep_lake(workspace: Workspace, kept: Kept) -> list[Swept]:
    """Let go of the snapshots that nothing in `kept` names, and return what that was.

    What a dry run would let go of is not known: the lake tells only by doing it.

    Raises:
        LakeBusy: another process kept the lake's writer lease too long.
    """
    lake = open_lake(workspace)
    if kept.is_dry or not lake.exists:
        return []
    named = (reference.removeprefix(PREFIX) for reference in kept.references if reference.startswith(PREFIX))
    numbers = {int(number) for number in named if number.isdecimal()}
    expired = lake.expire(numbers, older_than_ms=now_ms() - kept.before_ms)
    return [Swept("snapshots", expired.snapshots), Swept("files of the lake", expired.files, expired.bytes)]
