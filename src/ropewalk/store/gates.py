"""What gates decided: one row per bound of a condition, as judged for one candidate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ropewalk.store.connections import Row
from ropewalk.store.database import Database, now_ms

Bound = Literal["min", "max", "max_drop", "max_rise"]
Verdict = Literal["passed", "failed", "not compared"]


@dataclass(frozen=True)
class GateResult:
    """One bound of one condition, held against one metric.

    Attributes:
        metric: `STEP.METRIC`.
        value: the candidate's figure; None when it was not a finite number.
        bound: which bound of the condition this is.
        bound_value: what the bound asks for.
        baseline: the figure of the version in production, for `max_drop` and `max_rise`.
        baseline_version: that version's number.
        verdict: whether the bound holds; `not compared` when there is nothing to compare with.
        reason: the verdict as a sentence.
    """

    metric: str
    value: float | None
    bound: Bound
    bound_value: float
    baseline: float | None
    baseline_version: int | None
    verdict: Verdict
    reason: str


@dataclass(frozen=True)
class GateDecision:
    """All results of one gate for one candidate, and when they were found.

    Attributes:
        gate: the gate's name, which is the model's.
        action_key: the key of the gate's action: it names the candidate.
        run_id: the `ropewalk run` that decided.
        decided_at: UTC milliseconds.
        results: in the order of the conditions.
    """

    gate: str
    action_key: str
    run_id: str
    decided_at: int
    results: tuple[GateResult, ...]

    @property
    def has_passed(self) -> bool:
        """Whether no bound failed."""
        return all(result.verdict != "failed" for result in self.results)


def record_decision(
    database: Database, gate: str, action_key: str, run_id: str, results: Sequence[GateResult]
) -> None:
    """Keep what `gate` decided under `action_key`, in place of what it decided there before."""
    moment = now_ms()
    with database.write() as connection:
        # The conditions may have become fewer since a run that was refused under the same key.
        connection.execute("DELETE FROM gate_result WHERE action_key = ?", (action_key,))
        connection.executemany(
            "INSERT INTO gate_result VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (action_key, position, gate, run_id, *_columns(result), moment)
                for position, result in enumerate(results)
            ],
        )


def get_decision(database: Database, action_key: str) -> GateDecision | None:
    """Return what was decided under `action_key`, or None when nothing was."""
    with database.read() as connection:
        rows = connection.execute(
            "SELECT * FROM gate_result WHERE action_key = ? ORDER BY position", (action_key,)
        ).fetchall()
    return _decision(rows) if rows else None


def list_decisions(database: Database, gate: str) -> list[GateDecision]:
    """Return every decision of `gate`, the latest first."""
    with database.read() as connection:
        rows = connection.execute(
            "SELECT * FROM gate_result WHERE gate = ? ORDER BY decided_at DESC, action_key, position", (gate,)
        ).fetchall()
    # Grouped here and not in SQL: the order of the conditions within a decision must stay.
    by_key: dict[str, list[Row]] = {}
    for row in rows:
        by_key.setdefault(row["action_key"], []).append(row)
    return [_decision(found) for found in by_key.values()]


def _columns(result: GateResult) -> tuple[object, ...]:
    return (
        result.metric,
        result.value,
        result.bound,
        result.bound_value,
        result.baseline,
        result.baseline_version,
        result.verdict,
        result.reason,
    )


def _decision(rows: list[Row]) -> GateDecision:
    first = rows[0]
    results = tuple(
        GateResult(
            row["metric"],
            row["value"],
            row["bound"],
            row["bound_value"],
            row["baseline"],
            row["baseline_version"],
            row["verdict"],
            row["reason"],
        )
        for row in rows
    )
    return GateDecision(first["gate"], first["action_key"], first["run_id"], first["decided_at"], results)
