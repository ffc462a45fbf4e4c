"""Traces and evaluation sets of a running MLflow server, in the ways that its lines answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ropewalk.mlops.migration.errors import InvalidExport, NoSuchSource
from ropewalk.mlops.migration.records import EvaluationSetRecord
from ropewalk.mlops.tracking import PLACES, MovedTrace, inputs_digest, read_moved, read_moved_legacy
from ropewalk.store.tracking.evaluation_sets import EvaluationRecord, EvaluationSet

Answer = Mapping[str, Any]  # Any: JSON of another program
Ask = Callable[[str, Mapping[str, object]], Answer]
_V3, _V2 = "/api/3.0/mlflow", "/api/2.0/mlflow"
_PAGE, _RECORDS = 100, 1000
# The tag that says whether the spans are the server's own, or a file among the trace's artifacts.
_LOCATION = next(name for name in PLACES if name.endswith("spansLocation"))


@dataclass(frozen=True)
class ServerTraces:
    """What a server has of traces and evaluation sets; `get` and `post` ask it."""

    get: Ask
    post: Ask

    def traces(self, experiment: str) -> Iterator[MovedTrace]:
        """Yield every trace of an experiment; servers of before 2.14 have none."""
        try:
            yield from self._of_three(experiment)
        except NoSuchSource:
            yield from self._of_two(experiment)

    def _of_three(self, experiment: str) -> Iterator[MovedTrace]:
        place = {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": experiment}}
        asked: dict[str, object] = {
            "locations": [place],
            "max_results": _PAGE,
            "order_by": ["timestamp_ms ASC"],
        }
        for info in _pages(self.post, f"{_V3}/traces/search", "traces", asked):
            yield read_moved(info, self._spans(info))

    def _spans(self, info: Answer) -> list[Answer]:
        if not has_spans(info):
            return []
        found = self.get(f"{_V3}/traces/get", {"trace_id": info["trace_id"], "allow_partial": "true"})
        return list(found.get("trace", {}).get("spans", []))

    def _of_two(self, experiment: str) -> Iterator[MovedTrace]:
        asked: dict[str, object] = {
            "experiment_ids": experiment,
            "max_results": _PAGE,
            "order_by": "timestamp_ms ASC",
        }
        try:
            for info in _pages(self.get, f"{_V2}/traces", "traces", asked):
                yield read_moved_legacy(info)
        except NoSuchSource:
            return

    def evaluation_sets(self) -> Iterator[EvaluationSetRecord]:
        """Yield every evaluation set; servers of before 3.4, and those on files, have none."""
        asked: dict[str, object] = {"max_results": _PAGE}
        try:
            for found in _pages(self.post, f"{_V3}/datasets/search", "datasets", asked):
                yield EvaluationSetRecord(self._set(found), tuple(self._records(str(found["dataset_id"]))))
        except NoSuchSource:
            return

    def _set(self, found: Answer) -> EvaluationSet:
        identifier = str(found["dataset_id"])
        linked = found.get("experiment_ids")
        if linked is None:
            linked = self.get(f"{_V3}/datasets/{identifier}/experiment-ids", {}).get("experiment_ids", [])
        return EvaluationSet(
            id=identifier,
            name=str(found["name"]),
            digest=str(found.get("digest") or ""),
            schema=found.get("schema"),
            profile=found.get("profile"),
            created_at=int(found.get("created_time") or 0),
            updated_at=int(found.get("last_update_time") or 0),
            created_by=found.get("created_by"),
            updated_by=found.get("last_updated_by"),
            tags=json.loads(found.get("tags") or "{}"),
            experiment_ids=tuple(str(one) for one in linked),
        )

    def _records(self, identifier: str) -> Iterator[EvaluationRecord]:
        token = ""
        while True:
            query: dict[str, object] = {"max_results": _RECORDS, **({"page_token": token} if token else {})}
            answer = self.get(f"{_V3}/datasets/{identifier}/records", query)
            try:
                listed = json.loads(answer.get("records") or "[]")
            except ValueError:
                raise InvalidExport(f"the records of evaluation set {identifier} are no JSON") from None
            for item in listed:
                yield _record(identifier, item)
            token = answer.get("next_page_token") or ""
            if not token:
                return


def has_spans(info: Answer) -> bool:
    """Return whether the server itself has the spans of a trace; else they are a file."""
    return bool(info.get("tags", {}).get(_LOCATION) == "TRACKING_STORE")


def _record(identifier: str, item: Answer) -> EvaluationRecord:
    def document(name: str) -> str | None:
        return None if item.get(name) is None else json.dumps(item[name])

    return EvaluationRecord(
        id=str(item["dataset_record_id"]),
        evaluation_set=identifier,
        inputs_digest=inputs_digest(item.get("inputs") or {}),
        inputs=json.dumps(item.get("inputs") or {}),
        outputs=document("outputs"),
        expectations=document("expectations"),
        tags=document("tags"),
        source=document("source"),
        created_at=int(item.get("created_time") or 0),
        updated_at=int(item.get("last_update_time") or 0),
        created_by=item.get("created_by"),
        updated_by=item.get("last_updated_by"),
    )


def _pages(ask: Ask, path: str, key: str, asked: Mapping[str, object]) -> Iterator[Answer]:
    token = ""
    while True:
        answer = ask(path, dict(asked) | ({"page_token": token} if token else {}))
        yield from answer.get(key, [])
        token = answer.get("next_page_token") or ""
        if not token:
            return
