"""Loading what code of others brings: Python functions, drivers of databases, dlt; each in a process of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import cast

from ropewalk.dataops.lake import Lake, LakeTransaction
from ropewalk.dataops.sources.books import Mark
from ropewalk.dataops.sources.dialects import ORDERED, WHOLE
from ropewalk.dataops.sources.driver_declarations import DriverSource
from ropewalk.dataops.sources.entries import WriteMode
from ropewalk.dataops.sources.landing import LandingRules, land, landing_rules
from ropewalk.dataops.sources.loads import Brought, Load, known_mark
from ropewalk.dataops.sources.program_declarations import ProgramSource
from ropewalk.dataops.sources.refreshing import observed_now, probe_age
from ropewalk.dataops.sources.rows_process import BroughtRows, Program, Running, bring_rows
from ropewalk.dataops.sources.spec import SourceSpec
from ropewalk.dataops.sources.write_modes import since_sql
from ropewalk.pipeline import Output, Probe, Task, Workspace


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
        since = self._since(load.lake, mark)
        # All rows are there before the lease is taken: a slow program holds up nobody else's writing.
        with bring_rows(running, self.program, since) as rows:
            task.report(0, rows.answer.rows, f"{rows.answer.rows:,} rows")
            return load.run(mark, lambda transaction: self._bring(transaction, rows, mark))

    def _since(self, lake: Lake, mark: Mark | None) -> str | None:
        """Return from where on the program is to bring rows, or None for all of them."""
        watermark = mark.watermark if mark else None
        if watermark is None or not isinstance(self.source, DriverSource):
            return watermark
        columns = lake.columns_at(self.spec.table, lake.snapshot())
        kind = next(c.type for c in columns if c.name.lower() == str(self.rules.cursor).lower())
        # A text has another order in most databases than here: then everything is read, and held against it here.
        if kind not in ORDERED and kind not in WHOLE:
            return None
        since = since_sql(watermark, kind, self.rules.overlap)
        with lake.cursor() as connection:
            row = connection.execute(f"SELECT CAST(CAST({since} AS {kind}) AS VARCHAR)").fetchone()
        return str(row[0]) if row else None

    def _rules(self, hints: Mapping[str, object] | None) -> LandingRules:
        """Return how the rows land: as declared, else as the program says, else as follows from the declaration."""
        if self.source.write is not None or hints is None:
            return self.rules
        key = self.rules.key or tuple(cast("list[str]", hints["key"]))
        return replace(self.rules, write=cast("WriteMode", hints["write"]), key=key)

    def _bring(self, transaction: LakeTransaction, rows: BroughtRows, mark: Mark | None) -> Brought:
        before = mark.watermark if mark else None
        rules = self._rules(rows.answer.hints)
        arriving = rows.relation(transaction.connection)
        # A state is no value of a cursor, so rows are not held against it.
        watermark = before if rules.cursor else None
        is_part = rows.answer.hints is not None and rules.write != "replace"
        is_complete = False if is_part else None
        landed = land(transaction, self.spec, rules, arriving, watermark, is_complete=is_complete)
        now = landed.watermark if rules.cursor else rows.answer.state or before
        return Brought(
            landed,
            now,
            observed_now(self.source.refresh),
            origins=(self.program.origin,),
            summary={"watermark": now} if rules.cursor else {},
        )
