"""`ropewalk user`: people and their roles in the project."""

from __future__ import annotations

import click

from ropewalk.access import add_person, drop_person, give_role, read_role
from ropewalk.cli.output import emit_json, emit_table
from ropewalk.cli.session import open_session
from ropewalk.store.access import list_members, list_people


@click.group("user")
def command() -> None:
    """Add, list and remove users, and say what they may do."""


@command.command("add")
@click.argument("name")
@click.option("--role", help="guest, reporter, developer, maintainer or owner (default: none yet).")
@click.option("--email", default="", help="Where to reach them.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def add_command(name: str, role: str | None, email: str, *, as_json: bool) -> None:
    """Add the user NAME; those who log in at an issuer are added by their first login."""
    wanted = read_role(role) if role else None
    with open_session() as session:
        database, project = session.workspace.database, session.workspace.project.name
        add_person(database, name, email)
        if wanted:
            give_role(database, project, name, wanted)
    if as_json:
        emit_json({"user": name, "role": wanted.word if wanted else None, "project": project})
    else:
        click.echo(f"added {name}, {wanted.word if wanted else 'without a role'} in project {project}")


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def list_command(*, as_json: bool) -> None:
    """List everybody, with their role in this project and who gave it."""
    with open_session() as session, session.workspace.database.read() as connection:
        people = list_people(connection)
        members = {one.person.id: one for one in list_members(connection, session.workspace.project.name)}
    rows = [
        (
            person.name,
            members[person.id].role if person.id in members else None,
            members[person.id].source if person.id in members else None,
            person.email,
            person.issuer,
        )
        for person in people
    ]
    header = ("name", "role", "given by", "email", "issuer")
    if as_json:
        emit_json({"users": [dict(zip(header, row, strict=True)) for row in rows]})
    else:
        emit_table(header, rows)


@command.command("role")
@click.argument("name")
@click.argument("role")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def role_command(name: str, role: str, *, as_json: bool) -> None:
    """Give NAME the ROLE in this project, in place of the one they have; `none` takes it away."""
    wanted = None if role == "none" else read_role(role)
    with open_session() as session:
        project = session.workspace.project.name
        give_role(session.workspace.database, project, name, wanted)
    if as_json:
        emit_json({"user": name, "role": wanted.word if wanted else None, "project": project})
    else:
        click.echo(f"{name} is {wanted.word if wanted else 'nobody'} in project {project}")


@command.command("remove")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def remove_command(name: str, *, as_json: bool) -> None:
    """Remove NAME with all roles and sessions, and revoke their tokens."""
    with open_session() as session:
        drop_person(session.workspace.database, name)
    if as_json:
        emit_json({"removed": name})
    else:
        click.echo(f"removed {name}")
