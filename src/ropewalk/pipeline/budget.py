"""What a run may use at once: cores, memory, and places in pools."""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Iterable, Mapping

from ropewalk.errors import nearest
from ropewalk.pipeline.errors import UnknownPool
from ropewalk.pipeline.values import Limits, Node
from ropewalk.project import Project


class Budget:
    """What is left for further executions; several threads may take of it.

    Args:
        cores: how many nodes of one core each may run at once.
        memory: bytes for the nodes that say how much they take.
        pools: places of each pool.
    """

    def __init__(self, cores: int, memory: int, pools: Mapping[str, int]) -> None:
        self._cores = cores
        self._memory = memory
        self._pools = pools
        self._used = Counter[str]()
        self._running = 0
        self._lock = threading.Lock()

    def take(self, limits: Limits) -> bool:
        """Take what a node needs; False, and nothing taken, when that is not left now."""
        wanted = self._wanted(limits)
        with self._lock:
            # A node that asks for more than there is runs alone: waiting for what never comes helps nobody.
            if self._running and any(self._used[name] + n > self._size(name) for name, n in wanted.items()):
                return False
            self._used.update(wanted)
            self._running += 1
        return True

    def give_back(self, limits: Limits) -> None:
        """Give back what `take` took."""
        with self._lock:
            self._used.subtract(self._wanted(limits))
            self._running -= 1

    def _wanted(self, limits: Limits) -> dict[str, int]:
        wanted = {"cores": limits.cpu, "memory": limits.memory}
        return wanted | ({f"pool {limits.pool}": 1} if limits.pool else {})

    def _size(self, name: str) -> int:
        if name == "cores":
            return self._cores
        return self._memory if name == "memory" else self._pools[name.removeprefix("pool ")]


class Extra:
    """What one running node takes beyond its own: its limits once more for each further process of the same kind."""

    def __init__(self, budget: Budget, limits: Limits) -> None:
        self._budget = budget
        self._limits = limits
        self._held = 0

    def take(self, most: int) -> int:
        """Hold the limits up to `most` times, as often as that is left now; return how often they may be used."""
        # A retry finds what its first attempt took.
        while self._held < most and self._budget.take(self._limits):
            self._held += 1
        return min(self._held, most)

    def give_back(self) -> None:
        """Give back all that is held."""
        while self._held:
            self._budget.give_back(self._limits)
            self._held -= 1


def open_budget(project: Project, cores: int, nodes: Iterable[Node]) -> Budget:
    """Return the budget of a run over `nodes`.

    Raises:
        UnknownPool: a node names a pool that the project does not declare.
    """
    pools = {name: int(str(entry.value)) for name, entry in project.entries("pools").items()}
    for node in nodes:
        if node.limits.pool is not None and node.limits.pool not in pools:
            raise UnknownPool(
                f"{node.id} is in the pool {node.limits.pool!r}, which is not declared",
                place=node.origin,
                nearest=nearest(node.limits.pool, pools),
                hint="declare it below `pools:` in ropewalk.yaml, as NAME: PLACES",
            )
    return Budget(cores, _machine_memory(), pools)


def _machine_memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
