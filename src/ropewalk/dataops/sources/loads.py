"""One load of any source: rows and watermark in one transaction, and nothing written when nothing is new."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ropewalk.dataops.lake import Lake, LakeTransaction, open_lake
from ropewalk.dataops.sources.books import Mark, current_mark, write_mark
from ropewalk.dataops.sources.entries import LandedSource
from ropewalk.dataops.sources.errors import SourceMoved
from ropewalk.dataops.sources.facts import reading_digest
from ropewalk.dataops.sources.landing import Landed, landing_rules, start_anew
from ropewalk.dataops.sources.spec import SourceSpec
from ropewalk.pipeline import Output, Task, Workspace


@dataclass(frozen=True)
class Brought:
    """What one load did and used.

    Attributes:
        landed: what became of the rows.
        watermark: how far the source is loaded from now on.
        observed: the outside facts that the load really used.
        origins: what the rows were made from, for lineage.
        summary: what a person wants to know besides the counts.
    """

    landed: Landed
    watermark: str | None
    observed: Mapping[str, str]
    origins: tuple[str, ...]
    summary: Mapping[str, int | str | None] = field(default_factory=dict)


def known_mark(workspace: Workspace, spec: SourceSpec) -> Mark | None:
    """Return how far the source is loaded, without making a lake; None when all is to be loaded."""
    lake = open_lake(workspace)
    return current_mark(lake, spec) if lake.exists else None


class Load:
    """The writing half of a load: what is done with rows once they can be read."""

    def __init__(self, task: Task, spec: SourceSpec, source: LandedSource) -> None:
        self.task = task
        self.spec = spec
        self.rules = landing_rules(source)
        self.lake: Lake = open_lake(task.workspace)

    def run(self, mark: Mark | None, bring: Callable[[LakeTransaction], Brought]) -> Output:
        """Write what `bring` lands within the transaction that it is given.

        `mark` is how far the source was loaded when reading began.

        Raises:
            SourceMoved: another process loaded the source meanwhile.
            RopewalkError: the rows cannot be landed; then table and watermark are as they were.
        """
        with self.lake.transaction(f"load {self.spec.name}") as transaction:
            # Two loads that started from one watermark would add the same rows twice.
            if current_mark(transaction, self.spec) != mark:
                raise SourceMoved(
                    f"source {self.spec.name!r} was loaded by another process meanwhile",
                    place=self.spec.place,
                    hint="run again",
                )
            if mark is None:
                start_anew(transaction, self.spec, self.rules)
            brought = bring(transaction)
            head = self._write_books(transaction, mark, brought)
        table = brought.landed.table
        self.task.report(1, 1, f"{table.rows:,} rows")
        return Output(
            digest=table.digest,
            reference=f"snapshot:{transaction.snapshot if head is None else head}",
            summary={**brought.landed.summary, **brought.summary},
            observed=brought.observed,
            origins=brought.origins,
        )

    def _write_books(self, transaction: LakeTransaction, mark: Mark | None, brought: Brought) -> int | None:
        """Write down what was loaded; return the snapshot that has all of it already, if there is one."""
        now = Mark(reading_digest(self.spec.source), brought.watermark)
        if now != mark:
            write_mark(transaction, self.spec.name, now)
        table, build = brought.landed.table, self.lake.build(self.spec.node_id)
        is_known = build is not None and build.key == self.task.key and build.digest == table
        if now == mark and not brought.landed.is_news and is_known:
            # Nobody else can have committed since, as the lease is held.
            return self.lake.snapshot()
        transaction.record_build(self.spec.node_id, self.task.key, table)
        return None
