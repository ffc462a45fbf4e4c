"""`ropewalk bisect`: which commit, data, package or parameter turned a metric."""

from __future__ import annotations

import dataclasses

import click

from ropewalk.cli.output import emit_json, emit_table
from ropewalk.cli.progress import watch_run
from ropewalk.cli.session import open_session
from ropewalk.pipeline import Bisection, Bisector


@click.command("bisect")
@click.argument("metric")
@click.option("--good", required=True, metavar="RUN", help="A run in which the metric was good.")
@click.option("--bad", required=True, metavar="RUN", help="A later run in which it was not.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(metric: str, *, good: str, bad: str, as_json: bool) -> None:
    """Find what turned METRIC (STEP.METRIC, such as evaluate.auc) between two runs.

    It is a commit, a source's data, a package, or a parameter. What the two runs were made of is mixed and replayed; what was executed before is reused, and a package's other
    version is installed beside by `uv`. No pointer moves.
    """
    with open_session() as session, watch_run(0) as observer:
        found = Bisector(metric, session.kinds, session.workspace, observer).search(good, bad)
    if as_json:
        emit_json(dataclasses.asdict(found))
    else:
        _print(found)


def _print(found: Bisection) -> None:
    click.echo(f"{found.metric} is {found.good:.10g} in the good run and {found.bad:.10g} in the bad one")
    for name, (good, bad) in found.changed_packages.items():
        click.echo(f"  package {name}: {good or 'nothing'} -> {bad or 'nothing'}")
    for name, (good, bad) in found.changed_parameters.items():
        click.echo(f"  parameter {name}: {good or 'its default'} -> {bad or 'its default'}")
    rows = [
        [
            trial.commit[:10],
            " ".join(trial.data.values()),
            *([" ".join(trial.packages.values())] if found.changed_packages else []),
            *([" ".join(map("=".join, trial.parameters.items()))] if found.changed_parameters else []),
            trial.value,
            "good" if trial.is_good else "bad",
            trial.executed,
        ]
        for trial in found.trials
    ]
    more = ["packages"] if found.changed_packages else []
    more += ["parameters"] if found.changed_parameters else []
    emit_table(["commit", "data", *more, found.metric, "verdict", "executed"], rows)
    if found.culprit:
        click.echo(f"{found.culprit.axis}: {found.culprit.what}  {found.culprit.description}")
