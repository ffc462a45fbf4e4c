"""`ropewalk impact`: what a change reaches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import click

from ropewalk.cli.output import count, emit_json, plain
from ropewalk.cli.session import environment_option, open_session
from ropewalk.dataops.columns import Affected, AffectedCheck, Impact, Person, Reading, find_impact
from ropewalk.devops.monitoring import step_features

SHOWN = 20
# As data flows, and people last.
KINDS = {
    "column": "columns",
    "source": "sources",
    "table": "tables",
    "metric": "metrics",
    "question": "questions",
    "step": "steps",
    "gate": "gates",
    "model": "models",
    "deployment": "deployments",
    "monitor": "monitors",
}
WORDS = {
    "value": "",
    "filter": "  (by a filter)",
    "unknown": "  (cannot be told)",
}


@click.command("impact")
@click.argument("name", metavar="COLUMN|TABLE|SOURCE")
@click.option("--paths", "has_paths", is_flag=True, help="Show on which way each is reached.")
@environment_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(name: str, *, has_paths: bool, environment: str | None, as_json: bool) -> None:
    """Show what a change of a column, a table or a source reaches, down to models, deployments and people.

    What is reached by values alone is told apart from what is reached by a filter: something that only decides
    which rows there are, or which of several values is taken.
    """
    with open_session(environment=environment) as session:
        graph = session.graph()
        reading = Reading(step_features(session.workspace, graph))
        found = find_impact(session.workspace, graph, name, reading)
    if as_json:
        emit_json(asdict(found))
    else:
        _print(found, has_paths=has_paths)


def _print(found: Impact, *, has_paths: bool) -> None:
    click.echo(click.style(plain(found.of), bold=True))
    if not found.affected:
        click.echo("  nothing depends on it")
    # What a plugin's kind of node is called is not known here.
    for kind in dict.fromkeys([*KINDS, *(item.kind for item in found.affected)]):
        _print_kind(
            KINDS.get(kind, kind), [item for item in found.affected if item.kind == kind], has_paths=has_paths
        )
    _print_checks(found.checks)
    _print_people(found.people)


def _print_kind(title: str, items: Sequence[Affected], *, has_paths: bool) -> None:
    if items:
        click.echo(f"  {title}:")
    for item in items[:SHOWN]:
        click.echo(f"    {plain(item.id.partition(':')[2])}{WORDS[item.how]}")
        if has_paths:
            for hop in item.path[1:]:
                click.echo(f"      -{hop.by}-> {plain(hop.id)}")
    if len(items) > SHOWN:
        click.echo(f"    ... {len(items) - SHOWN:,} more (--json lists all)")


def _print_checks(checks: Sequence[AffectedCheck]) -> None:
    if checks:
        click.echo(f"  {count(len(checks), 'check')}:")
    for check in checks[:SHOWN]:
        click.echo(f"    {plain(check.table)}: {plain(check.name)} ({check.severity})")
    if len(checks) > SHOWN:
        click.echo(f"    ... {len(checks) - SHOWN:,} more (--json lists all)")


def _print_people(people: Sequence[Person]) -> None:
    if people:
        click.echo("  people:")
    for person in people:
        first, *more = person.reasons
        others = f", and {len(more)} more" if more else ""
        click.echo(f"    {plain(person.name)}: {plain(first)}{others}")
