"""Records of evaluation sets: two with the same inputs are one, whose expectations and tags come together."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import cast

from blake3 import blake3

from ropewalk.mlops.tracking.errors import InvalidRequest
from ropewalk.mlops.tracking.evaluation.sets import USER_TAG, next_digest, require_evaluation_set
from ropewalk.pipeline import Workspace
from ropewalk.store import now_ms
from ropewalk.store.search import Page
from ropewalk.store.tracking import evaluation_sets as table
from ropewalk.store.tracking.evaluation_sets import EvaluationRecord, EvaluationSet

# What a client sends of a record: JSON objects, of which outputs alone may be any value.
Given = Mapping[str, object]
_TYPES = {bool: "boolean", int: "integer", float: "float", str: "string", list: "array", dict: "object"}
_SOURCES = frozenset({"UNSPECIFIED", "TRACE", "HUMAN", "DOCUMENT", "CODE"})
# More than one request of 32 MB brings, and few enough to hold in memory.
MOST_RECORDS = 50_000


def read_records(text: str) -> list[Given]:
    """Return the records that a client sent as JSON.

    Raises:
        InvalidRequest: it is no list of objects with `inputs`, or a part has the wrong type.
    """
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidRequest("Invalid value for parameter 'records' supplied: it is not JSON") from None
    if not isinstance(found, list) or len(found) > MOST_RECORDS:
        raise InvalidRequest(
            f"Invalid value for parameter 'records' supplied: it must be a list of at most {MOST_RECORDS} records"
        )
    for number, record in enumerate(found):
        _check(number, record)
    return found


def _check(number: int, record: object) -> None:
    if not isinstance(record, dict) or not isinstance(record.get("inputs", {}), dict):
        raise InvalidRequest(f"Record {number} must be an object whose `inputs` are an object")
    for name in ("expectations", "tags", "source"):
        if not isinstance(record.get(name) or {}, dict):
            raise InvalidRequest(f"`{name}` of record {number} must be an object")
    if not all(isinstance(value, str) for value in (record.get("tags") or {}).values()):
        raise InvalidRequest(f"`tags` of record {number} must have texts as values")
    source = record.get("source") or {}
    # Clients fail to read a record of a kind that they do not know.
    if source and str(source.get("source_type")).upper() not in _SOURCES:
        raise InvalidRequest(
            f"`source` of record {number} needs a source_type out of {', '.join(sorted(_SOURCES))}"
        )


def upsert_records(workspace: Workspace, identifier: str, given: Sequence[Given]) -> tuple[int, int]:
    """Add records to an evaluation set, or bring them together with those of the same inputs.

    Returns: how many were added, and how many were there.

    Raises:
        UnknownEvaluationSet: there is none of that id.
    """
    now = now_ms()
    by_digest = [(inputs_digest(record.get("inputs", {})), record) for record in given]
    with workspace.database.write() as connection:
        found = require_evaluation_set(connection, identifier)
        known = table.find_records(connection, identifier, {digest for digest, _ in by_digest})
        updated = 0
        for digest, record in by_digest:
            updated += digest in known
            before = known.get(digest) or _empty(found.id, digest, record, now)
            known[digest] = _merged(before, record, now)
        table.put_records(connection, known.values())
        count = table.count_records(connection, identifier)
        table.change_evaluation_set(connection, _described(found, given, count, now))
    return len(given) - updated, updated


def inputs_digest(inputs: object) -> str:
    """Return the digest by which two records with the same inputs are one."""
    return blake3(_json(inputs).encode()).hexdigest()


def _json(value: object) -> str:
    # One spelling for equal values: the order of an object's keys says nothing.
    return json.dumps(value, sort_keys=True)


def _empty(evaluation_set: str, digest: str, record: Given, now: int) -> EvaluationRecord:
    user = _entries(record, "tags").get(USER_TAG)
    return EvaluationRecord(
        id=f"dr-{uuid.uuid4().hex}",
        evaluation_set=evaluation_set,
        inputs_digest=digest,
        inputs=json.dumps(record.get("inputs", {})),
        outputs=None,
        expectations=None,
        tags=None,
        source=_json(_source(record)) if record.get("source") else None,
        created_at=now,
        updated_at=now,
        created_by=cast("str | None", user),
        updated_by=cast("str | None", user),
    )


def _source(record: Given) -> dict[str, object]:
    source = _entries(record, "source")
    return {
        "source_type": str(source["source_type"]).upper(),
        "source_data": source.get("source_data") or {},
    }


def _merged(before: EvaluationRecord, record: Given, now: int) -> EvaluationRecord:
    """Return the record with what was sent added: outputs are replaced, the entries of objects brought together."""
    outputs = before.outputs
    if "outputs" in record:
        outputs = None if record["outputs"] is None else json.dumps(record["outputs"])
    user = _entries(record, "tags").get(USER_TAG, before.updated_by)
    return replace(
        before,
        outputs=outputs,
        expectations=_together(before.expectations, _entries(record, "expectations")),
        tags=_together(before.tags, _entries(record, "tags")),
        updated_at=now,
        updated_by=cast("str | None", user),
    )


def _entries(record: Given, name: str) -> dict[str, object]:
    return cast("dict[str, object]", record.get(name) or {})


def _together(before: str | None, added: Mapping[str, object]) -> str | None:
    if not added:
        return before
    return json.dumps({**json.loads(before or "{}"), **added})


def _described(found: EvaluationSet, given: Sequence[Given], count: int, now: int) -> EvaluationSet:
    users = [user for record in given if isinstance(user := _entries(record, "tags").get(USER_TAG), str)]
    return replace(
        found,
        digest=next_digest(found.digest, _json(given)),
        schema=_schema(found.schema, given),
        profile=json.dumps({"num_records": count}) if count else None,
        updated_at=now,
        updated_by=users[-1] if users else found.updated_by,
    )


def _schema(before: str | None, given: Sequence[Given]) -> str | None:
    """Return the types of all fields seen so far, as JSON; the first type that a field had stays."""
    if not given and before is None:
        return None
    schema = json.loads(before or '{"inputs": {}, "outputs": {}, "expectations": {}, "version": "1.0"}')
    for record in given:
        for part in ("inputs", "outputs", "expectations"):
            value = record.get(part)
            if isinstance(value, dict) and isinstance(schema[part], dict):
                for key, item in value.items():
                    schema[part].setdefault(key, _type(item))
            elif value is not None and not schema[part]:
                schema[part] = _type(value)
    return json.dumps(schema)


def _type(value: object) -> str:
    return _TYPES.get(type(value), "null")


def list_records(workspace: Workspace, identifier: str, page: Page) -> list[EvaluationRecord]:
    """Return one page of an evaluation set's records, in the order in which they came.

    Raises:
        UnknownEvaluationSet: there is none of that id.
    """
    with workspace.database.read() as connection:
        require_evaluation_set(connection, identifier)
        return table.list_records(connection, identifier, page)


def delete_records(workspace: Workspace, identifier: str, records: Sequence[str]) -> int:
    """Remove records of an evaluation set and return how many there were.

    Raises:
        UnknownEvaluationSet: there is none of that id.
    """
    with workspace.database.write() as connection:
        found = require_evaluation_set(connection, identifier)
        removed = table.delete_records(connection, identifier, records)
        if removed:
            count = table.count_records(connection, identifier)
            profile = json.dumps({"num_records": count}) if count else None
            changed = replace(found, digest=next_digest(found.digest, _json(records)), profile=profile)
            table.change_evaluation_set(connection, replace(changed, updated_at=now_ms()))
    return removed
