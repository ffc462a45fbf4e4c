"""How strongly two filters find the same traces: normalised pointwise mutual information.

The measure is G. Bouma's (2009): -1 when they never meet, 0 when they are independent, 1 when they always meet.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ropewalk.mlops.tracking.traces.reading import trace_search
from ropewalk.pipeline import Workspace
from ropewalk.store.tracking.traces_search import TraceSearch, joint_count

# Jeffreys' prior: half an observation in each of the four cells.
PRIOR = 0.5


@dataclass(frozen=True)
class Correlation:
    """How many traces two filters find, and both of them, and what follows from it; NaN for what is not defined."""

    first: int
    second: int
    joint: int
    total: int

    @property
    def npmi(self) -> float:
        """The measure itself."""
        return self._npmi(0.0)

    @property
    def npmi_smoothed(self) -> float:
        """The measure with a prior, which few traces do not throw about."""
        return self._npmi(PRIOR)

    def _npmi(self, prior: float) -> float:
        if not self.total or not self.first or not self.second:
            return math.nan
        if not self.joint and not prior:
            return -1.0
        # All traces are found by both: there is nothing else they could be compared with.
        if self.joint == self.total:
            return 1.0
        joint, total = self.joint + prior, self.total + 4 * prior
        first, second = self.first + 2 * prior, self.second + 2 * prior
        information = math.log(joint) + math.log(total) - math.log(first) - math.log(second)
        return max(-1.0, min(1.0, information / (math.log(total) - math.log(joint))))


def correlate(
    workspace: Workspace, experiment_ids: Sequence[str], filters: tuple[str, str], among: str | None = None
) -> Correlation:
    """Return how two filters go together, among the traces of experiments that the filter `among` finds.

    Raises:
        InvalidFilter: a filter does not parse.
    """
    with workspace.database.read() as connection:
        base = trace_search(connection, experiment_ids, among)
        searches: list[Sequence[TraceSearch]] = [[base]]
        asked = [trace_search(connection, experiment_ids, text) for text in filters]
        searches += [[base, asked[0]], [base, asked[1]], [base, *asked]]
        total, first, second, joint = (joint_count(connection, several) for several in searches)
    return Correlation(first, second, joint, total)
