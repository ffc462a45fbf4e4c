"""A gate's decision on its way to another machine: all of it is in the output."""

from __future__ import annotations

import json

from blake3 import blake3

from ropewalk.mlops.evaluation.errors import DecisionDamaged
from ropewalk.pipeline import JSON, Packed, Workspace
from ropewalk.store.gates import GateResult, record_decision


def decision_digest(results: JSON, metrics: JSON) -> str:
    """Return the digest of a decision: of its results, and of the figures that it read."""
    return blake3(json.dumps([results, metrics], sort_keys=True).encode()).hexdigest()


def unpack_decision(gate: str, key: str, packed: Packed, workspace: Workspace) -> None:
    """Record here what the gate decided elsewhere under `key`.

    Raises:
        DecisionDamaged: it is no decision, not the one its digest says, or one that let nothing pass.
    """
    rows, metrics = (packed.output.summary.get(part) for part in ("results", "metrics"))
    if decision_digest(rows, metrics) != packed.output.digest:
        raise DecisionDamaged(f"what gate {gate!r} decided elsewhere is not what its digest says")
    try:
        results = [GateResult(**row) for row in rows]  # type: ignore[union-attr,arg-type]  # whatever it is, it is caught
    except TypeError as error:
        raise DecisionDamaged(f"what gate {gate!r} decided elsewhere is no decision") from error
    if not results or any(result.verdict == "failed" for result in results):
        raise DecisionDamaged(f"what gate {gate!r} decided elsewhere lets nothing pass")
    record_decision(workspace.database, gate, key, "", results)
