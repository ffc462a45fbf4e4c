"""`ropewalk bisect`: which commit, or which data, turned a metric."""

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
    """Find what turned METRIC (STEP.METRIC, such as evaluate.auc) between two runs: a commit, or a source's data.

    Code and data of the two runs are mixed and replayed; what was executed before is reused. No pointer moves.
    """
    with open_session() as session, watch_run(0) as observer:
        found = Bisector(metric, session.kinds, session.workspace, observer).search(good, bad)
    if as_json:
        emit_json(dataclasses.asdict(found))
    else:
        _print(found)


def _print(found: Bisection) -> None:
    click.echo(f"{found.metric} is {found.good:g} in the good run and {found.bad:g} in the bad one")
    rows = [
        [
            trial.commit[:10],
            " ".join(trial.data.values()),
            trial.value,
            "good" if trial.is_good else "bad",
            trial.executed,
        ]
        for trial in found.trials
    ]
    emit_table(["commit", "data", found.metric, "verdict", "executed"], rows)
    if found.culprit:
        click.echo(f"{found.culprit.axis}: {found.culprit.what}  {found.culprit.description}")
