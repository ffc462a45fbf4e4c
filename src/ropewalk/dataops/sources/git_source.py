"""Loading the history of a Git repository: what is new since the commit loaded last, or all when history was rewritten."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from ropewalk.dataops.lake import LakeTransaction
from ropewalk.dataops.sources import git_rows
from ropewalk.dataops.sources.books import Mark
from ropewalk.dataops.sources.errors import SourceMoved, SourceUnreachable
from ropewalk.dataops.sources.git_declarations import GitSource, GitTable
from ropewalk.dataops.sources.git_names import ask_names, forget_names
from ropewalk.dataops.sources.git_program import VARIABLES, GitRepository
from ropewalk.dataops.sources.git_remote import RemoteRepository, find_remote
from ropewalk.dataops.sources.git_rows import TIME
from ropewalk.dataops.sources.landing import Landed, land, landing_rules, start_anew
from ropewalk.dataops.sources.loads import Brought, Load, known_mark
from ropewalk.dataops.sources.records import record_file
from ropewalk.dataops.sources.rows_process import Running
from ropewalk.dataops.sources.spec import SourceSpec
from ropewalk.dataops.sources.typed_rows import typed_relation
from ropewalk.errors import RopewalkError
from ropewalk.pipeline import Output, Probe, Task, Workspace

_HARNESS = "ropewalk.dataops.sources.command_harness"
# The part of the state that names the commit at the tip.
_TIP = "commit"


@dataclass(frozen=True)
class _Reading:
    """How one table of a history is read: what git is asked, what its answer means, and what of the state matters."""

    command: tuple[str, ...]
    read: git_rows.Reader
    columns: Mapping[str, str]
    depends_on: tuple[str, ...]
    is_incremental: bool = False

    @property
    def types(self) -> dict[str, str]:
        """The types of the columns that come as text: a time may be one that no calendar has."""
        return {name: kind for name, kind in self.columns.items() if kind == TIME}


_HISTORY = ("commit", "mailmap", "shallow")
_READINGS: Mapping[GitTable, _Reading] = {
    "commits": _Reading(
        git_rows.commits_command(),
        git_rows.read_commits,
        git_rows.COMMIT_COLUMNS,
        _HISTORY,
        is_incremental=True,
    ),
    "files": _Reading(
        git_rows.files_command(),
        git_rows.read_files,
        git_rows.FILE_COLUMNS,
        ("commit", "shallow"),
        is_incremental=True,
    ),
    "authors": _Reading(git_rows.commits_command(), git_rows.read_authors, git_rows.AUTHOR_COLUMNS, _HISTORY),
    "tags": _Reading(git_rows.tags_command(), git_rows.read_tags, git_rows.TAG_COLUMNS, ("tags",)),
}


class GitLoader:
    """Loads one table of a source of the kind `git`."""

    def __init__(self, spec: SourceSpec, source: GitSource) -> None:
        assert source.table is not None  # every declaration was expanded to single tables
        self.spec = spec
        self.source = source
        self.table: GitTable = source.table
        self.reading = _READINGS[source.table]

    def probe(self, workspace: Workspace) -> Probe:
        """Return what of the repository's state the table depends on.

        Raises:
            SourceTableMissing: there is no repository.
            InvalidSource: it does not have the ref.
            ProgramMissing: git is not installed.
        """
        remote = self._remote()
        if remote is None:
            return Probe(facts=self._state(self._local(workspace)))
        try:
            return Probe(facts=self._observed(remote, ask_names(workspace, remote)))
        # Only silence can be kept quiet: a refusal or a wrong address is for a person to mend.
        except SourceUnreachable as error:
            return Probe(unreachable=error.message, keep=self.source.on_unreachable == "keep")

    def load(self, task: Task) -> Output:
        """Load the commits that are new, or everything when what was loaded is no part of the history any more.

        Raises:
            ProgramFailed, ProgramTimedOut: git came to no good end; the table is as it was, as after any error.
        """
        mark = known_mark(task.workspace, self.spec)
        load = Load(task, self.spec, self.source)
        with record_file(task.workspace.state) as records:
            rows = records.path
            with self._repository(task) as (repository, observed):
                state = self._state(repository)
                since = self._since(repository, mark, state)
                self._read(task, repository, rows, self._revisions(state, since), state)
                if self._state(repository) != state:
                    raise SourceMoved(f"{repository.shown} changed while it was read", place=self.spec.place)
            told = (state, observed or state)
            return load.run(
                mark, lambda transaction: self._bring(transaction, rows, told, is_anew=since is None)
            )

    @contextmanager
    def _repository(self, task: Task) -> Iterator[tuple[GitRepository, dict[str, str]]]:
        """Yield the repository, and what was seen of it elsewhere."""
        remote = self._remote()
        if remote is None:
            yield self._local(task.workspace), {}
            return
        refs = ask_names(task.workspace, remote)
        observed = self._observed(remote, refs)
        running = Running(task, self.spec, "git", self.source.timeout_s, remote.hidden)
        task.report(0, None, f"fetching {remote.url}")
        try:
            with remote.fetched(task.workspace.state, running, refs) as copy:
                yield copy, observed
        except RopewalkError:
            # Who moved the names since they were shown is the likeliest reason: the next table looks anew.
            forget_names(task.workspace, remote)
            raise

    def _read(
        self,
        task: Task,
        repository: GitRepository,
        rows: Path,
        revisions: tuple[str, ...],
        state: Mapping[str, str],
    ) -> None:
        printed = rows.with_name("printed")
        if self.table == "tags" or state[_TIP]:
            self._print(task, repository, printed, revisions)
            with printed.open("rb") as stream:
                git_rows.write_rows(self.reading.read(stream), rows)

    def _bring(
        self,
        transaction: LakeTransaction,
        rows: Path,
        told: tuple[Mapping[str, str], Mapping[str, str]],
        *,
        is_anew: bool,
    ) -> Brought:
        state, observed = told
        is_added = self.reading.is_incremental
        write: Literal["append", "replace"] = "append" if is_added else "replace"
        rules = replace(
            landing_rules(self.source), write=write, types={**self.reading.types, **self.source.types}
        )
        if is_added and is_anew:
            start_anew(transaction, self.spec, rules)
        as_text = {name: "VARCHAR" if kind == TIME else kind for name, kind in self.reading.columns.items()}
        landed: Landed = land(
            transaction, self.spec, rules, typed_relation(rows, as_text), None, is_complete=is_anew
        )
        remote = self._remote()
        origin = f"git:{remote.url if remote else self.source.path}#{self.source.ref}"
        return Brought(landed, json.dumps(state, sort_keys=True), observed, (origin,))

    def _since(self, repository: GitRepository, mark: Mark | None, state: Mapping[str, str]) -> str | None:
        """Return the commit up to which everything is loaded, or None when all is to be loaded."""
        if mark is None or mark.watermark is None or not self.reading.is_incremental:
            return None
        loaded = json.loads(mark.watermark)
        others = [name for name in self.reading.depends_on if name != _TIP]
        # Another mailmap names old authors anew, and a deepened clone has old commits that are new here.
        if any(loaded.get(name) != state[name] for name in others) or not loaded.get(_TIP):
            return None
        commit = str(loaded[_TIP])
        return commit if repository.is_ancestor(commit, state[_TIP]) else None

    def _revisions(self, state: Mapping[str, str], since: str | None) -> tuple[str, ...]:
        if self.table == "tags":
            return ()
        return (state[_TIP], *([f"^{since}"] if since else []), "--")

    def _print(self, task: Task, repository: GitRepository, path: Path, revisions: tuple[str, ...]) -> None:
        task.report(0, None, f"reading the {self.table} of {repository.shown}")
        running = Running(task, self.spec, "git", self.source.timeout_s)
        command = repository.command(*self.reading.command, *revisions)
        ended, tail = running.run(_HARNESS, (str(path), *command), VARIABLES)
        if ended.code:
            raise running.failed(f"ended with exit code {ended.code}", tail)

    def _remote(self) -> RemoteRepository | None:
        return find_remote(self.source, self.spec.place) if self.source.url else None

    def _observed(self, remote: RemoteRepository, refs: Mapping[str, str]) -> dict[str, str]:
        seen = remote.facts(self.source.ref, refs)
        return {name: seen[name] for name in self.reading.depends_on}

    def _local(self, workspace: Workspace) -> GitRepository:
        path = (workspace.root / self.source.path).resolve()
        return GitRepository.find(path, self.source.path, self.spec.place)

    def _state(self, repository: GitRepository) -> dict[str, str]:
        state = repository.state(self.source.ref)
        return {name: state[name] for name in self.reading.depends_on}
