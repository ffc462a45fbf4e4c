"""The protocol's rows for what is said of traces: feedback, expectations and references to issues."""

from __future__ import annotations

import re
from dataclasses import replace

from ropewalk.errors import nearest
from ropewalk.mlops.tracking.errors import InvalidRequest
from ropewalk.mlops.tracking.rows.row import Row
from ropewalk.mlops.tracking.traces import assessments
from ropewalk.mlops.tracking.traces.assessments import AssessmentChange
from ropewalk.mlops.tracking.wire import trace_answers as answers
from ropewalk.mlops.tracking.wire import traces as wire
from ropewalk.mlops.tracking.wire.answers import need
from ropewalk.pipeline import Workspace
from ropewalk.routes import Permission

# What an update may name; MLflow's server passes over what it does not know.
FIELDS = ("assessment_name", "expectation", "feedback", "rationale", "metadata", "valid")


def _create(workspace: Workspace, asked: wire.CreateAssessment) -> wire.AssessmentAnswer:
    sent = need(asked.assessment, "assessment")
    read = answers.read_assessment(sent, need(asked.trace_id, "trace_id"))
    # The server gives out the ids, so that no client can write over another's words.
    made = assessments.create_assessment(workspace, replace(read, id="", is_valid=True))
    return wire.AssessmentAnswer(answers.assessment(made))


def _get(workspace: Workspace, asked: wire.GetAssessmentRequest) -> wire.AssessmentAnswer:
    trace_id, identifier = need(asked.trace_id, "trace_id"), need(asked.assessment_id, "assessment_id")
    found = assessments.get_assessment(workspace, trace_id, identifier)
    return wire.AssessmentAnswer(answers.assessment(found))


def _update(workspace: Workspace, asked: wire.UpdateAssessment) -> wire.AssessmentAnswer:
    trace_id, identifier = need(asked.trace_id, "trace_id"), need(asked.assessment_id, "assessment_id")
    sent = need(asked.assessment, "assessment")
    fields = _fields(need(asked.update_mask, "update_mask"))
    content = None
    if fields & {"expectation", "feedback"}:
        only = wire.Assessment(
            feedback=sent.feedback if "feedback" in fields else None,
            expectation=sent.expectation if "expectation" in fields else None,
        )
        content = answers.read_assessment(only, trace_id)
    change = AssessmentChange(
        name=sent.assessment_name if "assessment_name" in fields else None,
        content=content,
        rationale=sent.rationale if "rationale" in fields else None,
        metadata=sent.metadata if "metadata" in fields else None,
        is_valid=sent.valid if "valid" in fields else None,
    )
    return wire.AssessmentAnswer(
        answers.assessment(assessments.update_assessment(workspace, trace_id, identifier, change))
    )


def _fields(mask: str) -> set[str]:
    """Return the names of a mask, which protobuf's JSON writes as `assessmentName,feedback`.

    Raises:
        InvalidRequest: a name is unknown.
    """
    names = [re.sub(r"[A-Z]", lambda found: f"_{found[0].lower()}", name) for name in mask.split(",") if name]
    for name in names:
        # `feedback.value` names a part of what is replaced as a whole.
        if name.partition(".")[0] not in FIELDS:
            raise InvalidRequest(
                f"Invalid value {name[:80]!r} for parameter 'update_mask' supplied: use {', '.join(FIELDS)}",
                nearest=nearest(name, FIELDS),
            )
    return {name.partition(".")[0] for name in names}


def _delete(workspace: Workspace, asked: wire.DeleteAssessment) -> None:
    trace_id, identifier = need(asked.trace_id, "trace_id"), need(asked.assessment_id, "assessment_id")
    assessments.delete_assessment(workspace, trace_id, identifier)


_READ, _WRITE = Permission.READ, Permission.WRITE
_AT = "/mlflow/traces/{trace_id}/assessments"
_ONE = f"{_AT}/{{assessment_id}}"
ROWS = (
    Row("POST", _AT, _WRITE, wire.CreateAssessment, _create, api="3.0"),
    Row("GET", _ONE, _READ, wire.GetAssessmentRequest, _get, api="3.0"),
    Row("PATCH", _ONE, _WRITE, wire.UpdateAssessment, _update, api="3.0"),
    Row("DELETE", _ONE, _WRITE, wire.DeleteAssessment, _delete, api="3.0"),
)
