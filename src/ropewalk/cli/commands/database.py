"""`ropewalk database`: move the metadata between a file and a server, or go back to what was moved away."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from ropewalk.cli.output import count, emit_json
from ropewalk.cli.session import current_settings, directory
from ropewalk.project import find_root
from ropewalk.settings import InvalidSetting, Settings, state_path
from ropewalk.store.move import Move, move_database, reopen_database

FILE = "file"


@click.group("database")
def command() -> None:
    """Move the metadata of the project from its file to a PostgreSQL server, from there back, or to another server."""


@command.command("move")
@click.argument("target", metavar="URL")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def move_command(target: str, *, as_json: bool) -> None:
    """Move all metadata to the empty database at URL, or, with `file` in its place, to the file of the state folder.

    Every table is compared with what it was before the move counts. What was moved from is kept, and opened no more.
    """
    settings = current_settings()
    _require_own_lake(settings)
    source = _present(settings)
    # Making a new file is the only thing that needs no server.
    place: Path | str = _file(settings) if target == FILE else target
    moved = move_database(source, place, lambda table, rows: _tell(table, rows, as_json=as_json))
    if as_json:
        emit_json({**asdict(moved), "rows": moved.rows})
    else:
        _print(moved, is_file=target == FILE)


@command.command("reopen")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def reopen_command(*, as_json: bool) -> None:
    """Use the database that the settings name again, as it was when it was moved away."""
    where = _present(current_settings())
    place = reopen_database(where)
    if as_json:
        emit_json({"was_moved_to": place})
    elif place is None:
        click.echo("it was not moved away: nothing to do")
    else:
        click.echo(
            f"open again, as it was when it was moved to {place}; what was done there since is not here"
        )


def _present(settings: Settings) -> Path | str:
    return settings.database_url or _file(settings)


def _file(settings: Settings) -> Path:
    return state_path(settings, find_root(directory())) / "ropewalk.db"


def _require_own_lake(settings: Settings) -> None:
    # The catalogue of a lake that is shared lies in the same database, and is DuckLake's to move.
    if settings.storage:
        raise InvalidSetting(
            "with ROPEWALK_STORAGE the lake's catalogue lies where the metadata database is, and cannot be moved",
            hint="move before you share the lake",
        )


def _tell(table: str, rows: int, *, as_json: bool) -> None:
    if rows and not as_json:
        click.echo(f"  {table}  {count(rows, 'row')}", err=True)


def _print(moved: Move, *, is_file: bool) -> None:
    how = "were there already, the same" if moved.was_there else "moved, and compared"
    click.echo(f"{count(moved.rows, 'row')} of {count(len(moved.tables), 'table')} {how}: {moved.target}")
    if is_file:
        click.echo("next: unset ROPEWALK_DATABASE_URL, wherever it is set")
    else:
        click.echo(
            "next: set ROPEWALK_DATABASE_URL to that URL, with its password, wherever this project runs"
        )
    click.echo(f"{moved.source} is opened no more; `ropewalk database reopen` would go back to it")
