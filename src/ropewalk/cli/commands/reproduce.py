"""`ropewalk reproduce`: do an earlier run again, and compare."""

from __future__ import annotations

import click

from ropewalk.cli.output import emit_json
from ropewalk.cli.progress import watch_run
from ropewalk.cli.session import open_session
from ropewalk.pipeline import ReproducedRun, Reproduction, reproduce

DIFFERS = 1


@click.command("reproduce")
@click.argument("run")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(run: str, *, as_json: bool) -> int:
    """Do the tables and steps of RUN again, with the code, data and parameters it had, and compare what comes out.

    RUN is the beginning of a run's id (`ropewalk runs`), the id of a tracked run, or `last`. Nothing is recorded and nothing
    moves. Exit code 1 says that something came out differently.
    """
    with open_session() as session, watch_run(0) as observer:
        found = reproduce(run, session.kinds, session.workspace, observer)
    if as_json:
        emit_json(_document(found))
    else:
        _print(found)
    return 0 if found.is_equal else DIFFERS


def _document(found: ReproducedRun) -> dict[str, object]:
    return {
        "run_id": found.run.id,
        "commit": found.run.git_commit,
        "equal": found.is_equal,
        "nodes": [
            {
                "id": node.node,
                "equal": node.is_equal,
                "was": node.was.digest,
                "now": node.now.digest if node.now else None,
                "differences": [str(reason) for reason in node.differences],
                "outcome": [str(reason) for reason in node.outcome],
                "error": node.error,
            }
            for node in found.nodes
        ],
        "left_out": list(found.left_out),
    }


def _print(found: ReproducedRun) -> None:
    for node in found.nodes:
        click.echo(f"{'=' if node.is_equal else '!'} {node.node}")
        for line in _explain(node):
            click.echo(f"    {line}")
    if found.left_out:
        click.echo(f"not done again, as they are about the world outside: {', '.join(found.left_out)}")
    equal = sum(node.is_equal for node in found.nodes)
    where = f"run {found.run.id[:8]} at commit {(found.run.git_commit or '')[:10]}"
    click.echo(f"{equal} of {len(found.nodes)} came out equal  ({where})")


def _explain(node: Reproduction) -> list[str]:
    if node.error:
        return [node.error]
    lines = [str(reason) for reason in node.differences]
    if node.is_equal:
        return lines
    rows = [f"`{node_diff}` shows the rows"] if (node_diff := _diff(node)) else []
    missing = "other content from equal code, data, parameters and packages: is a seed missing?"
    return [*map(str, node.outcome), *(lines or [missing]), *rows]


def _diff(node: Reproduction) -> str | None:
    """Return the command that compares a table as it was with what came out, which the lake has until it is collected."""
    places = [output.reference.partition(":") for output in (node.was, node.now) if output]
    if len(places) < 2 or {kind for kind, _, _ in places} != {"snapshot"}:
        return None
    table = node.was.summary.get("table") or node.node.partition(":")[2]
    return f"ropewalk diff -t {table} --from {places[0][2]} --to {places[1][2]}"
