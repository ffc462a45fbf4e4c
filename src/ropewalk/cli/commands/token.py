"""`ropewalk token`: make, list and revoke tokens."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime

import click

from ropewalk.access import Role, TokenRequest, create_token, end_token, read_role, read_scopes
from ropewalk.cli.output import emit_json, emit_table
from ropewalk.cli.session import open_session
from ropewalk.routes import Permission
from ropewalk.store.access import TokenRow, list_people, list_tokens

DEFAULT_SCOPES = {"personal": ("read", "write", "predict"), "project": ("read",), "deploy": ("read",)}


@click.group("token")
def command() -> None:
    """Make, list and revoke tokens, by which programs say who they are."""


@command.command("create")
@click.argument("name")
@click.option("--user", help="Whom a personal token acts for.")
@click.option(
    "--kind",
    type=click.Choice(("personal", "project", "deploy")),
    help="What it acts for (default: personal with --user, else project).",
)
@click.option("--role", help="What a project or deploy token is in the project (default: reporter).")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    help="What of its role's rights it may use (default: read, and of a personal token write and predict); may be given again.",
)
@click.option("--all-scopes", is_flag=True, help="All that its role may: what a login with a browser needs.")
@click.option(
    "--days", type=int, default=90, show_default=True, help="After how many days it ends, at most 365."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def create_command(*, name: str, user: str | None, as_json: bool, **options: object) -> None:
    """Make a token called NAME and print its secret, which is shown this once and kept nowhere."""
    kind = str(options["kind"] or ("personal" if user else "project"))
    role = read_role(str(options["role"])) if options["role"] else None
    scopes = _scopes(kind, role, tuple(options["scopes"]), is_all=bool(options["all_scopes"]))  # type: ignore[arg-type]  # click's multiple is a tuple
    with open_session() as session:
        workspace = session.workspace
        asked = TokenRequest(
            name, kind, scopes, workspace.project.name, user, role, int(str(options["days"]))
        )
        secret, token = create_token(workspace.database, asked)
    if as_json:
        emit_json({"token": secret, **_about(token, user)})
        return
    click.echo(secret)
    click.echo(f"token {token.id}, until {_day(token.expires_at)}: shown this once, keep it safe", err=True)


@command.command("list")
@click.option("--all", "is_all", is_flag=True, help="Also those that are revoked or over.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def list_command(*, is_all: bool, as_json: bool) -> None:
    """List the tokens of the project and of its users; secrets are not among what is known."""
    with open_session() as session, session.workspace.database.read() as connection:
        tokens = list_tokens(connection, ("personal", "project", "deploy"))
        names = {person.id: person.name for person in list_people(connection)}
    now = datetime.now(UTC).timestamp() * 1000
    alive = [token for token in tokens if is_all or _state(token, now) == "active"]
    if as_json:
        emit_json({"tokens": [_about(token, names.get(token.person or "")) for token in alive]})
        return
    rows = [
        (
            token.id,
            token.name,
            token.kind,
            names.get(token.person or "", token.role),
            ",".join(token.scopes),
            _state(token, now),
            _day(token.expires_at),
            _day(token.last_used_at),
        )
        for token in alive
    ]
    emit_table(("id", "name", "kind", "user or role", "scopes", "state", "until", "last used"), rows)


@command.command("revoke")
@click.argument("token_id", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def revoke_command(token_id: str, *, as_json: bool) -> None:
    """Revoke the token ID for good, from the next request on."""
    with open_session() as session:
        end_token(session.workspace.database, token_id)
    if as_json:
        emit_json({"revoked": token_id})
    else:
        click.echo(f"revoked token {token_id}")


def _scopes(kind: str, role: Role | None, texts: tuple[str, ...], *, is_all: bool) -> frozenset[Permission]:
    from ropewalk.access import GRANTS

    if is_all:
        return GRANTS[role or (Role.OWNER if kind == "personal" else Role.REPORTER)]
    return read_scopes(texts or DEFAULT_SCOPES[kind])


def _about(token: TokenRow, user: str | None) -> dict[str, object]:
    hidden = {"digest", "person"}
    return {**{k: v for k, v in asdict(token).items() if k not in hidden}, "user": user}


def _state(token: TokenRow, now: float) -> str:
    if token.revoked_at is not None:
        return "revoked"
    return "over" if token.expires_at is not None and token.expires_at <= now else "active"


def _day(moment: int | None) -> str:
    return datetime.fromtimestamp(moment / 1000, UTC).strftime("%Y-%m-%d %H:%M") if moment else ""
