"""Having rows brought by a process of its own: code of others never runs in the engine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from ropewalk.dataops.lake import ExtensionMissing, literal
from ropewalk.dataops.sources.columns import Relation, describe
from ropewalk.dataops.sources.errors import (
    FunctionMissing,
    ProgramFailed,
    ProgramMissing,
    ProgramTimedOut,
)
from ropewalk.dataops.sources.records import RecordFile, record_file
from ropewalk.dataops.sources.rows_job import RECORDS, TABLES, RowsAnswer, RowsJob, read_answer, write_job
from ropewalk.dataops.sources.secrets import secret_mask
from ropewalk.dataops.sources.spec import SourceSpec
from ropewalk.errors import Place, RopewalkError
from ropewalk.pipeline import Task
from ropewalk.processes import Command, Ended, ProcessLog, Watch, run_process

_HARNESS = "ropewalk.dataops.sources.rows_harness"
# The extra of our package that brings what a driver is made of.
EXTRAS = {
    "pyarrow": "arrow",
    "adbc_driver_manager": "adbc",
    "sqlalchemy": "sqlalchemy",
    "dlt": "dlt",
}


@dataclass(frozen=True)
class Running:
    """A process that is to run for a source.

    Attributes:
        task: what the engine wants executed.
        spec: the source.
        what: what runs, in messages: `function sources/orders.py:orders`, `tap-shop`.
        timeout_s: how long it may run.
        secrets: values that must not be shown, besides those that their names tell.
    """

    task: Task
    spec: SourceSpec
    what: str
    timeout_s: float
    secrets: tuple[str, ...] = ()

    def run(
        self, module: str, arguments: tuple[str, ...], environment: Mapping[str, str] | None = None
    ) -> tuple[Ended, str]:
        """Run `module` with `arguments` to its end; return how it ended, and the last lines that it printed.

        Raises:
            ProgramTimedOut: it ran too long.
            ProgramFailed: the run is to end, or the system would not start it.
        """
        workspace = self.task.workspace
        path = workspace.state / "logs" / self.task.run_id / f"source-{self.spec.name}.log"
        mask = secret_mask(self.spec.source.model_dump_json(), self.secrets)
        watch = Watch(self.timeout_s, workspace.stopping, tell=lambda line: self.task.report(0, None, line))
        command = Command(module, arguments, dict(environment or {}), workspace.root)
        try:
            with ProcessLog(path, workspace.settings.step_log_limit * 1_000_000, mask) as log:
                ended = run_process(command, log, watch)
                tail = log.tail()
        except OSError as error:
            raise self.failed(f"could not be started: {error.strerror}") from error
        self.task.add_cpu(ended.cpu_s)
        if ended.timed_out:
            raise ProgramTimedOut(
                f"{self.what} ran longer than {self.timeout_s:g} seconds and was ended",
                place=self.spec.place,
                hint="timeout: 2h gives it more time",
                detail=tail or None,
            )
        if ended.was_stopped:
            raise self.failed("was ended with the run")
        return ended, tail

    def failed(self, why: str, detail: str | None = None, place: Place | None = None) -> ProgramFailed:
        """Return the error that says that it failed."""
        return ProgramFailed(f"{self.what} {why}", place=place or self.spec.place, detail=detail or None)


@dataclass(frozen=True)
class Program:
    """What brings the rows of one source.

    Attributes:
        reader: the module that runs in the process.
        what: what runs, in messages.
        options: what the reader has to know, without secrets.
        origin: id of the outside thing, for lineage.
        secrets: values that must not be shown, besides those that are named as secrets.
        environment: variables that the process gets.
    """

    reader: str
    what: str
    options: Mapping[str, object]
    origin: str
    secrets: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class BroughtRows:
    """What a process brought: files with rows, and how far the source is loaded now, if it said so."""

    folder: Path
    answer: RowsAnswer

    def relation(self, connection: duckdb.DuckDBPyConnection) -> Relation:
        """Return the rows as a SELECT; without columns when there are none."""
        records, tables = self.folder / RECORDS, sorted(self.folder.glob(TABLES))
        if records.exists():
            with records.open("ab") as stream:
                return RecordFile(records, stream).relation(connection)
        if tables:
            files = ", ".join(literal(str(path)) for path in tables)
            return describe(connection, f"SELECT * FROM read_parquet([{files}], union_by_name = true)")
        return Relation("", ())


@contextmanager
def bring_rows(running: Running, program: Program, since: str | None) -> Iterator[BroughtRows]:
    """Have `program` bring rows in a process of its own; yield them for the length of the block.

    Raises:
        ProgramFailed, ProgramTimedOut: the process came to no good end.
        FunctionMissing: what the declaration names is not there.
        ExtensionMissing: a package that the reader needs is not installed.
    """
    task = running.task
    with record_file(task.workspace.state) as records:
        folder = records.path.parent
        # Made by whoever has rows: an empty file would say that there are dicts.
        records.path.unlink()
        job, answer = folder / "job.json", folder / "answer.json"
        write_job(
            RowsJob(program.reader, str(task.workspace.root), str(folder), dict(program.options), since), job
        )
        ended, tail = running.run(_HARNESS, (str(job), str(answer)), program.environment)
        told = read_answer(answer)
        if told is None:
            raise running.failed(_end(ended), tail)
        if told.error:
            raise _error(running, told, tail)
        yield BroughtRows(folder, told)


def _error(running: Running, told: RowsAnswer, tail: str) -> RopewalkError:
    mask = secret_mask(running.spec.source.model_dump_json(), running.secrets)
    said = mask.hide_text(told.error or "")
    extra = EXTRAS.get((told.missing or "").partition(".")[0])
    if extra is not None:
        return ExtensionMissing(
            f"{running.what} needs a package that is not installed: {told.missing}",
            place=running.spec.place,
            hint=f"pip install 'ropewalk[{extra}]'",
        )
    if told.missing:
        return ProgramMissing(
            f"{running.what} needs a package that is not installed: {told.missing}",
            place=running.spec.place,
            hint="install it into the environment that Ropewalk runs in",
        )
    if told.not_found:
        return FunctionMissing(said, place=running.spec.place)
    place = Place(told.place[0], told.place[1]) if told.place else None
    return running.failed(f"failed: {said}", tail, place)


def _end(ended: Ended) -> str:
    if ended.code < 0:
        return f"was killed by signal {-ended.code}"
    return f"ended with exit code {ended.code} and no answer"
