"""A folder `mlruns`, as MLflow's file store keeps it: read as data, nothing outside of it is opened.

Layout: `EXPERIMENT/meta.yaml`, `tags/KEY`; `EXPERIMENT/RUN/meta.yaml` with `params/KEY`, `tags/KEY`, `metrics/KEY` (lines of
time, value, step), `inputs/*/meta.yaml`, `outputs/*/meta.yaml`, `artifacts/`; `EXPERIMENT/datasets/*/meta.yaml`;
`EXPERIMENT/models/ID/` alike; `EXPERIMENT/traces/ID/` (see `mlruns_traces.py`); `models/NAME/` with `version-N/`; deleted experiments below `.trash/`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, cast

from ropewalk.mlops.migration.errors import InvalidExport, NoSuchSource
from ropewalk.mlops.migration.mlruns_traces import INFO, TRACES, read_trace
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
from ropewalk.mlops.tracking import MovedTrace
from ropewalk.store.tracking.values import Dataset, RunStatus, Stage

META, TRASH, MODELS = "meta.yaml", ".trash", "models"
_MOST_META = 4 << 20
_RUN_STATUS = {1: "RUNNING", 2: "SCHEDULED", 3: "FINISHED", 4: "FAILED", 5: "KILLED"}
_MODEL_STATUS = {
    0: "LOGGED_MODEL_STATUS_UNSPECIFIED",
    1: "LOGGED_MODEL_PENDING",
    2: "LOGGED_MODEL_READY",
    3: "LOGGED_MODEL_UPLOAD_FAILED",
}


class FolderSource:
    """A folder `mlruns`."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        if not self.root.is_dir():
            raise NoSuchSource(f"there is no folder {root}")
        if not any(path.parent.name != MODELS for path in self.root.glob(f"*/{META}")):
            raise NoSuchSource(
                f"{root} is no folder `mlruns`: no experiment lies in it",
                hint="name the folder that has one folder per experiment, each with a meta.yaml",
            )
        self._places: dict[str, Path] = {}

    @property
    def title(self) -> str:
        """The folder."""
        return str(self.root)

    def experiments(self) -> Iterator[ExperimentRecord]:
        """Yield every experiment, those in the trash too."""
        for folder in [*_folders(self.root), *_folders(self.root / TRASH)]:
            if folder.name in (MODELS, TRASH) or not (folder / META).is_file():
                continue
            meta = _read_meta(folder)
            identifier = str(meta.get("experiment_id", folder.name))
            self._places[identifier] = folder
            yield ExperimentRecord(
                id=identifier,
                name=_text(meta, "name", folder),
                # A folder in the trash is deleted whatever its file says.
                stage="deleted" if folder.parent.name == TRASH else _stage(meta),
                created_at=_number(meta, "creation_time"),
                updated_at=_number(meta, "last_update_time"),
                tags=_texts(folder / "tags"),
            )

    def runs(self, experiment_id: str) -> Iterator[RunRecord]:
        """Yield every run of an experiment."""
        experiment = self._places[experiment_id]
        for folder in _folders(experiment):
            if folder.name in (MODELS, "datasets", "tags", TRACES) or not (folder / META).is_file():
                continue
            meta = _read_meta(folder)
            identifier = str(meta.get("run_id") or meta.get("run_uuid") or folder.name)
            self._places[identifier] = folder
            tags = _texts(folder / "tags")
            datasets, models = self._uses(experiment, folder)
            yield RunRecord(
                id=identifier,
                experiment_id=experiment_id,
                name=str(meta.get("run_name") or tags.get("mlflow.runName") or ""),
                user_id=str(meta.get("user_id") or ""),
                status=_run_status(meta, folder),
                stage=_stage(meta),
                started_at=_number(meta, "start_time"),
                ended_at=_number(meta, "end_time") or None,
                location=str(meta.get("artifact_uri") or ""),
                params=_texts(folder / "params"),
                tags=tags,
                metrics=tuple(_names(folder / "metrics")),
                datasets=datasets,
                models=models,
            )

    def _uses(self, experiment: Path, folder: Path) -> tuple[tuple[Dataset, ...], tuple[UseRecord, ...]]:
        datasets, models = list[Dataset](), list[UseRecord]()
        for role in ("input", "output"):
            for use in _folders(folder / f"{role}s"):
                meta = _read_meta(use)
                kind, other = meta.get("source_type"), meta.get("destination_type")
                if kind == "DATASET":
                    found = _read_meta(experiment / "datasets" / str(meta.get("source_id")))
                    datasets.append(_dataset(found, meta.get("tags")))
                elif "MODEL" in f"{kind} {other}":
                    named = meta.get("destination_id" if role == "output" else "source_id")
                    models.append(UseRecord(role, str(named), _number(meta, "step")))
        return tuple(datasets), tuple(models)

    def points(self, run: RunRecord, key: str) -> Iterator[Point]:
        """Yield the points of one series."""
        path = _within(self._places[run.id] / "metrics", key)
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                yield _point(line.split(), path, number)

    def logged_models(self, experiment_id: str) -> Iterator[LoggedModelRecord]:
        """Yield every logged model of an experiment."""
        for folder in _folders(self._places[experiment_id] / MODELS):
            if not (folder / META).is_file():
                continue
            meta = _read_meta(folder)
            if meta.get("lifecycle_stage") == "deleted":
                continue
            identifier = str(meta.get("model_id", folder.name))
            self._places[identifier] = folder
            yield LoggedModelRecord(
                id=identifier,
                experiment_id=experiment_id,
                name=_text(meta, "name", folder),
                model_type=meta.get("model_type"),
                source_run_id=meta.get("source_run_id"),
                status=_MODEL_STATUS.get(cast("int", meta.get("status")), _MODEL_STATUS[0]),
                created_at=_number(meta, "creation_timestamp"),
                updated_at=_number(meta, "last_updated_timestamp"),
                location=str(meta.get("artifact_location") or ""),
                params=_texts(folder / "params"),
                tags=_texts(folder / "tags"),
                metrics=tuple(_model_points(folder / "metrics")),
            )

    def traces(self, experiment_id: str) -> Iterator[MovedTrace]:
        """Yield every trace of an experiment."""
        for folder in _folders(self._places[experiment_id] / TRACES):
            if (folder / INFO).is_file():
                self._places[folder.name] = folder
                yield read_trace(folder, _read_yaml, _texts)

    def evaluation_sets(self) -> Iterator[EvaluationSetRecord]:
        """Yield nothing: the file store has no evaluation sets."""
        return iter(())

    def registered(self) -> Iterator[RegisteredRecord]:
        """Yield every registered model and prompt."""
        for folder in _folders(self.root / MODELS):
            if not (folder / META).is_file():
                continue
            meta = _read_meta(folder)
            versions = tuple(
                _version(place) for place in _folders(folder) if place.name.startswith("version-")
            )
            aliases = meta.get("aliases")
            yield RegisteredRecord(
                name=_text(meta, "name", folder),
                description=meta.get("description"),
                created_at=_number(meta, "creation_timestamp"),
                updated_at=_number(meta, "last_updated_timestamp"),
                tags=_texts(folder / "tags"),
                aliases={**(aliases if isinstance(aliases, dict) else {}), **_texts(folder / "aliases")},
                versions=versions,
            )

    def files(self, owner: Owner) -> Iterator[tuple[str, BinaryIO]]:
        """Yield the files of a run, logged model or trace that lie in its folder."""
        root = self._places[owner.id] / "artifacts"
        for path in _names(root):
            with _within(root, path).open("rb") as stream:
                yield path, stream


