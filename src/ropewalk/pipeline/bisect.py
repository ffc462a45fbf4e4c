"""Finding what made a metric worse, between a good run and a bad one: a commit, data, a package, or a parameter.

Every trial is a replay: the code of one commit over the outputs that sources had at one time, on the packages of one
time, with the parameters of one run. What was executed before under the same key is reused, so most trials execute little.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from ropewalk.errors import InvalidInput, NotFound, nearest
from ropewalk.pipeline.errors import NothingToBisect
from ropewalk.pipeline.execution import RunOptions, execute
from ropewalk.pipeline.graph import declare_graph
from ropewalk.pipeline.past import past_workspace
from ropewalk.pipeline.past_runs import find_past_run
from ropewalk.pipeline.records import to_record
from ropewalk.pipeline.results import Observer, RunResult
from ropewalk.pipeline.values import NodeKind, Output
from ropewalk.pipeline.workspace import Workspace
from ropewalk.project import commits_between
from ropewalk.store.environments import pointers_at, version_after
from ropewalk.store.pipeline import get_action, node_actions
from ropewalk.store.run_history import PastRun

T = TypeVar("T")
# What is not the same in the two runs, by name, as it was in each.
Changes = Mapping[str, tuple[str | None, str | None]]
# The codes of what keeps packages from being installed, which a room above raises.
UNBUILT = ("RW448", "RW449")


@dataclass(frozen=True)
class Trial:
    """One replay: the commit, the reference of each source's output, and the metric (None: it could not be made).

    `packages` has the versions of the packages that are not the same in the two runs, `parameters` the values of
    the parameters that are not.
    """

    commit: str
    data: Mapping[str, str]
    packages: Mapping[str, str]
    parameters: Mapping[str, str]
    value: float | None
    is_good: bool
    executed: int


@dataclass(frozen=True)
class Culprit:
    """What turned the metric from good to bad.

    Attributes:
        axis: `code`, `data`, `environment`, `parameters`, `code with data` when it takes both, `environment with code
            and data` or `parameters with all else` when it takes more, or `chance` when none of it turns the metric.
        what: the commit, the source, the package, or the parameter.
        description: the commit's subject, or from where to where content, version or value went.
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
    changed_packages: Changes = field(default_factory=dict)
    changed_parameters: Changes = field(default_factory=dict)
    trials: list[Trial] = field(default_factory=list)
    culprit: Culprit | None = None


@dataclass(frozen=True)
class _End:
    """A run as one end of the search: its commit, what each source had, what its steps ran on, and the metric it made."""

    run: PastRun
    commit: str
    data: Mapping[str, Output]
    packages: Mapping[str, str]
    value: float | None

    @property
    def mix(self) -> _Mix:
        """What a replay of the whole run is made of."""
        return _Mix(self.commit, self.data, self.packages, self.run.parameters)


@dataclass(frozen=True)
class _Mix:
    """What a replay is made of."""

    commit: str
    data: Mapping[str, Output]
    packages: Mapping[str, str]
    parameters: Mapping[str, str]


