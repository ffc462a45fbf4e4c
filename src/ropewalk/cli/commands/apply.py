"""`ropewalk apply`: make an environment what its release says."""

from __future__ import annotations

import click

from ropewalk.cli.commands.promote import (
    print_shifts,
    print_warnings,
    require_declared,
    shift_documents,
)
from ropewalk.cli.output import count, emit_json
from ropewalk.cli.session import Session, open_session
from ropewalk.pipeline import (
    ReleasePlan,
    ReleaseUncommitted,
    apply_release,
    fetch_release,
    is_protected,
    open_shared_cache,
    plan_release,
)
from ropewalk.project import Release, commit_with, read_release, release_file


@click.command("apply")
@click.argument("environment", metavar="ENV")
@click.option("--dry-run", is_flag=True, help="Check everything and show what would move; move nothing.")
@click.option(
    "--allow-dirty", is_flag=True, help="Apply a release of a protected environment that is in no commit."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(environment: str, *, dry_run: bool, allow_dirty: bool, as_json: bool) -> None:
    """Make ENV what releases/ENV.yaml says, without executing anything; all of it moves, or nothing does.

    Applying an earlier commit of the file is the way back.
    """
    with open_session(environment=environment) as session:
        require_declared(session, environment)
        # Before Git is asked: that there is no release at all is the better answer.
        release = read_release(session.workspace.root, environment)
        commit = commit_with(session.workspace.root, release_file(environment))
        if commit is None and not (dry_run or allow_dirty):
            _refuse_uncommitted(session, environment)
        brought = _fetch(session, release)
        plan = plan_release(session.workspace, session.graph(), session.kinds, release)
        version = plan.version if dry_run else _apply(session, plan)
    if as_json:
        emit_json(_document(plan, commit, version, is_applied=not dry_run) | {"brought": brought})
    else:
        if brought:
            click.echo(f"{count(len(brought), 'execution')} brought from the shared cache", err=True)
        _print(plan, commit, version, is_applied=not dry_run)


def _fetch(session: Session, release: Release) -> list[str]:
    """Bring what this machine never saw, where there is a shared cache; return the nodes that came."""
    cache = open_shared_cache(session.workspace)
    if cache is None:
        return []
    done = fetch_release(session.workspace, session.graph(), session.kinds, release, cache)
    return [transfer.node for transfer in done if transfer.state == "pulled"]


def _apply(session: Session, plan: ReleasePlan) -> int:
    return apply_release(session.workspace, session.graph(), session.kinds, plan)


def _refuse_uncommitted(session: Session, environment: str) -> None:
    # Who approved it is Git's to say, and a file that is in no commit was approved by nobody.
    if is_protected(session.workspace.project, environment):
        raise ReleaseUncommitted(
            f"{release_file(environment)} is not what the commit that is checked out has,"
            f" and {environment} is protected",
            hint="commit it and have it reviewed; --allow-dirty applies it as it stands",
        )


def _document(plan: ReleasePlan, commit: str | None, version: int, *, is_applied: bool) -> dict[str, object]:
    return {
        "environment": plan.release.environment,
        "release": plan.release.digest,
        "commit": commit,
        "is_applied": is_applied,
        "version_before": plan.version,
        "version": version,
        "changes": shift_documents(plan.shifts),
        "repaired": list(plan.repairs),
        "warnings": list(plan.warnings),
    }


def _print(plan: ReleasePlan, commit: str | None, version: int, *, is_applied: bool) -> None:
    release = plan.release
    where = f"at commit {commit[:8]}" if commit else "in no commit"
    click.echo(
        f"release {release.digest} of {release.environment} ({release_file(release.environment)}, {where})"
    )
    print_shifts(plan.shifts)
    for node in plan.repairs:
        click.echo(f"  ! {node}  made current again")
    print_warnings(plan.warnings)
    if not is_applied:
        click.echo(f"{count(len(plan.shifts), 'node')} would move; nothing was changed")
    elif plan.shifts:
        click.echo(f"{count(len(plan.shifts), 'node')} moved: {release.environment} is at version {version}")
    else:
        click.echo(f"nothing to move: {release.environment} is at version {version} already")
