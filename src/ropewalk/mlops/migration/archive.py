"""An export of our own: a folder, or a zip of it, with one JSON line per thing and its files named by their content.

`export.json` holds the format's version, the counts, and the digest of every other part; `experiments.jsonl`,
`logged_models.jsonl`, `runs.jsonl`, `registered.jsonl`, `traces.jsonl` and `evaluation_sets.jsonl` hold records (`records.py`), `points.jsonl` series in pieces, and
`objects/ab/abcd…` the bytes whose blake3 is that name. What is read is held against these digests.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO, TypeVar, cast

import msgspec
from blake3 import blake3

from ropewalk.mlops.migration.errors import ExportExists, InvalidExport, NoSuchSource
from ropewalk.mlops.migration.records import (
    EvaluationSetRecord,
    ExperimentRecord,
    FileRecord,
    LoggedModelRecord,
    Owner,
    Point,
    RegisteredRecord,
    RunRecord,
)
from ropewalk.mlops.migration.stored import ProjectSource
from ropewalk.mlops.tracking import MovedTrace
from ropewalk.pipeline import ObjectStore, Workspace

FORMAT, VERSION = "ropewalk-export", 2
HEAD = "export.json"
PARTS = ("experiments.jsonl", "logged_models.jsonl", "runs.jsonl", "points.jsonl", "registered.jsonl")
# Since the second version; what the first one wrote has none of these.
LATER_PARTS = ("traces.jsonl", "evaluation_sets.jsonl")
_PIECE = 10_000
_BLOCK = 1 << 20
T = TypeVar("T")


class Moved(msgspec.Struct):
    """One line: a record and its files."""

    record: msgspec.Raw
    files: list[FileRecord] = []


class Piece(msgspec.Struct):
    """Some points of a series, their values as Python writes them: JSON has neither NaN nor infinities."""

    run: str
    key: str
    points: list[tuple[int, int, str]]


@dataclass(frozen=True)
class Exported:
    """What an export wrote: how many of each part, how many files, and the digest of it all."""

    path: str
    counts: dict[str, int]
    files: int
    digest: str


def export_project(workspace: Workspace, target: Path) -> Exported:
    """Write all experiments, runs, traces, evaluation sets and models to a folder, or to a file that ends in `.zip`.

    Raises:
        ExportExists: something else is there.
    """
    if target.exists() and (target.is_file() or any(target.iterdir())):
        raise ExportExists(
            f"{target} exists already", hint="name a new folder, or a new file that ends in .zip"
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    # Whole or not there at all: an export that was killed halfway is never taken for one.
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".export-") as place:
        folder = Path(place) / "export"
        folder.mkdir()
        head = _Writer(ProjectSource(workspace), folder, workspace.objects).write()
        if target.suffix == ".zip":
            packed = Path(place) / "export.zip"
            _pack(folder, packed)
            packed.replace(target)
        else:
            if target.exists():
                target.rmdir()
            folder.replace(target)
    digest = blake3(json.dumps(head, sort_keys=True).encode()).hexdigest()
    return Exported(str(target), cast("dict[str, int]", head["counts"]), cast("int", head["files"]), digest)


class _Writer:
    def __init__(self, source: ProjectSource, folder: Path, objects: ObjectStore) -> None:
        self.source, self.folder, self.objects = source, folder, objects
        self.kept: set[str] = set()
        self.counts: dict[str, int] = {}
        self.digests: dict[str, str] = {}

    def write(self) -> dict[str, object]:
        source = self.source
        experiments = list(source.experiments())
        ids = [experiment.id for experiment in experiments]
        self._part(PARTS[0], (Moved(_raw(one)) for one in experiments))
        self._part(PARTS[1], (self._owned(one) for i in ids for one in source.logged_models(i)))
        self._part(PARTS[2], (self._owned(one) for i in ids for one in source.runs(i)))
        self._part(PARTS[3], (piece for i in ids for run in source.runs(i) for piece in self._pieces(run)))
        self._part(PARTS[4], (self._registered(one) for one in source.registered()))
        self._part(LATER_PARTS[0], (self._owned(one) for i in ids for one in source.traces(i)))
        self._part(LATER_PARTS[1], (Moved(_raw(one)) for one in source.evaluation_sets()))
        head: dict[str, object] = {
            "format": FORMAT,
            "version": VERSION,
            "project": source.title,
            "counts": self.counts,
            "files": len(self.kept),
            "parts": self.digests,
        }
        (self.folder / HEAD).write_text(json.dumps(head, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        return head

    def _part(self, name: str, lines: Iterable[msgspec.Struct]) -> None:
        hasher, count = blake3(), 0
        with (self.folder / name).open("wb") as part:
            for line in lines:
                count += len(line.points) if isinstance(line, Piece) else 1
                text = msgspec.json.encode(line) + b"\n"
                hasher.update(text)
                part.write(text)
        self.counts[name.removesuffix(".jsonl")] = count
        self.digests[name] = hasher.hexdigest()

    def _owned(self, owner: Owner) -> Moved:
        files = [FileRecord(file.path, file.digest, file.size) for file in self.source.artifacts(owner)]
        self._keep(files)
        return Moved(_raw(owner), files)

    def _registered(self, model: RegisteredRecord) -> Moved:
        for version in model.versions:
            self._keep(version.files or ())
        return Moved(_raw(model))

    def _pieces(self, run: RunRecord) -> Iterator[Piece]:
        for key in run.metrics:
            waiting = iter(self.source.points(run, key))
            while piece := [(step, time, repr(value)) for step, time, value in islice(waiting, _PIECE)]:
                yield Piece(run.id, key, piece)

    def _keep(self, files: Iterable[FileRecord]) -> None:
        for file in files:
            if file.digest not in self.kept:
                self.kept.add(file.digest)
                place = self.folder / _place(file.digest)
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(self.objects.path(file.digest), place)


def _raw(record: object) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(record))


def _place(digest: str) -> str:
    return f"objects/{digest[:2]}/{digest}"


def _pack(folder: Path, target: Path) -> None:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            # A fixed date: the same project is the same file.
            member = zipfile.ZipInfo(path.relative_to(folder).as_posix(), (1980, 1, 1, 0, 0, 0))
            member.compress_type = zipfile.ZIP_DEFLATED
            with path.open("rb") as source, archive.open(member, "w", force_zip64=True) as kept:
                shutil.copyfileobj(source, kept, _BLOCK)


class ExportSource:
    """An export as a source."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            raise NoSuchSource(f"there is no export at {path}")
        self.path = path
        self._archive = zipfile.ZipFile(path) if path.is_file() else None
        self._points: dict[tuple[str, str], list[int]] | None = None
        self._files: dict[str, list[FileRecord]] = {}
        self.project = self._check()

    @property
    def title(self) -> str:
        """The project that was exported, and where the export is."""
        return f"{self.project} ({self.path})"

    @contextmanager
    def _open(self, name: str) -> Iterator[BinaryIO]:
        try:
            # Names are ours, or made of a digest: none leads out of the folder.
            opened = self._archive.open(name) if self._archive else (self.path / name).open("rb")
        except (OSError, KeyError):
            raise InvalidExport(f"{self.path} has no {name}") from None
        with opened:
            yield cast("BinaryIO", opened)

    def _check(self) -> str:
        with self._open(HEAD) as stream:
            try:
                head = json.loads(stream.read(1 << 20))
            except ValueError:
                head = None
        if not isinstance(head, dict) or head.get("format") != FORMAT:
            raise InvalidExport(f"{self.path} is no export of a project")
        version = head.get("version")
        if not isinstance(version, int) or not 1 <= version <= VERSION:
            raise InvalidExport(
                f"{self.path} is an export of version {version}, and this Ropewalk reads 1 to {VERSION}",
                hint="update Ropewalk, or export it again with this version",
            )
        self._has_later_parts = version > 1
        for name in (*PARTS, *(LATER_PARTS if self._has_later_parts else ())):
            if self._digest(name) != head.get("parts", {}).get(name):
                raise InvalidExport(
                    f"{self.path}: {name} is not what was exported", hint="copy the export anew"
                )
        return str(head.get("project"))

    def _digest(self, name: str) -> str:
        hasher = blake3()
        with self._open(name) as stream:
            while block := stream.read(_BLOCK):
                hasher.update(block)
        return hasher.hexdigest()

    def _lines(self, name: str, kind: type[T]) -> Iterator[T]:
        with self._open(name) as stream:
            for number, line in enumerate(stream, 1):
                try:
                    yield msgspec.json.decode(line, type=kind)
                except msgspec.MsgspecError as error:
                    raise InvalidExport(f"{self.path}: {name}:{number}: {error}") from None

    def _records(self, name: str, kind: type[T]) -> Iterator[T]:
        for line in self._lines(name, Moved):
            try:
                record = msgspec.json.decode(line.record, type=kind)
            except msgspec.MsgspecError as error:
                raise InvalidExport(f"{self.path}: {name}: {error}") from None
            if isinstance(record, RunRecord | LoggedModelRecord | MovedTrace):
                self._files[record.id] = line.files
            yield record

    def experiments(self) -> Iterator[ExperimentRecord]:
        """Yield every experiment."""
        return self._records(PARTS[0], ExperimentRecord)

    def logged_models(self, experiment_id: str) -> Iterator[LoggedModelRecord]:
        """Yield every logged model of an experiment."""
        found = self._records(PARTS[1], LoggedModelRecord)
        return (model for model in found if model.experiment_id == experiment_id)

    def runs(self, experiment_id: str) -> Iterator[RunRecord]:
        """Yield every run of an experiment."""
        found = self._records(PARTS[2], RunRecord)
        return (run for run in found if run.experiment_id == experiment_id)

    def traces(self, experiment_id: str) -> Iterator[MovedTrace]:
        """Yield every trace of an experiment."""
        found = self._records(LATER_PARTS[0], MovedTrace) if self._has_later_parts else iter(())
        return (moved for moved in found if moved.trace.experiment_id == experiment_id)

    def evaluation_sets(self) -> Iterator[EvaluationSetRecord]:
        """Yield every evaluation set."""
        return self._records(LATER_PARTS[1], EvaluationSetRecord) if self._has_later_parts else iter(())

    def points(self, run: RunRecord, key: str) -> Iterator[Point]:
        """Yield every point of one series."""
        for number in self._index().get((run.id, key), ()):
            yield from self._piece(number)

    def _index(self) -> dict[tuple[str, str], list[int]]:
        """Return where in the file the pieces of each series begin."""
        if self._points is None:
            self._points, offset = {}, 0
            with self._open(PARTS[3]) as stream:
                for line in stream:
                    piece = msgspec.json.decode(line, type=Piece)
                    self._points.setdefault((piece.run, piece.key), []).append(offset)
                    offset += len(line)
        return self._points

    def _piece(self, offset: int) -> Iterator[Point]:
        with self._open(PARTS[3]) as stream:
            stream.seek(offset)
            piece = msgspec.json.decode(stream.readline(), type=Piece)
        for step, time, value in piece.points:
            try:
                yield step, time, float(value)
            except ValueError:
                raise InvalidExport(
                    f"{self.path}: {value[:100]!r} is no value of metric {piece.key!r}"
                ) from None

    def registered(self) -> Iterator[RegisteredRecord]:
        """Yield every registered model and prompt; what their versions consist of is brought in with them."""
        return self._records(PARTS[4], RegisteredRecord)

    def files(self, owner: Owner) -> Iterator[tuple[str, BinaryIO]]:
        """Yield the files of a run, logged model or trace."""
        for file in self._files.get(owner.id, ()):
            with self.object(file) as stream:
                yield file.path, stream

    @contextmanager
    def object(self, file: FileRecord) -> Iterator[BinaryIO]:
        """Open the bytes of a file, after they were held against their digest.

        Raises:
            InvalidExport: they are others, or missing.
        """
        if not file.digest.isalnum() or self._digest(_place(file.digest)) != file.digest:
            raise InvalidExport(
                f"{self.path}: the content of {file.path!r} is damaged", hint="copy the export anew"
            )
        with self._open(_place(file.digest)) as stream:
            yield stream


def open_export(path: Path) -> ExportSource:
    """Return an export as a source, its parts held against their digests.

    Raises:
        NoSuchSource: there is nothing.
        InvalidExport: it is no export, of another version, or damaged.
    """
    try:
        return ExportSource(path)
    except zipfile.BadZipFile as error:
        raise InvalidExport(f"{path} is no zip file: {error}") from None
