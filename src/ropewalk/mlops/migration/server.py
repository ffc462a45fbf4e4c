"""A running MLflow server as a source: read by its REST API, page by page, with nothing but GET and searches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO, cast
from urllib.parse import quote, urlsplit, urlunsplit

import httpx

from ropewalk.mlops.migration.errors import InvalidExport, NoSuchSource, SourceUnreachable
from ropewalk.mlops.migration.records import (
    EvaluationSetRecord,
    ExperimentRecord,
    LoggedModelRecord,
    ModelPoint,
    Owner,
    Point,
    RegisteredRecord,
    RunRecord,
    UseRecord,
    VersionRecord,
)
from ropewalk.mlops.migration.server_traces import ServerTraces
from ropewalk.mlops.tracking import MovedTrace
from ropewalk.store.tracking.values import Dataset, RunStatus, Stage

_API = "/api/2.0/mlflow"
_PAGE, _POINTS = 200, 25_000
_IN_MEMORY = 1 << 20
_TIMEOUT_S = 120.0
SPANS = "traces.json"
PROMPTS = "tags.`mlflow.prompt.is_prompt` = 'true'"
# A tree of folders that never ends would be walked for ever.
_DEEPEST = 64
Answer = Mapping[str, Any]  # Any: JSON of another program


class ServerSource:
    """An MLflow server at an address; a user and password in it are used and never shown."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        host = (parts.hostname or "") + (f":{parts.port}" if parts.port else "")
        self._address = urlunsplit((parts.scheme, host, parts.path.rstrip("/"), "", ""))
        auth = (parts.username, parts.password or "") if parts.username else None
        self._client = httpx.Client(base_url=self._address, auth=auth, timeout=_TIMEOUT_S)
        self._has_logged_models = True
        self._traces = ServerTraces(self._get, self._post)

    @property
    def title(self) -> str:
        """The server's address without a password."""
        return self._address

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def experiments(self) -> Iterator[ExperimentRecord]:
        """Yield every experiment, deleted ones too."""
        for item in self._pages(
            "experiments/search", "experiments", {"view_type": "ALL", "max_results": _PAGE}
        ):
            yield ExperimentRecord(
                id=str(item["experiment_id"]),
                name=str(item["name"]),
                stage=_stage(item),
                created_at=_number(item.get("creation_time")),
                updated_at=_number(item.get("last_update_time")),
                tags=_pairs(item.get("tags")),
            )

    def runs(self, experiment_id: str) -> Iterator[RunRecord]:
        """Yield every run of an experiment, deleted ones too."""
        asked: dict[str, object] = {
            "experiment_ids": [experiment_id],
            "run_view_type": "ALL",
            "max_results": _PAGE,
        }
        # Oldest first: a run that is added meanwhile moves none of the pages that are still to come.
        asked["order_by"] = ["attributes.start_time ASC"]
        for item in self._pages("runs/search", "runs", asked):
            yield _run(item)

    def points(self, run: RunRecord, key: str) -> Iterator[Point]:
        """Yield every point of one series."""
        token = ""
        while True:
            query = {"run_id": run.id, "metric_key": key, "max_results": _POINTS}
            answer = self._get(
                f"{_API}/metrics/get-history", query | ({"page_token": token} if token else {})
            )
            for item in answer.get("metrics", []):
                yield _number(item.get("step")), _number(item.get("timestamp")), _float(item.get("value"))
            token = answer.get("next_page_token") or ""
            if not token:
                return

    def logged_models(self, experiment_id: str) -> Iterator[LoggedModelRecord]:
        """Yield every logged model of an experiment; servers before 3.0 have none."""
        if not self._has_logged_models:
            return
        asked = {"experiment_ids": [experiment_id], "max_results": 50}
        try:
            for item in self._pages("logged-models/search", "models", asked):
                yield _logged_model(item)
        except NoSuchSource:
            self._has_logged_models = False

    def traces(self, experiment_id: str) -> Iterator[MovedTrace]:
        """Yield every trace of an experiment."""
        return self._traces.traces(experiment_id)

    def evaluation_sets(self) -> Iterator[EvaluationSetRecord]:
        """Yield every evaluation set."""
        return self._traces.evaluation_sets()

    def registered(self) -> Iterator[RegisteredRecord]:
        """Yield every registered model and prompt."""
        for condition in ("", PROMPTS):
            query: dict[str, object] = {"max_results": _PAGE, **({"filter": condition} if condition else {})}
            for item in self._pages("registered-models/search", "registered_models", query, is_read=True):
                yield self._registered(item, condition)

    def _registered(self, item: Answer, condition: str) -> RegisteredRecord:
        name = str(item["name"])
        # A quote in a name would end the text of the filter; MLflow's grammar has the other kind for that.
        mark = '"' if "'" in name else "'"
        # Versions of prompts are not found either, by stock servers, unless they are asked for.
        wanted = f"name = {mark}{name}{mark}" + (f" AND {condition}" if condition else "")
        query = {"filter": wanted, "max_results": _PAGE}
        found = self._pages("model-versions/search", "model_versions", query, is_read=True)
        return RegisteredRecord(
            name=name,
            description=item.get("description") or None,
            created_at=_number(item.get("creation_timestamp")),
            updated_at=_number(item.get("last_updated_timestamp")),
            tags=_pairs(item.get("tags")),
            aliases={alias["alias"]: str(alias["version"]) for alias in item.get("aliases", [])},
            versions=tuple(self._version(version) for version in found),
        )

    def _version(self, item: Answer) -> VersionRecord:
        named = {"name": item["name"], "version": item["version"]}
        # The answer of the search leaves out where the files are.
        place = self._get(f"{_API}/model-versions/get-download-uri", named).get("artifact_uri")
        source = str(item.get("source") or "")
        return VersionRecord(
            version=str(item["version"]),
            source=source,
            location=str(place or source),
            description=item.get("description") or None,
            run_id=item.get("run_id") or None,
            run_link=item.get("run_link") or None,
            model_id=item.get("model_id") or None,
            stage=str(item.get("current_stage") or "None"),
            created_at=_number(item.get("creation_timestamp")),
            updated_at=_number(item.get("last_updated_timestamp")),
            tags=_pairs(item.get("tags")),
        )

    def files(self, owner: Owner) -> Iterator[tuple[str, BinaryIO]]:
        """Yield the files of a run, logged model or trace, each kept while it is read: a large one in a temporary file."""
        # Of a trace the protocol lists no files, and hands out the one with its spans.
        has_file = isinstance(owner, MovedTrace) and not owner.spans
        paths = [SPANS] * has_file if isinstance(owner, MovedTrace) else self._paths(owner, "", 0)
        for path in paths:
            if isinstance(owner, MovedTrace):
                address, query = "/ajax-api/2.0/mlflow/get-trace-artifact", {"request_id": owner.id}
            elif isinstance(owner, RunRecord):
                address = "/get-artifact"
                query = {"path": path, "run_uuid": owner.id}
            else:
                address = f"/ajax-api/2.0/mlflow/logged-models/{quote(owner.id)}/artifacts/files"
                query = {"artifact_file_path": path}
            with SpooledTemporaryFile(_IN_MEMORY) as kept:
                self._download(address, query, cast("BinaryIO", kept))
                kept.seek(0)
                yield path, cast("BinaryIO", kept)

    def _download(self, address: str, query: Mapping[str, str], target: BinaryIO) -> None:
        try:
            with self._client.stream("GET", address, params=query) as answer:
                if answer.status_code != httpx.codes.OK:
                    raise InvalidExport(
                        f"{self.title} does not hand out {query}: it answered {answer.status_code}",
                        hint="the server must be able to read its own artifacts",
                    )
                target.writelines(answer.iter_bytes())
        except httpx.HTTPError as error:
            raise self._unreachable(error) from None

    def _paths(self, owner: Owner, folder: str, depth: int) -> Iterator[str]:
        if depth > _DEEPEST:
            raise InvalidExport(f"the artifacts of {owner.id} lie too deep")
        if isinstance(owner, RunRecord):
            listed = self._get(
                f"{_API}/artifacts/list", {"run_id": owner.id, **({"path": folder} if folder else {})}
            )
        else:
            address = f"{_API}/logged-models/{quote(owner.id)}/artifacts/directories"
            listed = self._get(address, {"artifact_directory_path": folder} if folder else {})
        for item in listed.get("files", []):
            if item.get("is_dir"):
                yield from self._paths(owner, str(item["path"]), depth + 1)
            else:
                yield str(item["path"])

    def _pages(
        self, path: str, key: str, asked: Mapping[str, object], *, is_read: bool = False
    ) -> Iterator[Answer]:
        token = ""
        while True:
            body = dict(asked) | ({"page_token": token} if token else {})
            answer = self._get(f"{_API}/{path}", body) if is_read else self._post(f"{_API}/{path}", body)
            yield from answer.get(key, [])
            token = answer.get("next_page_token") or ""
            if not token:
                return

    def _get(self, path: str, query: Mapping[str, object]) -> Answer:
        return self._answer(self._client.build_request("GET", path, params=cast("Any", query)))

    def _post(self, path: str, body: Mapping[str, object]) -> Answer:
        return self._answer(self._client.build_request("POST", path, json=body))

    def _answer(self, request: httpx.Request) -> Answer:
        try:
            answer = self._client.send(request)
        except httpx.HTTPError as error:
            raise self._unreachable(error) from None
        if answer.status_code == httpx.codes.NOT_FOUND:
            raise NoSuchSource(f"{self.title} has no {request.url.path}", hint="is it an MLflow server?")
        try:
            found = answer.json()
        except ValueError:
            found = None
        if answer.status_code != httpx.codes.OK or not isinstance(found, dict):
            said = found.get("message") if isinstance(found, dict) else None
            raise SourceUnreachable(
                f"{self.title}{request.url.path} answered {answer.status_code}: {str(said)[:300]}",
                hint="is it an MLflow server, and may this user read it?",
            )
        return found

    def _unreachable(self, error: httpx.HTTPError) -> SourceUnreachable:
        return SourceUnreachable(
            f"{self.title} does not answer: {type(error).__name__}",
            hint="start it, and run the same import again",
        )