class Bisector:
    """Replays for one metric between two runs."""

    def __init__(
        self, metric: str, kinds: Mapping[str, NodeKind], workspace: Workspace, observer: Observer
    ) -> None:
        self.metric = metric
        self._step, _, self._name = metric.rpartition(".")
        # A step may be named by its id too.
        self._ids = (self._step, f"step:{self._step}")
        self.kinds = kinds
        self.workspace = workspace
        self.observer = observer

    def search(self, good: str, bad: str) -> Bisection:
        """Find what lies between the runs `good` and `bad` that turned the metric.

        Raises:
            RunNotFound, AmbiguousRun: there is no such run, or there are several.
            NothingToBisect: the metric is the same at both ends, or cannot be made at one, or one made it from files
                that are in no commit.
        """
        if not (self._step and self._name):
            message = f"{self.metric!r} does not say which step's metric it is"
            raise NothingToBisect(message, hint="name a metric as STEP.METRIC, such as evaluate.auc")
        first, last = self._end(good), self._end(bad)
        found = Bisection(
            self.metric,
            self._value_of(first),
            self._value_of(last),
            _differing(first.packages, last.packages),
            _differing(first.run.parameters, last.run.parameters),
        )
        if found.good == found.bad:
            raise NothingToBisect(
                f"{self.metric} is {found.good:.10g} in both runs", hint="there is nothing to find"
            )
        found.culprit = self._culprit(first, last, found)
        return found

    def _culprit(self, first: _End, last: _End, found: Bisection) -> Culprit:
        start = first.mix
        # One thing is changed at a time: the new code over all that was old tells whether the code alone turns it.
        if not self._try(replace(start, commit=last.commit), found):
            return self._commit(first, last, start, "code", found)
        if not self._try(replace(start, data=last.data), found):
            return self._data(start, last, found)
        if found.changed_packages and not self._try(replace(start, packages=last.packages), found):
            return self._packages(start, last, "environment", found)
        if found.changed_parameters and not self._try(replace(start, parameters=last.mix.parameters), found):
            return self._parameters(start, last, "parameters", found)
        return self._combination(first, last, found)

    def _combination(self, first: _End, last: _End, found: Bisection) -> Culprit:
        """Return what turns the metric only together with something else, or that nothing does."""
        both = replace(first.mix, commit=last.commit, data=last.data)
        if not self._try(both, found):
            return self._commit(first, last, replace(first.mix, data=last.data), "code with data", found)
        newest = replace(both, packages=last.packages)
        if found.changed_packages and not self._try(newest, found):
            return self._packages(both, last, "environment with code and data", found)
        if found.changed_parameters and not self._try(last.mix, found):
            return self._parameters(newest, last, "parameters with all else", found)
        return Culprit("chance", "nothing", "what the bad run was made of makes the good metric now")

    def _commit(self, first: _End, last: _End, start: _Mix, axis: str, found: Bisection) -> Culprit:
        commits = commits_between(self.workspace.root, first.commit, last.commit)

        def tried(place: int) -> Trial:
            return self._trial(replace(start, commit=commits[place][0]), found)

        def made(place: int) -> int:
            # A commit that makes no metric says nothing of it: the next one that does speaks for it.
            later = (at for at in range(place, len(commits)) if tried(at).value is not None)
            return next(later, place)

        place = first_bad(range(len(commits)), lambda place: tried(made(place)).is_good)
        commit, subject = commits[made(place)]
        silent = made(place) - place
        others = (
            f"one of the {silent} before it, which make" if silent > 1 else "the one before it, which makes"
        )
        before = f"  (or {others} no {self.metric})" if silent else ""
        return Culprit(axis, commit, subject + before)

    def _data(self, start: _Mix, last: _End, found: Bisection) -> Culprit:
        old, new = start.data, last.data
        changed = [i for i in new if i not in old or old[i].digest != new[i].digest]
        data = dict(old)
        # One source after the other takes its new content, until the metric turns.
        for source in changed:
            before, data[source] = data.get(source), new[source]
            if len(changed) == 1 or not self._try(replace(start, data=dict(data)), found):
                steps = self._history(source, before, new[source])
                versions = [{**data, source: output} for output in steps]
                turned = first_bad(versions, lambda version: self._try(replace(start, data=version), found))
                at = versions.index(turned)
                origin = steps[at - 1] if at else before
                told = origin.reference if origin else "nothing"
                return Culprit("data", source, f"{told} -> {steps[at].reference}")
        return Culprit("data", ", ".join(changed), "only all of them together turn the metric")

    def _packages(self, start: _Mix, last: _End, axis: str, found: Bisection) -> Culprit:
        """Return the package whose new version turns the metric, the ones before it in order being new already."""
        changed = [name for name in found.changed_packages if name in last.packages]
        ahead = [changed[: count + 1] for count in range(len(changed))]

        def is_good(names: list[str]) -> bool:
            new = {name: last.packages[name] for name in names}
            return self._try(replace(start, packages={**start.packages, **new}), found)

        name = first_bad(ahead, is_good)[-1]
        old, new = found.changed_packages[name]
        return Culprit(axis, name, f"{old or 'nothing'} -> {new}")

    def _parameters(self, start: _Mix, last: _End, axis: str, found: Bisection) -> Culprit:
        """Return the parameter whose value of the bad run turns the metric, the ones before it in order having theirs."""
        changed, bad = list(found.changed_parameters), last.run.parameters

        def is_good(names: list[str]) -> bool:
            old = {name: value for name, value in start.parameters.items() if name not in names}
            new = {name: bad[name] for name in names if name in bad}
            return self._try(replace(start, parameters={**old, **new}), found)

        name = first_bad([changed[: count + 1] for count in range(len(changed))], is_good)[-1]
        before, after = (value or "its default" for value in found.changed_parameters[name])
        return Culprit(axis, name, f"{before} -> {after}")

    def _history(self, source: str, before: Output | None, after: Output) -> list[Output]:
        """Return what the source had after `before`, up to and with `after`, oldest first."""
        outputs = [to_record(row).output for row in reversed(node_actions(self.workspace.database, source))]
        digests = [output.digest for output in outputs]
        start = digests.index(before.digest) + 1 if before and before.digest in digests else 0
        end = digests.index(after.digest, start) if after.digest in digests[start:] else len(digests)
        return [*outputs[start:end], after]

    def _try(self, mix: _Mix, found: Bisection) -> bool:
        """Replay, note the trial, and return whether the metric is nearer to the good end."""
        return self._trial(mix, found).is_good

    def _trial(self, mix: _Mix, found: Bisection) -> Trial:
        references = {source: output.reference for source, output in mix.data.items()}
        packages = {name: mix.packages[name] for name in found.changed_packages if name in mix.packages}
        parameters = {
            name: mix.parameters[name] for name in found.changed_parameters if name in mix.parameters
        }
        tried = (mix.commit, references, packages, parameters)
        known = next((t for t in found.trials if (t.commit, t.data, t.packages, t.parameters) == tried), None)
        if known is not None:
            return known
        try:
            output, executed = self._replay(mix)
        # A commit between the two need not fit together, and may have no such parameter yet.
        except (InvalidInput, NotFound):
            output, executed = None, 0
        value = _metric(output, self._name)
        # What cannot be made at all is bad.
        is_good = value is not None and abs(value - found.good) < abs(value - found.bad)
        found.trials.append(Trial(*tried, value, is_good, executed))
        return found.trials[-1]

    def _replay(self, mix: _Mix) -> tuple[Output | None, int]:
        """Return what the step made, and how many nodes had to be executed for it."""
        with past_workspace(self.workspace, mix.commit, mix.parameters) as past:
            past.is_search = True
            declared = declare_graph(past.project, self.kinds)
            nodes = {
                i: self.kinds[node.kind].with_packages(node, mix.packages)
                for i, node in declared.nodes.items()
            }
            graph = replace(declared, nodes=nodes)
            options = RunOptions(cause="bisect", pinned=mix.data, moves_pointers=False)
            node = graph.find(self._step)
            result = execute(graph, self.kinds, past, self.observer, [node.id], options)
            _raise_unbuilt(result)
            output = next((r.output for r in result.nodes if r.id == node.id), None)
            executed = sum(r.state.value == "executed" for r in result.nodes)
        return output, executed

    def _value_of(self, end: _End) -> float:
        output, _ = self._replay(end.mix)
        value = _metric(output, self._name)
        if value is None:
            close = nearest(self._name, _metrics(output))
            raise NothingToBisect(
                f"the code and data of run {end.run.id[:8]} do not make {self.metric}",
                nearest=f"{self._step}.{close}" if close else None,
                hint="name a metric as STEP.METRIC, such as evaluate.auc",
            )
        if end.run.is_dirty and end.value not in (None, value):
            raise NothingToBisect(
                f"run {end.run.id[:8]} made {self.metric} {end.value:.10g} from files that were in no commit;"
                f" those of its commit make it {value:.10g}",
                hint="commit, and run from the commit: what lies between two commits can be searched",
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
        packages = {
            name: version
            for row in rows
            if row and (kind := self.kinds.get(row.node.partition(":")[0]))
            for name, version in kind.packages(row.facts).items()
        }
        made = next((to_record(row).output for row in rows if row and row.node in self._ids), None)
        return _End(run, run.git_commit, data, packages, _metric(made, self._name))


def _differing(first: Mapping[str, str], last: Mapping[str, str]) -> Changes:
    """Return what is not the same in both, each with its two values."""
    both = {name: (first.get(name), last.get(name)) for name in sorted({*first, *last})}
    return {name: values for name, values in both.items() if values[0] != values[1]}


def _raise_unbuilt(result: RunResult) -> None:
    """Raise the error of a node whose packages could not be had: that says nothing of the metric."""
    for node in result.nodes:
        if node.error is not None and node.error.code in UNBUILT:
            raise node.error


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


def _metrics(output: Output | None) -> Mapping[str, object]:
    metrics = output.summary.get("metrics") if output else None
    return metrics if isinstance(metrics, Mapping) else {}


def _metric(output: Output | None, name: str) -> float | None:
    value = _metrics(output).get(name)
    return float(value) if isinstance(value, int | float) else None
