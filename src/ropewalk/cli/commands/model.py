"""`ropewalk model`: look at registered versions, review them, and describe them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

from ropewalk.cli.output import count, emit_json, emit_table, plain
from ropewalk.cli.session import directory, open_session
from ropewalk.mlops.registry import (
    ModelVersion,
    RegistryEvent,
    Review,
    allow_version,
    ask_approval,
    comment_on,
    get_model,
    get_version,
    give_verdict,
    keep_card,
    list_models,
    list_versions,
    missing_approvals,
    model_history,
    policy_of,
    reading_of,
    review_of,
    same_content,
    verify_version,
    version_content,
)
from ropewalk.pipeline import Workspace

_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
_named = click.argument("named", metavar="NAME[/VERSION|@ALIAS]")
_comment = click.option("-m", "--comment", default="", help="What you have to say about it.")


@click.group("model")
def command() -> None:
    """Look at registered models, review their versions, and describe them."""


@command.command("list")
@_json
def list_command(*, as_json: bool) -> None:
    """List registered models with their newest version and aliases."""
    with open_session() as session:
        rows = []
        for model in list_models(session.workspace):
            versions = list_versions(session.workspace, model.name)
            aliases = ", ".join(f"{alias}: {version}" for alias, version in sorted(model.aliases.items()))
            rows.append((model.name, versions[0].version if versions else "-", len(versions), aliases))
    if as_json:
        emit_json([dict(zip(("name", "latest", "versions", "aliases"), row, strict=True)) for row in rows])
    else:
        emit_table(["model", "latest", "versions", "aliases"], rows)


@command.command("show")
@_named
@_json
def show(named: str, *, as_json: bool) -> None:
    """Show one version: its content, files, review, and what releases of it still need."""
    with open_session() as session:
        workspace, version = session.workspace, _find(session.workspace, named)
        document = _version_document(workspace, version)
    if as_json:
        emit_json(document)
        return
    for key, value in document.items():
        if value not in (None, [], {}, ""):
            click.echo(f"{key.replace('_', ' ')}: {_said(value)}")


def _version_document(workspace: Workspace, version: ModelVersion) -> dict[str, object]:
    content, files = version_content(workspace, version)
    review, (state, report) = review_of(workspace, version), reading_of(workspace, version)
    needs = {
        environment: missing_approvals(workspace, version, environment)
        for environment in policy_of(workspace, version.name).approvals
    }
    return {
        "model": version.name,
        "version": version.version,
        "content": content,
        "same_content_as": same_content(workspace, version),
        "files": len(files),
        "flavours": list(report.flavours),
        "files_are": state,
        "aliases": list(version.aliases),
        "run": version.run_id,
        "metrics": dict(version.metrics),
        "review": review.state,
        "approved_by": list(review.approvers),
        "releases_need": {name: missing for name, missing in needs.items() if missing},
    }


def _said(value: object) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{key} {item}" for key, item in value.items())
    return ", ".join(str(item) for item in value) if isinstance(value, list) else str(value)


@command.command("history")
@_named
@_json
def history_command(named: str, *, as_json: bool) -> None:
    """Show what happened to a model, or to one version: who, when, from what, to what, and why."""
    with open_session() as session:
        name, version = _split(named)
        number = (
            get_version(session.workspace, name, version).version
            if version and not version.isdecimal()
            else version
        )
        events = model_history(session.workspace, name, number)
    if as_json:
        emit_json([_event_document(event) for event in events])
        return
    emit_table(["when", "who", "what", "from", "to", "why"], [_event_row(event) for event in events])


def _event_document(event: RegistryEvent) -> dict[str, object]:
    return {
        "when": event.happened_at,
        "who": event.actor,
        "what": event.what,
        "version": event.version,
        "alias": event.alias,
        "from": event.before,
        "to": event.after,
        "why": event.reason,
    }


def _event_row(event: RegistryEvent) -> Sequence[str]:
    when = datetime.fromtimestamp(event.happened_at / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
    about = f" {event.alias}" if event.alias else f" (version {event.version})" if event.version else ""
    after = event.after[:12] if event.what == "registered" and event.after else event.after
    return (
        when,
        plain(event.actor),
        event.what + about,
        *(plain(text or "-") for text in (event.before, after, event.reason)),
    )


@command.command("files")
@_named
@_json
def files_command(named: str, *, as_json: bool) -> None:
    """List a version's files, and what its pickles would import; nothing is executed."""
    with open_session() as session:
        version = _find(session.workspace, named)
        content, files = version_content(session.workspace, version)
        state, report = reading_of(session.workspace, version)
    findings = [{"file": finding.path, "what": finding.what} for finding in report.findings]
    if as_json:
        listed = [{"path": file.path, "size": file.size, "blake3": file.digest} for file in files]
        emit_json(
            {
                "content": content,
                "state": state,
                "files": listed,
                "flavours": list(report.flavours),
                "pickles": report.pickles,
                "imports": list(report.imports),
                "findings": findings,
            }
        )
        return
    emit_table(
        ["file", "bytes", "blake3"], [(plain(file.path), file.size, file.digest[:16]) for file in files]
    )
    click.echo(f"content {content}; {count(report.pickles, 'pickle')}; {state}")
    _print_lines("would import", report.imports)
    _print_lines("unknown", [f"{item['file']}: {item['what']}" for item in findings])