def _folders(parent: Path) -> list[Path]:
    # A link could lead anywhere, and MLflow makes none.
    return (
        sorted(path for path in parent.iterdir() if path.is_dir() and not path.is_symlink())
        if parent.is_dir()
        else []
    )


def _names(root: Path) -> list[str]:
    if not root.is_dir() or root.is_symlink():
        return []
    return sorted(path.relative_to(root).as_posix() for path in _walk(root))


def _walk(root: Path) -> Iterator[Path]:
    for path in root.iterdir():
        if path.is_symlink():
            continue
        if path.is_dir():
            yield from _walk(path)
        elif path.is_file():
            yield path


def _within(root: Path, name: str) -> Path:
    path = (root / name).resolve()
    if not path.is_relative_to(root.resolve()):
        raise InvalidExport(f"{name!r} leads out of {root}")
    return path


def _texts(folder: Path) -> dict[str, str]:
    return {name: (folder / name).read_text(encoding="utf-8") for name in _names(folder)}


def _read_meta(folder: Path) -> dict[str, Any]:  # Any: YAML of another program
    return _read_yaml(folder / META)


def _read_yaml(path: Path) -> dict[str, Any]:  # Any: as above
    import yaml

    try:
        if path.stat().st_size > _MOST_META:
            raise InvalidExport(f"{path} has more than {_MOST_META} bytes")
        found = yaml.safe_load(path.read_bytes())
    except OSError as error:
        raise InvalidExport(f"{path} cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InvalidExport(f"{path} is no YAML: {str(error)[:300]}") from None
    if not isinstance(found, dict):
        raise InvalidExport(f"{path} must be a mapping")
    return found


def _text(meta: Mapping[str, object], key: str, folder: Path) -> str:
    value = meta.get(key)
    if value is None:
        raise InvalidExport(f"{folder / META} has no {key}")
    return str(value)


def _number(meta: Mapping[str, object], key: str) -> int:
    value = meta.get(key)
    return int(value) if isinstance(value, int | float | str) and str(value).lstrip("-").isdecimal() else 0


def _stage(meta: Mapping[str, object]) -> Stage:
    return "deleted" if meta.get("lifecycle_stage") == "deleted" else "active"


def _run_status(meta: Mapping[str, object], folder: Path) -> RunStatus:
    status = meta.get("status")
    # Written as a number since 1.0, as a word before.
    found = _RUN_STATUS.get(status) if isinstance(status, int) else status
    if found not in _RUN_STATUS.values():
        raise InvalidExport(f"{folder / META}: {status!r} is no status of a run")
    return cast("RunStatus", found)


def _dataset(meta: Mapping[str, object], tags: object) -> Dataset:
    def text(key: str) -> str | None:
        return None if meta.get(key) is None else str(meta[key])

    return Dataset(
        name=text("name") or "",
        digest=text("digest") or "",
        source_type=text("source_type") or "",
        source=text("source") or "",
        schema=text("schema"),
        profile=text("profile"),
        tags={str(key): str(value) for key, value in tags.items()} if isinstance(tags, dict) else {},
    )


def _point(parts: list[str], path: Path, line: int) -> Point:
    try:
        # Before steps there were two numbers; metrics of a dataset have five.
        return int(parts[2]) if len(parts) > 2 else 0, int(parts[0]), float(parts[1])
    except (IndexError, ValueError):
        raise InvalidExport(f"{path}:{line} is no time, value and step") from None


def _model_points(folder: Path) -> Iterator[ModelPoint]:
    for key in _names(folder):
        path = folder / key
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            parts = line.split()
            step, time, value = _point(parts, path, number)
            run_id, name, digest = [*parts[3:], "", "", ""][:3]
            yield ModelPoint(key, repr(value), step, time, run_id, name, digest)


def _version(folder: Path) -> VersionRecord:
    meta = _read_meta(folder)
    source = _text(meta, "source", folder)
    return VersionRecord(
        version=str(meta.get("version", folder.name.removeprefix("version-"))),
        source=source,
        location=str(meta.get("storage_location") or source),
        description=meta.get("description"),
        run_id=meta.get("run_id") or None,
        run_link=meta.get("run_link") or None,
        model_id=meta.get("model_id") or None,
        stage=str(meta.get("current_stage") or "None"),
        created_at=_number(meta, "creation_timestamp"),
        updated_at=_number(meta, "last_updated_timestamp"),
        tags=_texts(folder / "tags"),
    )
