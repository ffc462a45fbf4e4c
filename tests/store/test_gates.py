"""Gate decisions in the store."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ropewalk.store import RowRefused
from ropewalk.store.gates import GateResult, get_decision, list_decisions, record_decision

PASSED = GateResult("evaluate.auc", 0.79, "min", 0.76, 0.78, 3, "passed", "within min 0.76")
FAILED = GateResult("evaluate.auc", None, "max_drop", 0.005, None, None, "failed", "not a finite number")


def test_decision_comes_back_as_it_was_recorded(database):
    """Every field of every result survives, in the order of the conditions."""
    record_decision(database, "late", "key1", "run1", [PASSED, FAILED])

    decision = get_decision(database, "key1")

    assert decision.results == (PASSED, FAILED)
    assert (decision.gate, decision.action_key, decision.run_id) == ("late", "key1", "run1")


def test_decision_passes_when_nothing_failed(database):
    """What could not be compared does not fail a gate; one failed bound does."""
    record_decision(database, "late", "good", "run1", [PASSED, replace(FAILED, verdict="not compared")])
    record_decision(database, "late", "bad", "run1", [PASSED, FAILED])

    assert get_decision(database, "good").has_passed
    assert not get_decision(database, "bad").has_passed


def test_deciding_again_replaces_the_decision(database):
    """One candidate has one decision, also when the conditions became fewer."""
    record_decision(database, "late", "key1", "run1", [PASSED, FAILED])

    record_decision(database, "late", "key1", "run2", [FAILED])

    assert get_decision(database, "key1").results == (FAILED,)
    assert get_decision(database, "key1").run_id == "run2"


def test_unknown_key_has_no_decision(database):
    """Nothing was decided for a candidate no gate has seen."""
    assert get_decision(database, "key1") is None


def test_decisions_of_a_gate_are_listed_latest_first(database):
    """Other gates' decisions are left out."""
    for key, gate in [("key1", "late"), ("key2", "other"), ("key3", "late")]:
        record_decision(database, gate, key, "run1", [PASSED])
    with database.write() as connection:
        connection.execute("UPDATE gate_result SET decided_at = decided_at + 1 WHERE action_key = 'key3'")

    assert [decision.action_key for decision in list_decisions(database, "late")] == ["key3", "key1"]


def test_unknown_verdict_is_refused_whole(database):
    """A result the schema does not know leaves nothing of its decision behind."""
    with pytest.raises(RowRefused):
        record_decision(database, "late", "key1", "run1", [PASSED, replace(FAILED, verdict="perhaps")])

    assert get_decision(database, "key1") is None