def _run(item: Answer) -> RunRecord:
    info, data, inputs = item["info"], item.get("data", {}), item.get("inputs", {})
    tags = _pairs(data.get("tags"))
    models = [UseRecord("input", use["model_id"]) for use in inputs.get("model_inputs", [])]
    outputs = item.get("outputs", {}).get("model_outputs", [])
    models += [UseRecord("output", use["model_id"], _number(use.get("step"))) for use in outputs]
    return RunRecord(
        id=str(info["run_id"]),
        experiment_id=str(info["experiment_id"]),
        name=str(info.get("run_name") or tags.get("mlflow.runName") or ""),
        user_id=str(info.get("user_id") or ""),
        status=cast("RunStatus", info["status"]),
        stage=_stage(info),
        started_at=_number(info.get("start_time")),
        ended_at=_number(info.get("end_time")) or None,
        location=str(info.get("artifact_uri") or ""),
        params=_pairs(data.get("params")),
        tags=tags,
        metrics=tuple(sorted({metric["key"] for metric in data.get("metrics", [])})),
        datasets=tuple(_dataset(use) for use in inputs.get("dataset_inputs", [])),
        models=tuple(models),
    )


def _dataset(use: Answer) -> Dataset:
    found = use.get("dataset", {})
    return Dataset(
        name=found.get("name", ""),
        digest=found.get("digest", ""),
        source_type=found.get("source_type", ""),
        source=found.get("source", ""),
        schema=found.get("schema"),
        profile=found.get("profile"),
        tags=_pairs(use.get("tags")),
    )


