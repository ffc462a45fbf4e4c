"""Evaluation: gates, the conditions a candidate's metrics must keep before it becomes a model version."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ropewalk.doors import lazy_names

if TYPE_CHECKING:
    from ropewalk.mlops.evaluation.conditions import Condition, Conditions
    from ropewalk.mlops.evaluation.errors import GateNotPassed, InvalidGate, MetricMissing
    from ropewalk.mlops.evaluation.gate import GateKind, step_metrics
    from ropewalk.mlops.evaluation.judgement import Baseline, judge
    from ropewalk.store.gates import GateDecision, GateResult, get_decision, list_decisions

__all__ = [
    "Baseline",
    "Condition",
    "Conditions",
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

__getattr__ = lazy_names(__name__, __file__)
