"""What can be wrong with a gate, and a gate that does not pass.

RopewalkError
├── InvalidInput
│   └── InvalidProjectFile
│       ├── InvalidGate      a condition names a step that is not there or makes no metrics
├── NotFound
│   └── MetricMissing        the step did not record the metric
├── Failed
│   └── DecisionDamaged      a decision that was made elsewhere is none
└── GateFailed
    └── GateNotPassed        a metric is outside a bound
"""

from __future__ import annotations

from ropewalk.errors import Failed, GateFailed, NotFound
from ropewalk.project import InvalidProjectFile


class InvalidGate(InvalidProjectFile):
    """A gate's condition names a step that does not exist, or one that makes no metrics."""

    code = "RW170"


class MetricMissing(NotFound):
    """A gate's condition names a metric that its step did not record."""

    code = "RW270"


class GateNotPassed(GateFailed):
    """A metric is outside a bound of the gate; the candidate is not registered."""

    code = "RW570"


class DecisionDamaged(Failed):
    """What a gate decided on another machine is no decision, or one that lets nothing pass."""

    code = "RW470"
