"""What a run did, and who is told of it while it goes on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from ropewalk.errors import RopewalkError
from ropewalk.pipeline.reasons import Reason
from ropewalk.pipeline.values import Output


class State(Enum):
    """How a run ended for one node."""

    HIT = "hit"
    RESTORED = "restored"
    EXECUTED = "executed"
    FAILED = "failed"
    BLOCKED = "blocked"


@dataclass(frozen=True)
class NodeResult:
    """What a run did with one node.

    Attributes:
        seconds: wall time of the execution; 0 for a hit.
        reasons: why it was executed.
        warning: what a person should know although it is a hit.
        settled: whether it stays a hit until something of the project changes, as its probe said.
    """

    id: str
    state: State
    seconds: float = 0.0
    reasons: tuple[Reason, ...] = ()
    output: Output | None = None
    error: RopewalkError | None = None
    warning: str | None = None
    settled: bool = False


@dataclass(frozen=True)
class RunResult:
    """What a run did, node by node in the order in which they ended."""

    run_id: str
    environment: str
    nodes: tuple[NodeResult, ...]

    def count(self, state: State) -> int:
        """Return how many nodes ended in `state`."""
        return sum(node.state is state for node in self.nodes)

    @property
    def is_settled(self) -> bool:
        """Whether the same run would do nothing, and say nothing else, until something of the project changes."""
        return all(node.state is State.HIT and node.settled and not node.warning for node in self.nodes)


class Observer(Protocol):
    """Who is told of a run's progress, from several threads."""

    def started(self, node_id: str, reasons: tuple[Reason, ...]) -> None:
        """An execution starts."""

    def progressed(self, node_id: str, done: float, total: float | None, text: str) -> None:
        """An execution got further."""

    def ended(self, result: NodeResult) -> None:
        """A node is done with."""