def _logged_model(item: Answer) -> LoggedModelRecord:
    info, data = item["info"], item.get("data", {})
    return LoggedModelRecord(
        id=str(info["model_id"]),
        experiment_id=str(info["experiment_id"]),
        name=str(info.get("name") or ""),
        model_type=info.get("model_type") or None,
        source_run_id=info.get("source_run_id") or None,
        status=str(info.get("status") or "LOGGED_MODEL_STATUS_UNSPECIFIED"),
        created_at=_number(info.get("creation_timestamp_ms")),
        updated_at=_number(info.get("last_updated_timestamp_ms")),
        location=str(info.get("artifact_uri") or ""),
        params=_pairs(data.get("params")),
        tags=_pairs(info.get("tags")),
        metrics=tuple(
            ModelPoint(
                key=point["key"],
                value=repr(_float(point.get("value"))),
                step=_number(point.get("step")),
                time=_number(point.get("timestamp")),
                run_id=point.get("run_id") or "",
                dataset_name=point.get("dataset_name") or "",
                dataset_digest=point.get("dataset_digest") or "",
            )
            for point in data.get("metrics", [])
        ),
    )


def _pairs(items: object) -> dict[str, str]:
    return {str(item["key"]): str(item.get("value", "")) for item in cast("list[Answer]", items or [])}


def _number(value: object) -> int:
    return int(cast("int | str", value)) if value is not None else 0


def _float(value: object) -> float:
    return float(cast("float | str", value)) if value is not None else 0.0


def _stage(item: Answer) -> Stage:
    return "deleted" if item.get("lifecycle_stage") == "deleted" else "active"
