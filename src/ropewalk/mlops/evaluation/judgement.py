"""Holding a metric against the bounds of a condition; values in, verdicts out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from ropewalk.mlops.evaluation.conditions import Condition
from ropewalk.store.gates import Bound, GateResult, Verdict

# A drop of 0.77 - 0.765 is 0.0050000000000000044 in binary; it keeps a bound of 0.005 all the same.
TOLERANCE = 1e-12


@dataclass(frozen=True)
class Baseline:
    """The version that a candidate is compared with: the metrics recorded for it, by `STEP.METRIC`, and where it is."""

    version: int
    metrics: Mapping[str, float]
    environment: str = "production"


def judge(condition: Condition, value: float, baseline: Baseline | None) -> list[GateResult]:
    """Return one result per bound of `condition`; a value that is not a finite number fails them all."""
    return [_result(condition, bound, asked, value, baseline) for bound, asked in condition.bounds()]


def _result(
    condition: Condition, bound: Bound, asked: float, value: float, baseline: Baseline | None
) -> GateResult:
    # Kept for absolute bounds as well: who reads a refusal asks what production has.
    before = baseline.metrics.get(condition.metric) if baseline else None
    verdict, reason = _verdict(condition.metric, bound, asked, value, before)
    result = GateResult(
        metric=condition.metric,
        value=value if math.isfinite(value) else None,
        bound=bound,
        bound_value=asked,
        baseline=before,
        baseline_version=baseline.version if baseline else None,
        verdict=verdict,
        reason=reason,
    )
    if verdict != "not compared":
        return result
    return replace(result, reason=f"{told_of(baseline, result)}: {reason}")


def _verdict(
    metric: str, bound: Bound, asked: float, value: float, before: float | None
) -> tuple[Verdict, str]:
    # First of all: every comparison with NaN is false, so each of the others would let it pass or fail by its form.
    if not math.isfinite(value):
        return "failed", f"{metric} is {value:g}, not a finite number"
    if bound in ("min", "max"):
        return _absolute(metric, bound, asked, value)
    if before is None:
        return "not compared", "not compared"
    # Each bound looks one way only: what became better never fails.
    change = before - value if bound == "max_drop" else value - before
    verb = "dropped" if bound == "max_drop" else "rose"
    if change > asked + TOLERANCE:
        return "failed", f"{metric} {verb} by {change:.6g} to {value:.6g}: more than {bound} {asked:g}"
    return "passed", f"{metric} is {value:.6g}: within {bound} {asked:g}"


def _absolute(metric: str, bound: Bound, asked: float, value: float) -> tuple[Verdict, str]:
    is_kept = value >= asked if bound == "min" else value <= asked
    if is_kept:
        return "passed", f"{metric} is {value:.6g}: within {bound} {asked:g}"
    side = "below" if bound == "min" else "above"
    return "failed", f"{metric} is {value:.6g}: {side} {bound} {asked:g}"


def told_of(baseline: Baseline | None, result: GateResult) -> str:
    """Return what the version to compare with has for the metric of `result`, as a clause."""
    if baseline is None:
        return "no version in production"
    version = f"version {baseline.version} in {baseline.environment}"
    return (
        f"{version} has no {result.metric}"
        if result.baseline is None
        else f"{version} has {result.baseline:.6g}"
    )
