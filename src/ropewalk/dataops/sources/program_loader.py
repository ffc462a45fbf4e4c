"""Loading what code of others brings: Python functions, drivers of databases, dlt; each in a process of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ropewalk.dataops.lake import LakeTransaction
from ropewalk.dataops.sources.books import Mark
from ropewalk.dataops.sources.landing import land, landing_rules
from ropewalk.dataops.sources.loads import Brought, Load, known_mark
from ropewalk.dataops.sources.program_declarations import ProgramSource
from ropewalk.dataops.sources.refreshing import observed_now, probe_age
from ropewalk.dataops.sources.rows_process import BroughtRows, Running, bring_rows
from ropewalk.dataops.sources.spec import SourceSpec
from ropewalk.pipeline import Output, Probe, Task, Workspace


@dataclass(frozen=True)
class Program:
    """What brings the rows of one source.

    Attributes:
        reader: the module that runs in the process.
        what: what runs, in messages.
        options: what the reader has to know, without secrets.
        origin: id of the outside thing, for lineage.
        secrets: values that must not be shown, besides those that are named as secrets.
    """

    reader: str
    what: str
    options: Mapping[str, object]
    origin: str
    secrets: tuple[str, ...] = ()


class ProgramLoader:
    """Loads a source whose rows a program brings; it is loaded at every run, or as `refresh` says.

    Nobody can tell without running it whether it has news. Rows that are equal to those that are there make no
    snapshot, and stop the work downstream.
    """

    def __init__(
        self, spec: SourceSpec, source: ProgramSource, program: Program, last: Output | None = None
    ) -> None:
        self.spec = spec
        self.source = source
        self.program = program
        self.last = last
        self.rules = landing_rules(source)

    def probe(self, workspace: Workspace) -> Probe:
        """Return that the source is to be loaded, unless what was loaded last is young enough."""
        if known_mark(workspace, self.spec) is None:
            return Probe(facts={"pending": "yes"})
        return probe_age(self.source.refresh, self.last)

    def load(self, task: Task) -> Output:
        """Have the program bring rows, and land them with the watermark.

        Raises:
            ProgramFailed, ProgramTimedOut: it came to no good end; then table and watermark are as they were.
            RopewalkError: a row cannot be landed.
        """
        mark = known_mark(task.workspace, self.spec)
        load = Load(task, self.spec, self.source)
        running = Running(task, self.spec, self.program.what, self.source.timeout_s, self.program.secrets)
        task.report(0, None, f"running {self.program.what}")
        since = mark.watermark if mark else None
        # All rows are there before the lease is taken: a slow program holds up nobody else's writing.
        with bring_rows(running, self.program.reader, self.program.options, since) as rows:
            task.report(0, rows.answer.rows, f"{rows.answer.rows:,} rows")
            return load.run(mark, lambda transaction: self._bring(transaction, rows, mark))

    def _bring(self, transaction: LakeTransaction, rows: BroughtRows, mark: Mark | None) -> Brought:
        before = mark.watermark if mark else None
        arriving = rows.relation(transaction.connection)
        # A state is no value of a cursor, so rows are not held against it.
        watermark = before if self.rules.cursor else None
        landed = land(transaction, self.spec, self.rules, arriving, watermark)
        now = landed.watermark if self.rules.cursor else rows.answer.state or before
        return Brought(
            landed,
            now,
            observed_now(self.source.refresh),
            origins=(self.program.origin,),
            summary={"watermark": now} if self.rules.cursor else {},
        )
