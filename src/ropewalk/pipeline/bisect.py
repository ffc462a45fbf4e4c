"""Finding what made a metric worse, between a good run and a bad one: which commit, or which data.

Every trial is a replay: the code of one commit over the outputs that sources had at one time. What was executed
before under the same key is reused, so most trials execute little.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from ropewalk.pipeline.errors import NothingToBisect
from ropewalk.pipeline.execution import RunOptions, execute
from ropewalk.pipeline.graph import declare_graph
from ropewalk.pipeline.past import past_workspace
from ropewalk.pipeline.past_runs import find_past_run
from ropewalk.pipeline.records import to_record
from ropewalk.pipeline.results import Observer
from ropewalk.pipeline.values import NodeKind, Output
from ropewalk.pipeline.workspace import Workspace
from ropewalk.project import commits_between
from ropewalk.store.environments import pointers_at, version_after
from ropewalk.store.pipeline import get_action, node_actions
from ropewalk.store.run_history import PastRun

T = TypeVar("T")


@dataclass(frozen=True)
class Trial:
    """One replay: the commit, the reference of each source's output, and the metric (None: it could not be made)."""

    commit: str
    data: Mapping[str, str]
    value: float | None
    is_good: bool
    executed: int


@dataclass(frozen=True)
class Culprit:
    """What turned the metric from good to bad.

    Attributes:
        axis: `code`, `data`, `code with data` when it takes both, or `environment` when it is neither.
        what: the commit, or the source.
        description: the commit's subject, or from where to where the source's content went.
    """

    axis: str
    what: str
    description: str


@dataclass
class Bisection:
    """The whole search: its ends, its trials in order, and what it found."""

    metric: str
    good: float
    bad: float
    trials: list[Trial] = field(default_factory=list)
    culprit: Culprit | None = None


@dataclass(frozen=True)
class _End:
    """A run as one end of the search: its commit, and what each source had."""

    run: PastRun
    commit: str
    data: Mapping[str, Output]


