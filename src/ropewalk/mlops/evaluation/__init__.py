"""Evaluation: gates, the conditions a candidate's metrics must keep before it becomes a model version."""

from ropewalk.mlops.evaluation.conditions import SECTION, Condition
from ropewalk.mlops.evaluation.errors import GateNotPassed, InvalidGate, MetricMissing
from ropewalk.mlops.evaluation.gate import GateKind, step_metrics
from ropewalk.mlops.evaluation.judge import Baseline, judge
from ropewalk.store.gates import GateDecision, GateResult, get_decision, list_decisions

__all__ = [
    "SECTION",
    "Baseline",
    "Condition",
    "GateDecision",
    "GateKind",
    "GateNotPassed",
    "GateResult",
    "InvalidGate",
    "MetricMissing",
    "get_decision",
    "judge",
    "list_decisions",
    "step_metrics",
]
