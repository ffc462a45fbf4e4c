"""Loading a stream of a Singer tap: the tap runs in a process of its own, and its state is the watermark."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from ropewalk.dataops.lake import LakeTransaction
from ropewalk.dataops.sources.books import Mark
from ropewalk.dataops.sources.errors import InvalidSource, ProgramGarbled, ProgramMissing
from ropewalk.dataops.sources.landing import LandingRules, land, landing_rules
from ropewalk.dataops.sources.loads import Brought, Load, known_mark
from ropewalk.dataops.sources.records import record_file
from ropewalk.dataops.sources.refreshing import observed_now, probe_age
from ropewalk.dataops.sources.rows_process import Running
from ropewalk.dataops.sources.secrets import resolve_nested, secret_mask
from ropewalk.dataops.sources.singer_declarations import DISCOVER, SingerSource
from ropewalk.dataops.sources.singer_lines import TapOutput, read_tap, select_stream
from ropewalk.dataops.sources.spec import SourceSpec
from ropewalk.dataops.sources.typed_rows import typed_relation
from ropewalk.pipeline import Output, Probe, Task, Workspace

_HARNESS = "ropewalk.dataops.sources.command_harness"
_NOT_FOUND = 127
# What can only be told apart from a text by its form is read as one, so that a value that does not fit is seen.
_AS_THEY_COME = frozenset(["JSON", "VARCHAR"])


class SingerLoader:
    """Loads one stream of a source of the kind `singer`, at every run or as `refresh` says."""

    def __init__(self, spec: SourceSpec, source: SingerSource, last: Output | None = None) -> None:
        assert source.stream is not None  # every declaration was expanded to single streams
        self.spec = spec
        self.source = source
        self.stream = source.stream
        self.last = last

    def probe(self, workspace: Workspace) -> Probe:
        """Return that the stream is to be loaded, unless what was loaded last is young enough."""
        if known_mark(workspace, self.spec) is None:
            return Probe(facts={"pending": "yes"})
        return probe_age(self.source.refresh, self.last)

    def load(self, task: Task) -> Output:
        """Run the tap from its last state, and land its records with the new one.

        Raises:
            ProgramFailed, ProgramTimedOut, ProgramMissing: the tap came to no good end.
            ProgramGarbled: it printed what no tap may print. Table and state are then as they were, as after any error.
            StreamMissing: it has no such stream.
        """
        mark = known_mark(task.workspace, self.spec)
        load = Load(task, self.spec, self.source)
        with record_file(task.workspace.state) as records:
            folder = records.path.parent
            printed = self._run_tap(task, folder, mark)
            try:
                with printed.open("rb") as lines:
                    output = read_tap(lines, self.stream, records.path)
            except ProgramGarbled as error:
                # What it printed may be anything, a secret of its configuration too.
                error.detail = self._mask(error.detail)
                error.place = self.spec.place
                raise
            task.report(0, output.records, f"{output.records:,} records")
            return load.run(mark, lambda transaction: self._bring(transaction, records.path, output, mark))

    def _bring(
        self, transaction: LakeTransaction, rows: Path, output: TapOutput, mark: Mark | None
    ) -> Brought:
        rules = self._rules(output)
        as_text = {n: kind if kind in _AS_THEY_COME else "VARCHAR" for n, kind in output.columns.items()}
        is_complete = rules.write == "replace"
        landed = land(
            transaction, self.spec, rules, typed_relation(rows, as_text), None, is_complete=is_complete
        )
        # A tap that says nothing new has not come further.
        state = output.state or (mark.watermark if mark else None)
        told = {"others": output.others} if output.others else {}
        origin = f"singer:{self.source.command[0]}#{self.stream}"
        return Brought(landed, state, observed_now(self.source.refresh), (origin,), told)

    def _rules(self, output: TapOutput) -> LandingRules:
        """Return how the records land: by the tap's key, unless the declaration says otherwise."""
        if not output.columns:
            raise ProgramGarbled(
                f"the tap told no schema of the stream {self.stream!r}", place=self.spec.place
            )
        key = tuple(self.source.key) or output.key
        types = {name: kind for name, kind in output.columns.items() if kind not in _AS_THEY_COME}
        # From its state on a tap brings news only: they are added to what is there.
        write = self.source.write or ("merge" if key else "append")
        return replace(landing_rules(self.source), key=key, write=write, types={**types, **self.source.types})

    def _run_tap(self, task: Task, folder: Path, mark: Mark | None) -> Path:
        config, state, printed = folder / "config.json", folder / "state.json", folder / "printed"
        # The secrets are in a file that only the tap's user can read, and that goes with the load.
        config.touch(mode=0o600)
        config.write_text(json.dumps(resolve_nested(self.source.config)), encoding="utf-8")
        command = [*self.source.command, "--config", str(config)]
        if self.source.catalog is not None:
            command += ["--catalog", str(self._catalog(task, folder, command))]
        if mark is not None and mark.watermark is not None:
            state.write_text(mark.watermark, encoding="utf-8")
            command += ["--state", str(state)]
        self._run(task, printed, command)
        return printed

    def _catalog(self, task: Task, folder: Path, command: list[str]) -> Path:
        """Return a file with the tap's catalog in which only this stream is selected."""
        found = task.workspace.root / str(self.source.catalog)
        if self.source.catalog == DISCOVER:
            found = folder / "discovered"
            self._run(task, found, [*command, "--discover"])
        try:
            catalog = json.loads(found.read_bytes())
        except (OSError, ValueError) as error:
            raise InvalidSource(
                f"catalog: {self.source.catalog} is no JSON file: {error}", place=self.spec.place
            ) from error
        chosen = folder / "catalog.json"
        chosen.write_text(json.dumps(select_stream(catalog, self.stream)), encoding="utf-8")
        return chosen

    def _run(self, task: Task, printed: Path, command: list[str]) -> None:
        name = Path(command[0]).name
        task.report(0, None, f"running {name}")
        running = Running(task, self.spec, name, self.source.timeout_s)
        ended, tail = running.run(_HARNESS, (str(printed), *command))
        if ended.code == _NOT_FOUND and "no such program" in tail:
            raise ProgramMissing(
                f"{command[0]} is not installed", place=self.spec.place, hint="command: is the tap's program"
            )
        if ended.code < 0:
            raise running.failed(f"was killed by signal {-ended.code}", tail)
        if ended.code:
            raise running.failed(f"ended with exit code {ended.code}", tail)

    def _mask(self, text: str | None) -> str | None:
        return secret_mask(self.source.model_dump_json()).hide_text(text) if text else None
