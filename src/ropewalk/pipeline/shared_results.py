"""The shared cache as a run uses it: asked before executing, given to afterwards, and done without when it is away."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from ropewalk.errors import RopewalkError, Unavailable
from ropewalk.pipeline.cache_transfer import Wanted, bring_in, find_fitting, publish_record
from ropewalk.pipeline.records import Record
from ropewalk.pipeline.shared_cache import SharedCache

if TYPE_CHECKING:
    from ropewalk.pipeline.flight import Departure
    from ropewalk.pipeline.plan import Assessment


class SharedResults:
    """One run's use of the shared cache; several threads may use it.

    Args:
        cache: the cache.
        run_id: the run that what is brought in belongs to.
    """

    def __init__(self, cache: SharedCache, run_id: str) -> None:
        self._cache = cache
        self._run_id = run_id
        self._away = threading.Event()

    def bring(self, departure: Departure, found: Assessment) -> tuple[Record | None, str | None]:
        """Return what somebody else made under the key, brought in; None to execute it, and why it was not had."""
        if self._away.is_set():
            return None, None
        wanted = Wanted(departure.node, departure.kind, found, departure.inputs)
        try:
            manifest = find_fitting(wanted, departure.workspace, self._cache)
            if manifest is None:
                return None, None
            return bring_in(wanted, manifest, departure.workspace, self._cache, self._run_id), None
        except RopewalkError as error:
            return None, self._told(error, "this result was not had from the shared cache")

    def publish(self, departure: Departure, record: Record) -> str | None:
        """Give what was executed to the others; return why it could not be, if so."""
        if self._away.is_set():
            return None
        try:
            done = publish_record(departure.node, record, departure.kind, departure.workspace, self._cache)
        except RopewalkError as error:
            return self._told(error, "this result was not given to the shared cache")
        return f"this result was not given to the shared cache: {done.detail}" if done.detail else None

    def _told(self, error: RopewalkError, what: str) -> str:
        # Asking a storage that does not answer again for each node would cost a time-out each.
        if isinstance(error, Unavailable):
            self._away.set()
            what = "the shared cache is done without for the rest of this run"
        return f"{what}: {error.message}"
