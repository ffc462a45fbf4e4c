"""Digests that hold an import against its source: alike for what is alike, and different for each difference."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ropewalk.mlops.migration.checks import (
    Outcome,
    Tally,
    evaluation_digest,
    logged_model_digest,
    points_digest,
    registered_digest,
    run_digest,
    trace_digest,
)
from ropewalk.mlops.migration.records import (
    EvaluationSetRecord,
    LoggedModelRecord,
    ModelPoint,
    RegisteredRecord,
    RunRecord,
    UseRecord,
    VersionRecord,
)
from ropewalk.mlops.registry import RegistryEvent
from ropewalk.mlops.tracking import PLACES, MovedTrace
from ropewalk.store.artifacts import Artifact
from ropewalk.store.tracking.evaluation_sets import EvaluationRecord, EvaluationSet
from ropewalk.store.tracking.traces import Trace
from ropewalk.store.tracking.values import Dataset

RUN = RunRecord("r", "1", "one", "me", "FINISHED", "active", 1, 2, params={"a": "1"}, tags={"b": "2"})
MODEL = LoggedModelRecord("m", "1", "model", None, "r", "READY", 1, 2, tags={"a": "b"})
FILES = [Artifact("a", "d1", 1), Artifact("b", "d2", 2)]
TRACE = Trace(7, "tr-1", "1", 1000, 5, "OK", tags={"a": "b"}, artifact_uri="here")
SET = EvaluationSet("s", "set", "d", None, None, 1, 2, None, None, {"a": "b"}, ("1",))
CASE = EvaluationRecord("c1", "s", "i", "{}", None, None, None, None, 1, 2, None, None, number=4)
REGISTERED = RegisteredRecord(
    "late",
    None,
    1,
    2,
    aliases={"best": "2"},
    versions=(VersionRecord("2", "s", "l"), VersionRecord("10", "s", "l")),
)
POINTS = st.lists(st.tuples(st.integers(-9, 9), st.integers(0, 9), st.floats()), max_size=8)


@settings(max_examples=40)
@given(points=POINTS)
def test_points_in_any_order(points: list[tuple[int, int, float]]) -> None:
    """Order and repetition are no part of a series; each other point is."""
    count, digest = points_digest(points)

    assert points_digest([*reversed(points), *points]) == (count, digest)
    assert points_digest([*points, (99, 0, 0.0)]) != (count, digest)
    assert points_digest([*points, (99, 0, 0.0)])[0] == count + 1


def test_points_that_differ_by_their_sign_only() -> None:
    """Zero and minus zero are two values; NaN is one, however it is written."""
    assert points_digest([(0, 0, 0.0), (0, 0, -0.0)])[0] == 2
    assert points_digest([(0, 0, math.nan), (0, 0, -math.nan)])[0] == 1


@pytest.mark.parametrize(
    "change",
    [
        {"name": "two"},
        {"status": "FAILED"},
        {"stage": "deleted"},
        {"started_at": 0},
        {"ended_at": None},
        {"user_id": "you"},
        {"params": {"a": "2"}},
        {"tags": {}},
        {"datasets": (Dataset("d", "1", "t", "s"),)},
        {"models": (UseRecord("input", "m"),)},
    ],
)
def test_each_part_of_a_run(change: dict[str, object]) -> None:
    """Whatever of it did not arrive as it was is found."""
    assert run_digest(replace(RUN, **change), {}, []) != run_digest(RUN, {}, [])  # type: ignore[arg-type]


def test_what_is_no_part_of_a_run() -> None:
    """Where it lies, and the number of its experiment, are others here."""
    moved = replace(RUN, experiment_id="9", location="elsewhere")

    assert run_digest(moved, {"x": "d"}, reversed(FILES)) == run_digest(RUN, {"x": "d"}, FILES)
    assert run_digest(RUN, {"x": "d"}, FILES) != run_digest(RUN, {"x": "e"}, FILES)
    assert run_digest(RUN, {}, FILES[:1]) != run_digest(RUN, {}, FILES)


def test_the_order_of_data_sets_and_models() -> None:
    """Is no part of a run either."""
    sets = (Dataset("a", "1", "t", "s", tags={"x": "y"}), Dataset("b", "1", "t", "s"))
    uses = (UseRecord("input", "m"), UseRecord("output", "n", 3))

    one = run_digest(replace(RUN, datasets=sets, models=uses), {}, [])

    assert run_digest(replace(RUN, datasets=sets[::-1], models=uses[::-1]), {}, []) == one


def test_metrics_of_a_logged_model() -> None:
    """The newest point of each key, run and data set counts; older ones only one side may have kept."""
    old, new = ModelPoint("auc", "0.5", 1, 10), ModelPoint("auc", "0.75", 2, 20)
    other = replace(old, dataset_name="test")

    kept = logged_model_digest(replace(MODEL, metrics=(new,)), [])

    assert logged_model_digest(replace(MODEL, metrics=(new, old)), []) == kept
    assert logged_model_digest(replace(MODEL, metrics=(old, new)), []) == kept
    assert logged_model_digest(replace(MODEL, metrics=(new, other)), []) != kept
    assert logged_model_digest(replace(MODEL, metrics=(replace(new, value="0.750"),)), []) == kept


@pytest.mark.parametrize(
    ("change", "is_alike"),
    [
        ({"number": 8}, True),
        ({"experiment_id": "2"}, True),
        ({"artifact_uri": "there"}, True),
        ({"tags": {"a": "b", min(PLACES): "there"}}, True),
        ({"tags": {"a": "c"}}, False),
        ({"metadata": {"a": "b"}}, False),
        ({"state": "ERROR"}, False),
        ({"duration_ms": None}, False),
        ({"started_at": 1001}, False),
        ({"request_preview": "x"}, False),
    ],
)
def test_each_part_of_a_trace(change: dict[str, object], is_alike: bool) -> None:
    """Numbers and places are each store's own; all else has to arrive."""
    one, other = MovedTrace(TRACE), MovedTrace(replace(TRACE, **change))  # type: ignore[arg-type]

    assert (trace_digest(one, []) == trace_digest(other, [])) is is_alike