def _print_lines(title: str, lines: Iterable[str]) -> None:
    for line in lines:
        click.echo(f"  {title}: {plain(line)}")


@command.command("verify")
@_named
def verify(named: str) -> None:
    """Read every file of a version anew and hold it against the digest it was registered with."""
    with open_session() as session:
        version = _find(session.workspace, named)
        number = verify_version(session.workspace, version)
        content, _ = version_content(session.workspace, version)
    click.echo(
        f"{version.name} version {version.version}: {count(number, 'file')} as registered, content {content}"
    )


@command.command("card")
@_named
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write it to this file."
)
def card(named: str, output: Path | None) -> None:
    """Print the model card of a version, and keep it among the artifacts.

    It is Markdown with the front matter that Hugging Face's hub reads; the same version has the same card.
    """
    with open_session() as session:
        text, _ = keep_card(session.workspace, _find(session.workspace, named))
    if output is None:
        click.echo(text, nl=False)
    else:
        (directory() / output).write_text(text, encoding="utf-8")
        click.echo(f"wrote {output}")


@command.command("request")
@_named
@_comment
@_json
def request(named: str, comment: str, *, as_json: bool) -> None:
    """Ask for the approval of a version; earlier verdicts do not count any more."""
    with open_session() as session:
        version = _find(session.workspace, named)
        _tell(version, ask_approval(session.workspace, version, comment), as_json=as_json)


@command.command("approve")
@_named
@_comment
@_json
def approve(named: str, comment: str, *, as_json: bool) -> None:
    """Approve a version, in your name; not your own."""
    with open_session() as session:
        version = _find(session.workspace, named)
        _tell(version, give_verdict(session.workspace, version, "approved", comment), as_json=as_json)


@command.command("reject")
@_named
@_comment
@_json
def reject(named: str, comment: str, *, as_json: bool) -> None:
    """Reject a version, in your name, and say why."""
    with open_session() as session:
        version = _find(session.workspace, named)
        _tell(version, give_verdict(session.workspace, version, "rejected", comment), as_json=as_json)


@command.command("comment")
@_named
@click.argument("text")
@_json
def comment_command(named: str, text: str, *, as_json: bool) -> None:
    """Say something about a version."""
    with open_session() as session:
        version = _find(session.workspace, named)
        _tell(version, comment_on(session.workspace, version, text), as_json=as_json)


@command.command("allow")
@_named
@click.option("--reason", required=True, help="Why its files can be trusted.")
def allow(named: str, reason: str) -> None:
    """Let a version out of quarantine, and answer for it by name."""
    with open_session() as session:
        version = _find(session.workspace, named)
        allow_version(session.workspace, version, reason)
    click.echo(f"{version.name} version {version.version} may be loaded")


def _tell(version: ModelVersion, review: Review, *, as_json: bool) -> None:
    if as_json:
        verdicts = [_event_document(event) for event in review.verdicts]
        comments = [_event_document(event) for event in review.comments]
        emit_json(
            {"state": review.state, "asked_by": review.asked_by, "verdicts": verdicts, "comments": comments}
        )
        return
    click.echo(f"{version.name} version {version.version}: {review.state}")
    for event in (*review.verdicts, *review.comments):
        click.echo(
            f"  {plain(event.actor)} {event.what}" + (f": {plain(event.reason)}" if event.reason else "")
        )


def _find(workspace: Workspace, named: str) -> ModelVersion:
    name, version = _split(named)
    get_model(workspace, name)
    return get_version(workspace, name, version or "latest")


def _split(named: str) -> tuple[str, str | None]:
    """Return a model's name and the version or alias behind it; neither sign can be in a name."""
    name, slash, version = named.partition("/")
    if slash:
        return name, version
    name, at, alias = named.rpartition("@")
    return (name, alias) if at else (named, None)
