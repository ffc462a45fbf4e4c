"""`ropewalk cache`: sharing results between machines, and looking after the objects of this one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict

import click

from ropewalk.cli.commands.gc import amount
from ropewalk.cli.output import count, emit_json, emit_table
from ropewalk.cli.session import Session, open_session
from ropewalk.pipeline import (
    SharedCache,
    Transfer,
    current_records,
    open_shared_cache,
    pull,
    push,
    require_shared_cache,
)

AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


@click.group("cache")
def command() -> None:
    """Share results with other machines through the place that ROPEWALK_CACHE names, and check what is kept here."""


@command.command("push")
@AS_JSON
def push_command(*, as_json: bool) -> None:
    """Publish what the environment has of every node, for others to use instead of executing it."""
    with open_session() as session:
        cache = require_shared_cache(session.workspace)
        done = list(push(session.graph(), session.kinds, session.workspace, cache))
    _tell(cache, done, as_json=as_json)


@command.command("pull")
@AS_JSON
def pull_command(*, as_json: bool) -> None:
    """Bring in what the next run would otherwise execute; the environment moves with that run, not before."""
    with open_session() as session:
        cache = require_shared_cache(session.workspace)
        done = list(pull(session.graph(), session.kinds, session.workspace, cache))
    _tell(cache, done, as_json=as_json)


@command.command("status")
@AS_JSON
def status_command(*, as_json: bool) -> None:
    """Show where results are shared, what counts here, and what of the environment others can have."""
    with open_session() as session:
        cache = open_shared_cache(session.workspace)
        shared = _shared(session, cache) if cache is not None else {}
    if as_json:
        emit_json(_describe(cache) | {"nodes": shared})
        return
    if cache is None:
        click.echo("nothing is shared: ROPEWALK_CACHE is not set")
        return
    click.echo(f"{cache.address}: {' and then '.join(cache.namespaces)} are read")
    click.echo(f"what is made here is published as {'trusted' if cache.is_trusted else 'untrusted'}")
    click.echo(f"{sum(shared.values())} of {count(len(shared), 'node')} are there")
    emit_table(("node", "shared"), [(name, "yes" if is_there else "no") for name, is_there in shared.items()])


@command.command("verify")
@AS_JSON
def verify_command(*, as_json: bool) -> None:
    """Read every object that is kept here, and remove damaged ones, so that they are made or fetched again."""
    with open_session() as session:
        found = session.workspace.objects.verify()
    if as_json:
        emit_json(asdict(found))
        return
    click.echo(f"{count(found.objects, 'object')}, {amount(found.size)}: {len(found.damaged)} damaged")
    for digest in found.damaged:
        click.echo(f"removed {digest}")


def _shared(session: Session, cache: SharedCache) -> dict[str, bool]:
    return {node: cache.has(record.key) for node, record in current_records(session.workspace).items()}


def _describe(cache: SharedCache | None) -> dict[str, object]:
    if cache is None:
        return {"cache": None}
    return {
        "cache": cache.address,
        "role": "trusted" if cache.is_trusted else "untrusted",
        "reads": list(cache.namespaces),
    }


def _tell(cache: SharedCache, done: Sequence[Transfer], *, as_json: bool) -> None:
    size = sum(transfer.size for transfer in done)
    if as_json:
        emit_json({**_describe(cache), "nodes": [asdict(transfer) for transfer in done], "bytes": size})
        return
    rows = [(one.node, one.state, one.objects or None, _size(one), one.detail) for one in done]
    emit_table(("node", "state", "objects", "size", "why"), rows)
    states = Counter(transfer.state for transfer in done)
    said = ", ".join(f"{number} {state}" for state, number in states.items())
    click.echo(f"{said or 'nothing to do'}; {amount(size)} travelled")


def _size(transfer: Transfer) -> str | None:
    return amount(transfer.size) if transfer.objects else None
