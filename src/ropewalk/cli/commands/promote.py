"""`ropewalk promote`: write the release of an environment, to be reviewed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import click

from ropewalk.cli.output import count, emit_json, short_ids
from ropewalk.cli.session import Session, open_session
from ropewalk.errors import nearest
from ropewalk.pipeline import Proposal, Shift, UnknownEnvironment, propose_release
from ropewalk.project import ReleasedNode, commit_to_branch, release_file, release_text, write_release


@click.command("promote")
@click.argument("environment", metavar="ENV")
@click.argument("names", nargs=-1)
@click.option(
    "--from", "source", metavar="ENV2", help="Promote what this environment has, not the current one."
)
@click.option("--branch", help="Commit the release to this new Git branch, and leave the working tree alone.")
@click.option("--dry-run", is_flag=True, help="Show what would be released, and write nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(  # a command's options are its parameters
    environment: str,
    names: tuple[str, ...],
    source: str | None,
    branch: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Write releases/ENV.yaml: what the current environment has of everything, or of NAMES and what they need.

    Nothing moves by it. Merging the file decides, and `ropewalk apply ENV` makes it so.
    """
    with open_session() as session:
        require_declared(session, environment)
        proposal = _propose(session, environment, source, names)
        written = None if dry_run else _write(session, proposal, branch)
    if as_json:
        emit_json(_document(proposal, written, branch))
    else:
        _print(proposal, written, branch, is_dry_run=dry_run)


def require_declared(session: Session, environment: str) -> None:
    """Refuse an environment that the project does not declare: a misspelt one would get a release of its own.

    Raises:
        UnknownEnvironment: it is not below `environments:`.
    """
    declared = session.workspace.project.entries("environments")
    if environment not in declared:
        raise UnknownEnvironment(
            f"the project declares no environment {environment!r}",
            nearest=nearest(environment, declared),
            hint=f"declare it in ropewalk.yaml: `environments: {{{environment}: {{protected: true}}}}`",
        )


def shift_documents(shifts: Iterable[Shift]) -> list[dict[str, object]]:
    """Return the nodes that differ as plain JSON values."""
    return [
        {"node": shift.node, "before": _node_document(shift.before), "after": _node_document(shift.after)}
        for shift in shifts
    ]


def print_shifts(shifts: Sequence[Shift]) -> None:
    """Print one line for each node that differs."""
    width = max((len(shift.node) for shift in shifts), default=0)
    for shift in shifts:
        mark = "~" if shift.before and shift.after else "+" if shift.after else "-"
        click.echo(f"  {mark} {shift.node.ljust(width)}  {short_ids(_change(shift))}")


def print_warnings(warnings: Iterable[str]) -> None:
    """Print what a person should know, beside the results."""
    for warning in warnings:
        click.echo(f"{click.style('warning', fg='yellow')}: {warning}", err=True)


def _propose(session: Session, environment: str, source: str | None, names: tuple[str, ...]) -> Proposal:
    workspace, graph = session.workspace, session.graph()
    selected = [graph.find(name).id for name in names] or None
    origin = source or workspace.settings.environment
    return propose_release(workspace, graph, session.kinds, environment, origin, selected)


def _write(session: Session, proposal: Proposal, branch: str | None) -> str | None:
    """Write the release where it is wanted and return where that is; None when there is nothing new to review."""
    root, release = session.workspace.root, proposal.release
    path = release_file(release.environment)
    text = release_text(release)
    if (root / path).is_file() and (root / path).read_text(encoding="utf-8") == text:
        return None
    if branch is None:
        write_release(root, release)
        return path
    message = f"Release {release.environment} from {proposal.source}"
    return commit_to_branch(root, branch, path, text, message)


def _document(proposal: Proposal, written: str | None, branch: str | None) -> dict[str, object]:
    return {
        "environment": proposal.release.environment,
        "from": proposal.source,
        "release": proposal.release.digest,
        "file": release_file(proposal.release.environment),
        "branch": branch if written else None,
        "commit": written if branch else None,
        "is_written": written is not None,
        "changes": shift_documents(proposal.shifts),
        "warnings": list(proposal.warnings),
    }


def _print(proposal: Proposal, written: str | None, branch: str | None, *, is_dry_run: bool) -> None:
    release, shifts = proposal.release, proposal.shifts
    differ = (
        f"{count(len(shifts), 'node')} of {len(release.nodes)} would change" if shifts else "nothing changes"
    )
    click.echo(f"release {release.digest} of {release.environment} from {proposal.source}: {differ}")
    print_shifts(shifts)
    print_warnings(proposal.warnings)
    if written is None:
        if not is_dry_run:
            click.echo(f"{release_file(release.environment)} says so already")
        return
    if branch:
        click.echo(f"committed to branch {branch} as {written[:8]}; push it, and ask for a review:")
        click.echo(f"    git push -u origin {branch}")
    else:
        click.echo(f"wrote {written}: commit it and ask for a review")
    click.echo(f"once it is merged: `ropewalk apply {release.environment}`")


def _node_document(node: ReleasedNode | None) -> dict[str, str] | None:
    return node.model_dump() if node else None


def _change(shift: Shift) -> str:
    before, after = (node.made if node else None for node in (shift.before, shift.after))
    # Two executions may have made the same content: then it is the keys that differ.
    if shift.before and shift.after and before == after:
        return f"{after} (executed anew, {'same' if _is_same(shift) else 'other'} content)"
    return " -> ".join(part for part in (before, after) if part)


def _is_same(shift: Shift) -> bool:
    return shift.before is not None and shift.after is not None and shift.before.digest == shift.after.digest
