"""How often credentials from one address did not fit: whoever guesses waits."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable

from ropewalk.access.errors import TooManyFailures

MOST = 20
WINDOW_S = 60.0
# Addresses are cheap to make up, memory is not.
MOST_ADDRESSES = 10_000


class Failures:
    """Counts failures by address over a sliding window, in the memory of this process."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._seen: OrderedDict[str, deque[float]] = OrderedDict()

    def note(self, address: str) -> bool:
        """Count a failure from `address`, and return whether it is one of the first, which are worth a line."""
        with self._lock:
            times = self._seen.setdefault(address, deque(maxlen=MOST))
            self._seen.move_to_end(address)
            times.append(self._clock())
            while len(self._seen) > MOST_ADDRESSES:
                self._seen.popitem(last=False)
            return len(times) < MOST

    def check(self, address: str) -> None:
        """Let `address` try, unless it failed too often lately.

        Raises:
            TooManyFailures: it did.
        """
        with self._lock:
            times = self._seen.get(address)
            is_full = times is not None and len(times) == MOST and self._clock() - times[0] < WINDOW_S
        if is_full:
            raise TooManyFailures(
                "too many credentials from this address did not fit", hint="wait a minute, then try again"
            )
