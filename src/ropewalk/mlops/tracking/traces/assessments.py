"""What people, judges and code say of traces: feedback, expectations, and references to issues."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from blake3 import blake3

from ropewalk.mlops.tracking import limits
from ropewalk.mlops.tracking.errors import InvalidRequest
from ropewalk.mlops.tracking.traces.errors import UnknownAssessment
from ropewalk.mlops.tracking.traces.recording import require_trace
from ropewalk.pipeline import Workspace
from ropewalk.store import Connection, now_ms
from ropewalk.store.tracking import traces_assessments as table
from ropewalk.store.tracking.traces_assessments import Assessment

# What one assessment may bring; a rationale of a judge has some hundred words.
VALUE = 1 << 20
NAME = 250


@dataclass(frozen=True)
class AssessmentChange:
    """What of an assessment changes; None leaves a field as it is, metadata are added to those there.

    Attributes:
        content: kind, value and error, when these change.
    """

    name: str | None = None
    content: Assessment | None = None
    rationale: str | None = None
    metadata: Mapping[str, str] | None = None
    is_valid: bool | None = None


def check_assessment(assessment: Assessment) -> None:
    """Refuse an assessment that cannot be kept.

    Raises:
        InvalidRequest: it has no name.
        RequestTooLarge: a part is too long.
    """
    if not assessment.name:
        raise InvalidRequest("Missing value for required parameter 'assessment.assessment_name'.")
    limits.check_length("Assessment name", assessment.name, NAME)
    limits.check_length("Assessment value", json.dumps(assessment.value), VALUE)
    limits.check_length("Assessment rationale", assessment.rationale or "", VALUE)
    limits.check_length("Assessment metadata", json.dumps(dict(assessment.metadata)), VALUE)
    limits.check_length("Assessment id", assessment.id, NAME)
    for text in (assessment.source_id, assessment.span_id or "", assessment.overrides or ""):
        limits.check_length("Assessment source, span or overridden assessment", text, NAME)


def identified(assessment: Assessment, place: int) -> Assessment:
    """Return an assessment that came with its trace, with an id.

    The id follows from what it says: a description that is sent again must not double it.
    """
    if assessment.id:
        return assessment
    said = [
        place,
        assessment.trace_id,
        assessment.kind,
        assessment.name,
        assessment.source_id,
        assessment.value,
    ]
    return replace(assessment, id=f"a-{blake3(json.dumps(said).encode()).hexdigest(16)}")


def create_assessment(workspace: Workspace, assessment: Assessment) -> Assessment:
    """Add an assessment to its trace and return it; the one that it overrides does not count from then on.

    Raises:
        UnknownTrace: there is no such trace.
        UnknownAssessment: it overrides one that there is not.
        InvalidRequest: it does not fit.
    """
    check_assessment(assessment)
    made = replace(assessment, id=assessment.id or _fresh_id())
    with workspace.database.write() as connection:
        trace = require_trace(connection, made.trace_id)
        if made.overrides and not table.set_validity(connection, trace, made.overrides, is_valid=False):
            raise _unknown(made.trace_id, made.overrides)
        table.put_assessment(connection, trace, made)
    return made


def _fresh_id() -> str:
    # Ids grow, so that assessments of one millisecond are read in the order in which they were made.
    return f"a-{time.time_ns():016x}{uuid.uuid4().hex[:16]}"


def get_assessment(workspace: Workspace, trace_id: str, identifier: str) -> Assessment:
    """Return an assessment.

    Raises:
        UnknownTrace: there is no such trace.
        UnknownAssessment: there is no such assessment of it.
    """
    with workspace.database.read() as connection:
        return _require(connection, require_trace(connection, trace_id), trace_id, identifier)


def update_assessment(
    workspace: Workspace, trace_id: str, identifier: str, change: AssessmentChange
) -> Assessment:
    """Change an assessment and return it.

    Raises:
        UnknownTrace: there is no such trace.
        UnknownAssessment: there is no such assessment of it.
        InvalidRequest: the change does not fit, such as an expectation in place of feedback.
    """

    def changed(found: Assessment) -> Assessment:
        content = change.content or found
        if content.kind != found.kind:
            raise InvalidRequest(f"Cannot update {content.kind} value on a {found.kind} assessment.")
        return replace(
            found,
            name=found.name if change.name is None else change.name,
            value=content.value,
            error=content.error,
            rationale=found.rationale if change.rationale is None else change.rationale,
            metadata={**found.metadata, **(change.metadata or {})},
            is_valid=found.is_valid if change.is_valid is None else change.is_valid,
            updated_at=now_ms(),
        )

    return _change(workspace, trace_id, identifier, changed)


def _change(
    workspace: Workspace, trace_id: str, identifier: str, changed: Callable[[Assessment], Assessment]
) -> Assessment:
    # Read and written in one transaction: of two changes at once neither is lost.
    with workspace.database.write() as connection:
        trace = require_trace(connection, trace_id)
        new = changed(_require(connection, trace, trace_id, identifier))
        check_assessment(new)
        table.put_assessment(connection, trace, new)
    return new


def delete_assessment(workspace: Workspace, trace_id: str, identifier: str) -> None:
    """Remove an assessment; the one that it overrode counts again. One that is gone already is no error.

    Raises:
        UnknownTrace: there is no such trace.
    """
    with workspace.database.write() as connection:
        trace = require_trace(connection, trace_id)
        found = table.find_assessment(connection, trace, trace_id, identifier)
        if found and found.overrides:
            table.set_validity(connection, trace, found.overrides, is_valid=True)
        table.delete_assessment(connection, trace, identifier)


def _require(connection: Connection, trace: int, trace_id: str, identifier: str) -> Assessment:
    found = table.find_assessment(connection, trace, trace_id, identifier)
    if found is None:
        raise _unknown(trace_id, identifier)
    return found


def _unknown(trace_id: str, identifier: str) -> UnknownAssessment:
    return UnknownAssessment(
        f"Assessment with ID '{identifier[:200]}' not found for trace '{trace_id[:200]}'"
    )