class Bisector:
    """Replays for one metric between two runs."""

    def __init__(
        self, metric: str, kinds: Mapping[str, NodeKind], workspace: Workspace, observer: Observer
    ) -> None:
        self.metric = metric
        self.kinds = kinds
        self.workspace = workspace
        self.observer = observer

    def search(self, good: str, bad: str) -> Bisection:
        """Find what lies between the runs `good` and `bad` that turned the metric.

        Raises:
            RunNotFound, AmbiguousRun: there is no such run, or there are several.
            NothingToBisect: the metric is the same at both ends, or cannot be made at one.
        """
        if not all(self.metric.rpartition(".")):
            message = f"{self.metric!r} does not say which step's metric it is"
            raise NothingToBisect(message, hint="name a metric as STEP.METRIC, such as evaluate.auc")
        first, last = self._end(good), self._end(bad)
        found = Bisection(self.metric, self._value_of(first), self._value_of(last))
        if found.good == found.bad:
            raise NothingToBisect(
                f"{self.metric} is {found.good:g} in both runs", hint="there is nothing to find"
            )
        found.culprit = self._culprit(first, last, found)
        return found

    def _culprit(self, first: _End, last: _End, found: Bisection) -> Culprit:
        # One thing is changed at a time: the new code over the old data tells whether the code alone turns it.
        if not self._try(last.commit, first.data, found):
            return self._commit(first, last, first.data, "code", found)
        if not self._try(first.commit, last.data, found):
            return self._data(first, last, found)
        if not self._try(last.commit, last.data, found):
            return self._commit(first, last, last.data, "code with data", found)
        return Culprit(
            "environment",
            "packages or chance",
            "the code and the data of the bad run make the good metric here and now",
        )

    def _commit(
        self, first: _End, last: _End, data: Mapping[str, Output], axis: str, found: Bisection
    ) -> Culprit:
        commits = commits_between(self.workspace.root, first.commit, last.commit)
        commit, subject = first_bad(commits, lambda pair: self._try(pair[0], data, found))
        return Culprit(axis, commit, subject)

    def _data(self, first: _End, last: _End, found: Bisection) -> Culprit:
        changed = [i for i in last.data if i not in first.data or first.data[i].digest != last.data[i].digest]
        data = dict(first.data)
        # One source after the other takes its new content, until the metric turns.
        for source in changed:
            before, data[source] = data.get(source), last.data[source]
            if len(changed) == 1 or not self._try(first.commit, data, found):
                steps = self._history(source, before, last.data[source])
                versions = [{**data, source: output} for output in steps]
                turned = first_bad(versions, lambda version: self._try(first.commit, version, found))
                at = versions.index(turned)
                origin = steps[at - 1] if at else before
                old = origin.reference if origin else "nothing"
                return Culprit("data", source, f"{old} -> {steps[at].reference}")
        return Culprit("data", ", ".join(changed), "only all of them together turn the metric")

    def _history(self, source: str, before: Output | None, after: Output) -> list[Output]:
        """Return what the source had after `before`, up to and with `after`, oldest first."""
        outputs = [to_record(row).output for row in reversed(node_actions(self.workspace.database, source))]
        digests = [output.digest for output in outputs]
        start = digests.index(before.digest) + 1 if before and before.digest in digests else 0
        end = digests.index(after.digest, start) if after.digest in digests[start:] else len(digests)
        return [*outputs[start:end], after]

    def _try(self, commit: str, data: Mapping[str, Output], found: Bisection) -> bool:
        """Replay, note the trial, and return whether the metric is nearer to the good end."""
        references = {source: output.reference for source, output in data.items()}
        known = next((t for t in found.trials if (t.commit, t.data) == (commit, references)), None)
        if known is not None:
            return known.is_good
        value, executed = self._replay(commit, data)
        # What cannot be made at all is bad.
        is_good = value is not None and abs(value - found.good) < abs(value - found.bad)
        found.trials.append(Trial(commit, references, value, is_good, executed))
        return is_good

    def _replay(self, commit: str, data: Mapping[str, Output]) -> tuple[float | None, int]:
        step, _, metric = self.metric.rpartition(".")
        with past_workspace(self.workspace, commit, self.workspace.project.parameters) as past:
            graph = declare_graph(past.project, self.kinds)
            options = RunOptions(cause="bisect", pinned=data, moves_pointers=False)
            node = graph.find(step)
            result = execute(graph, self.kinds, past, self.observer, [node.id], options)
            output = next((r.output for r in result.nodes if r.id == node.id), None)
            executed = sum(r.state.value == "executed" for r in result.nodes)
        return _metric(output, metric), executed

    def _value_of(self, end: _End) -> float:
        value, _ = self._replay(end.commit, end.data)
        if value is None:
            raise NothingToBisect(
                f"the code and data of run {end.run.id[:8]} do not make {self.metric}",
                hint="name a metric as STEP.METRIC, such as evaluate.auc",
            )
        return value

    def _end(self, text: str) -> _End:
        run = find_past_run(self.workspace.database, text)
        if run.git_commit is None:
            raise NothingToBisect(
                f"run {run.id[:8]} was made from files that were in no commit",
                hint="commit, and run from the commit: what lies between two commits can be searched",
            )
        # What has no inputs and cannot be done again is what the outside gave: the data.
        sources = [kind.name for kind in self.kinds.values() if not kind.replays]
        database, moment = self.workspace.database, run.finished_at or run.started_at
        # A run names only what it executed; what was fresh in it is what its environment pointed at.
        version = version_after(database, run.environment, f"run:{run.id}", moment)
        rows = [get_action(database, key) for key in pointers_at(database, run.environment, version).values()]
        data = {
            row.node: to_record(row).output
            for row in rows
            if row and row.node.partition(":")[0] in sources and not row.inputs
        }
        return _End(run, run.git_commit, data)


def first_bad(candidates: Sequence[T], is_good: Callable[[T], bool]) -> T:
    """Return the first candidate that is not good, of a sequence that turns once and whose last one is bad.

    Raises:
        NothingToBisect: there are no candidates.
    """
    if not candidates:
        raise NothingToBisect("nothing lies between the two runs", hint="give runs further apart")
    low, high = 0, len(candidates) - 1
    while low < high:
        middle = (low + high) // 2
        if is_good(candidates[middle]):
            low = middle + 1
        else:
            high = middle
    return candidates[low]


def _metric(output: Output | None, name: str) -> float | None:
    metrics = output.summary.get("metrics") if output else None
    value = metrics.get(name) if isinstance(metrics, Mapping) else None
    return float(value) if isinstance(value, int | float) else None
