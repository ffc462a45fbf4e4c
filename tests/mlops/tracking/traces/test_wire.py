"""The structs of traces against the descriptors of the client that is installed."""

from __future__ import annotations

import importlib
from typing import Any

import msgspec
import pytest

from ropewalk.mlops.tracking.wire import traces as wire

pytestmark = pytest.mark.filterwarnings("ignore")
STRUCTS = [
    found
    for found in vars(wire).values()
    if isinstance(found, type) and issubclass(found, msgspec.Struct) and found.__module__ == wire.__name__
]
# What the path names, beside what the message has.
FROM_PATH = {wire.CreateAssessment: {"trace_id"}, wire.UpdateAssessment: {"trace_id", "assessment_id"}}


def _descriptor(struct: type[msgspec.Struct]) -> Any:
    """Return the message that a struct's docstring names."""
    assert struct.__doc__
    name = struct.__doc__.split("`")[1]
    module = "assessments" if name.startswith("mlflow.assessments.") else "service"
    found: Any = importlib.import_module(f"mlflow.protos.{module}_pb2")
    for part in name.removeprefix("mlflow.assessments.").removeprefix("mlflow.").split("."):
        found = getattr(found, part)
    return found.DESCRIPTOR


@pytest.mark.parametrize("struct", STRUCTS)
def test_fields_are_the_descriptors(imported_mlflow: Any, struct: type[msgspec.Struct]) -> None:
    """Each struct has the fields of its message, and no others: a field that upstream adds fails here."""
    fields = {field.name for field in msgspec.structs.fields(struct)}

    assert fields - FROM_PATH.get(struct, set()) == {field.name for field in _descriptor(struct).fields}


@pytest.mark.parametrize("struct", STRUCTS)
def test_required_fields_are_the_descriptors(imported_mlflow: Any, struct: type[msgspec.Struct]) -> None:
    """What upstream's server requires is required here, and nothing else."""
    from mlflow.protos import databricks_pb2

    wanted = databricks_pb2.validate_required
    required = [f.name for f in _descriptor(struct).fields if f.GetOptions().Extensions[wanted]]
    # Parts of an assessment are checked where it is read: half of them come in changes too.
    if struct not in (wire.Assessment, wire.AssessmentSource, wire.IssueReference):
        assert list(getattr(struct, "required", ())) == required


@pytest.mark.parametrize(
    ("numbers", "name"),
    [
        (wire.TRACE_STATUSES, "TraceStatus"),
        (wire.TRACE_STATES, "TraceInfoV3.State"),
        (wire.METRIC_VIEW_TYPES, "MetricViewType"),
        (wire.AGGREGATION_TYPES, "AggregationType"),
    ],
)
def test_enumerations_have_all_numbers(imported_mlflow: Any, numbers: dict[int, str], name: str) -> None:
    """Every member can be named by its number."""
    found: Any = importlib.import_module("mlflow.protos.service_pb2")
    for part in name.split("."):
        found = getattr(found, part)

    assert numbers == {number: member for member, number in found.items()}


@pytest.mark.parametrize("ms", [0, 1, 999, 1000, 1_700_000_000_123, 253_402_300_799_999])
def test_times_are_protobufs(imported_mlflow: Any, ms: int) -> None:
    """Times and durations are written as protobuf's JSON writes them, and read back."""
    from google.protobuf.duration_pb2 import Duration  # type: ignore[import-untyped]  # without types of its own
    from google.protobuf.timestamp_pb2 import Timestamp  # type: ignore[import-untyped]  # as above

    from ropewalk.mlops.tracking.wire import trace_answers

    moment, length = Timestamp(), Duration()
    moment.FromMilliseconds(ms)
    length.FromMilliseconds(ms)

    assert trace_answers.written_time(ms) == moment.ToJsonString()
    assert trace_answers.written_duration(ms) == length.ToJsonString()
    assert trace_answers.read_duration(length.ToJsonString()) == ms