def test_spans_and_links_of_a_trace() -> None:
    """In any order; none may be missing."""
    spans = ({"name": "a"}, {"name": "b", "attributes": []})
    whole = MovedTrace(TRACE, spans, ("r1", "r2"), ("p/1", "q/2"))
    turned = MovedTrace(TRACE, spans[::-1], ("r2", "r1"), ("q/2", "p/1"))

    assert trace_digest(whole, FILES) == trace_digest(turned, FILES[::-1])
    for less in ({"spans": spans[:1]}, {"runs": ("r1",)}, {"prompts": ()}):
        assert trace_digest(replace(whole, **less), FILES) != trace_digest(whole, FILES)  # type: ignore[arg-type]


def test_an_evaluation_set() -> None:
    """Its experiments have other numbers here, and its records other places; their content is compared."""
    other = replace(CASE, id="c2", number=1)
    whole = EvaluationSetRecord(SET, (CASE, other))
    moved = EvaluationSetRecord(replace(SET, experiment_ids=("5",)), (replace(other, number=9), CASE))

    assert evaluation_digest(moved) == evaluation_digest(whole)
    assert evaluation_digest(replace(whole, records=(CASE,))) != evaluation_digest(whole)
    assert evaluation_digest(
        replace(whole, records=(CASE, replace(other, inputs="[]")))
    ) != evaluation_digest(whole)


@pytest.mark.parametrize(
    ("change", "is_alike"),
    [
        ({"created_at": 9, "updated_at": 9, "last_version": 99}, True),
        ({"description": ""}, True),
        ({"aliases": {"best": 2}}, True),
        ({"versions": REGISTERED.versions[::-1]}, True),
        (
            {
                "versions": (
                    replace(REGISTERED.versions[0], location="here", source="x"),
                    REGISTERED.versions[1],
                )
            },
            True,
        ),
        ({"description": "x"}, False),
        ({"aliases": {}}, False),
        ({"tags": {"a": "b"}}, False),
        ({"versions": REGISTERED.versions[:1]}, False),
        ({"versions": (replace(REGISTERED.versions[0], stage="Production"), REGISTERED.versions[1])}, False),
        ({"versions": (replace(REGISTERED.versions[0], tags={"a": "b"}), REGISTERED.versions[1])}, False),
        ({"history": ()}, False),
    ],
)
def test_each_part_of_a_registered_model(change: dict[str, object], is_alike: bool) -> None:
    """What it is and what people said of it, and not when or where it lay."""
    other = replace(REGISTERED, **change)  # type: ignore[arg-type]

    assert (registered_digest(other) == registered_digest(REGISTERED)) is is_alike


def test_reviews_of_a_registered_model() -> None:
    """What people said counts; what else the history tells follows from the rest."""
    said = RegistryEvent("late", "approved", "ana", "2", reason="good", id=1, happened_at=5)
    moved = replace(said, what="alias moved")
    with_history = replace(REGISTERED, history=(said,))

    assert registered_digest(replace(with_history, history=(moved, said))) == registered_digest(with_history)
    assert registered_digest(replace(with_history, history=(moved,))) != registered_digest(with_history)
    assert registered_digest(replace(with_history, history=(replace(said, id=7),))) == registered_digest(
        with_history
    )


@pytest.mark.parametrize(
    ("is_new", "is_alike", "counts"),
    [
        (True, True, (1, 1, 0, [])),
        (False, True, (1, 0, 1, [])),
        (True, False, (1, 1, 0, ["x"])),
        (False, False, (1, 0, 0, ["x"])),
    ],
)
def test_a_tally(is_new: bool, is_alike: bool, counts: tuple[int, int, int, list[str]]) -> None:
    """A thing was added, or was here before and alike, or differs."""
    tally = Tally()

    tally.judge("x", is_new=is_new, is_alike=is_alike)

    assert (tally.there, tally.added, tally.kept, tally.differing) == counts


def test_an_outcome() -> None:
    """One digest for all, in whatever order things came, and one list of what differs."""
    one, other = Outcome("s", digests={"a": "1", "b": "2"}), Outcome("t", digests={"b": "2", "a": "1"})
    one.tally("runs").judge("run a", is_new=True, is_alike=False)
    one.tally("traces").judge("trace b", is_new=True, is_alike=False)

    assert one.digest == other.digest
    assert one.digest != Outcome("s", digests={"a": "2", "b": "1"}).digest
    assert one.differing == ["run a", "trace b"]
    assert one.tally("runs") is one.tally("runs")
