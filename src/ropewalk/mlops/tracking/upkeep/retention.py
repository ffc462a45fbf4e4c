"""Rules of retention: which runs they take and why, as a value first; then done, in small transactions.

A rule moves runs to the trash, where `ropewalk gc` finds them later, or removes their files and keeps what they
logged. A run that is at work, or that something still needs, stays.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

from ropewalk.mlops.tracking.columns import better
from ropewalk.mlops.tracking.finding import RunQuery, find_runs
from ropewalk.mlops.tracking.upkeep.holding import holders
from ropewalk.mlops.tracking.upkeep.moving import set_stage
from ropewalk.mlops.tracking.upkeep.removal import remove_files_of
from ropewalk.mlops.tracking.upkeep.section import RetentionRule
from ropewalk.pipeline import Workspace
from ropewalk.project import released_keys
from ropewalk.store import now_ms
from ropewalk.store.tracking import upkeep
from ropewalk.store.tracking.runs import set_run_tags
from ropewalk.store.tracking.values import Run

SECTION = "retention"
# What a rule left of a run whose files it removed.
WITHOUT_FILES = "ropewalk.artifacts"
BATCH = 1000


@dataclass(frozen=True)
class Verdict:
    """What a rule says of one run.

    Attributes:
        rule: the rule's name.
        run_id: the run.
        run_name: its name.
        experiment: the name of its experiment.
        remove: `run`, `artifacts`, or None when it stays.
        why: the reason, for people.
    """

    rule: str
    run_id: str
    run_name: str
    experiment: str
    remove: str | None
    why: str


def read_rules(workspace: Workspace) -> dict[str, RetentionRule]:
    """Return the rules that the project declares, by name."""
    entries = workspace.project.entries(SECTION)
    return {name: cast("RetentionRule", entry.value) for name, entry in entries.items()}


def judge_runs(workspace: Workspace, rules: Mapping[str, RetentionRule] | None = None) -> list[Verdict]:
    """Return what the rules (the project's, if None) would do, and which runs they would take if nothing needed them.

    Raises:
        UnknownExperiment: a rule is about an experiment that does not exist.
    """
    found: dict[str, Verdict] = {}
    released = released_keys(workspace.root)
    for name, rule in (read_rules(workspace) if rules is None else rules).items():
        for verdict in _judge(workspace, name, rule, released):
            # The first rule that takes a run decides; one that takes only files gives way to one that takes the run.
            known = found.get(verdict.run_id)
            if known is None or (known.remove != "run" and verdict.remove == "run"):
                found[verdict.run_id] = verdict
    return list(found.values())


def apply_rules(workspace: Workspace, *, is_dry: bool = False) -> list[Verdict]:
    """Do what the project's rules say and return it; with `is_dry` only the latter."""
    verdicts = judge_runs(workspace)
    if is_dry:
        return verdicts
    # Each in a transaction of its own: whoever is stopped goes on where it was.
    for verdict in verdicts:
        if verdict.remove == "run":
            set_stage(workspace, [verdict.run_id], "deleted")
        elif verdict.remove == "artifacts":
            _remove_files(workspace, verdict)
    return verdicts


def _judge(
    workspace: Workspace, name: str, rule: RetentionRule, released: Collection[str]
) -> Iterator[Verdict]:
    ended_before = now_ms() - rule.age_ms
    for experiment, runs in _subjects(workspace, rule).items():
        best = _best(runs, rule)
        for run in runs:
            if run.ended_at is None or run.ended_at > ended_before or run.id in best:
                continue
            if rule.remove == "artifacts" and WITHOUT_FILES in run.tags:
                continue
            with workspace.database.read() as connection:
                needed = holders(connection, run.id, released)
            remove, why = (None, f"needed by {needed[0]}") if needed else (rule.remove, _why(rule, run))
            yield Verdict(name, run.id, run.name, experiment, remove, why)


def _subjects(workspace: Workspace, rule: RetentionRule) -> dict[str, list[Run]]:
    experiments = None if rule.experiment is None else [rule.experiment]
    order = []
    if rule.keep_best:
        goal = rule.keep_best.goal or better(rule.keep_best.metric)
        order = [f"{goal}(metrics.`{rule.keep_best.metric}`) {'DESC' if goal == 'max' else 'ASC'}"]
    found: dict[str, list[Run]] = {}
    offset, total = 0, 1
    while offset < total:
        query = RunQuery(experiments, rule.filter, order, with_archived=True, offset=offset, limit=BATCH)
        page = find_runs(workspace, query)
        for run in page.runs:
            found.setdefault(page.experiments[run.experiment_id].name, []).append(run)
        offset, total = offset + BATCH, page.total
    return found


def _best(runs: Sequence[Run], rule: RetentionRule) -> set[str]:
    """Return the runs that stay for being the best; one without the metric is never among them."""
    keep = rule.keep_best
    if keep is None:
        return set()
    return {run.id for run in [run for run in runs if keep.metric in run.metrics][: keep.count]}


def _why(rule: RetentionRule, run: Run) -> str:
    reasons = []
    if rule.older_than and run.ended_at is not None:
        reasons.append(f"ended {_day(run.ended_at)}, more than {rule.older_than} ago")
    if rule.keep_best:
        keep = rule.keep_best
        among = "the best" if keep.count == 1 else f"the best {keep.count}"
        reasons.append(f"not among {among} by {keep.goal or better(keep.metric)} of {keep.metric}")
    return " and ".join(reasons)


def _day(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d")


def _remove_files(workspace: Workspace, verdict: Verdict) -> None:
    with workspace.database.read() as connection:
        run = upkeep.find_active(connection, verdict.run_id)
        places = [place for _, place in upkeep.models_made(connection, run_id=verdict.run_id)]
    # Deleted or restored by somebody else meanwhile.
    if run is None:
        return
    remove_files_of(workspace, [run.artifact_uri, *places])
    with workspace.database.write() as connection:
        set_run_tags(
            connection, run.number, {WITHOUT_FILES: f"removed by {verdict.rule} on {_day(now_ms())}"}
        )
