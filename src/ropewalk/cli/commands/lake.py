"""`ropewalk lake`: looking after the lake, its snapshots and pins, and taking tables out of it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ropewalk.cli.commands.gc import amount
from ropewalk.cli.errors import WrongUsage, exit_code
from ropewalk.cli.output import count, emit_json, emit_table, plain, short_ids, shorten
from ropewalk.cli.session import environment_option, open_session
from ropewalk.dataops.lake import (
    LakeDamaged,
    Pin,
    SnapshotInfo,
    Verified,
    compact_lake,
    environment_contents,
    environment_tables,
    expire_unnamed,
    export_iceberg,
    export_tables,
    moment_of_table,
    moment_tables,
    open_lake,
    verify_lake,
)
from ropewalk.pipeline import find_kept, parse_age

if TYPE_CHECKING:
    from ropewalk.pipeline import Workspace

AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
LONGEST = 60


@click.group("lake")
def command() -> None:
    """Look after the lake: its snapshots and pins, its files, and copies of its tables."""


@command.command("snapshots")
@click.argument("table", required=False)
@click.option(
    "--limit", type=click.IntRange(1), default=20, show_default=True, help="Most snapshots to list."
)
@AS_JSON
def snapshots_command(table: str | None, *, limit: int, as_json: bool) -> None:
    """List the snapshots that are kept, the newest first, or those that changed TABLE."""
    with open_session() as session:
        found = open_lake(session.workspace).snapshots(table, limit)
    if as_json:
        emit_json({"snapshots": [{**asdict(one), "time": _time(one.time_ms)} for one in found]})
        return
    emit_table(("snapshot", "time", "author", "message", "tables"), [_snapshot_row(one) for one in found])
    click.echo(count(len(found), "snapshot"), err=True)


@command.command("verify")
@AS_JSON
def verify_command(*, as_json: bool) -> int:
    """Read every table at the head, of each pin and each environment, and compare files with the catalogue.

    The exit code is 1 when something is missing or is not what was written down.
    """
    with open_session() as session, _progress() as report:
        lake = open_lake(session.workspace)
        if not lake.exists:
            return _nothing(as_json=as_json)
        found = verify_lake(lake, environment_contents(session.workspace), report)
    if as_json:
        emit_json({**asdict(found), "problems": found.problems})
        return exit_code(LakeDamaged) if found.problems else 0
    _print_verified(found)
    if found.problems:
        raise LakeDamaged(
            f"the lake has {count(len(found.problems), 'problem')}",
            hint="take the files from a backup; without one, move the lake away and `ropewalk run` makes it anew",
        )
    return 0


@command.command("compact")
@AS_JSON
def compact_command(*, as_json: bool) -> None:
    """Merge small files, and leave out rows that were deleted; every snapshot reads as before."""
    with open_session() as session:
        lake = open_lake(session.workspace)
        if not lake.exists:
            _nothing(as_json=as_json)
            return
        done = compact_lake(lake)
    if as_json:
        emit_json(asdict(done))
        return
    before = f"{count(done.files_before, 'file')} of {amount(done.bytes_before)}"
    click.echo(f"{before} became {done.files_after:,} of {amount(done.bytes_after)}")
    click.echo("what was replaced goes with the next `ropewalk lake expire` or `ropewalk gc`")


@command.command("expire")
@click.option("--older-than", default="14d", show_default=True, metavar="AGE", help="Keep what is younger.")
@click.option(
    "--keep", type=click.IntRange(1), default=1, show_default=True, help="Keep this many in any case."
)
@click.option("--dry-run", "is_dry", is_flag=True, help="Say what would go, and remove nothing.")
@AS_JSON
def expire_command(*, older_than: str, keep: int, is_dry: bool, as_json: bool) -> None:
    """Let go of snapshots that no pin, environment, history, release or run names, with their files."""
    age_ms = parse_age(older_than)
    if age_ms is None:
        raise WrongUsage(f"{older_than!r} is no age", hint="write a number and s, m, h, d or w, such as 14d")
    with open_session() as session:
        kept = find_kept(session.workspace, age_ms, is_dry=is_dry)
        expired = expire_unnamed(open_lake(session.workspace), kept, keep)
    if as_json:
        emit_json({"dry_run": is_dry, **asdict(expired)})
        return
    gone = f"{count(expired.snapshots, 'snapshot')} and {count(expired.files, 'file')}"
    click.echo(f"{gone} {'would go' if is_dry else 'went'}, {amount(expired.bytes)}")


@command.command("export")
@click.argument("table", metavar="TABLE[@MOMENT]|@MOMENT|all")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--format", "form", type=click.Choice(("parquet", "iceberg")), default="parquet", show_default=True
)
@environment_option
@AS_JSON
def export_command(table: str, folder: Path, *, form: str, environment: str | None, as_json: bool) -> None:
    """Write a table, or all, into FOLDER: files that any tool reads, and a list of their digests.

    A table is written as the environment has it, or with @MOMENT as it was at a pin, a snapshot or a time.
    """
    with open_session(environment=environment) as session, _progress() as report:
        lake = open_lake(session.workspace)
        tables = _tables(session.workspace, table)
        write = export_iceberg if form == "iceberg" else export_tables
        done = write(lake, tables, folder, report)
    if as_json:
        emit_json({"folder": str(folder), "format": form, "tables": [asdict(one) for one in done]})
        return
    rows = [(one.table, one.snapshot, one.content.rows, amount(one.bytes), one.file) for one in done]
    emit_table(("table", "snapshot", "rows", "size", "file"), rows)


@command.command("pin")
@click.argument("name")
@click.argument("moment", required=False, metavar="[SNAPSHOT]")
@click.option("-m", "--message", default="", help="What it is for.")
@environment_option
@AS_JSON
def pin_command(
    name: str, moment: str | None, *, message: str, environment: str | None, as_json: bool
) -> None:
    """Give the tables that the environment has a NAME, and keep them; or all tables of a snapshot or time."""
    with open_session(environment=environment) as session:
        lake, workspace = open_lake(session.workspace), session.workspace
        tables = moment_tables(lake, moment) if moment else environment_tables(workspace)
        pin = lake.pin(name, tables, message)
    _tell_pin(pin, "pinned", as_json=as_json)


@command.command("unpin")
@click.argument("name")
@AS_JSON
def unpin_command(name: str, *, as_json: bool) -> None:
    """Take the pin NAME away; its snapshots may be expired from then on."""
    with open_session() as session:
        pin = open_lake(session.workspace).unpin(name)
    _tell_pin(pin, "no longer pinned", as_json=as_json)


@command.command("pins")
@AS_JSON
def pins_command(*, as_json: bool) -> None:
    """List the pins with their tables."""
    with open_session() as session:
        found = open_lake(session.workspace).pins()
    if as_json:
        emit_json({"pins": [asdict(pin) for pin in found]})
        return
    rows = [
        (pin.name, _time(pin.time_ms), pin.author, one.table, one.snapshot, one.digest.rows, pin.message)
        for pin in found
        for one in pin.tables
    ]
    emit_table(("pin", "time", "author", "table", "snapshot", "rows", "message"), rows)
    click.echo(count(len(found), "pin"), err=True)


def _tables(workspace: Workspace, asked: str) -> Mapping[str, int]:
    """Return the snapshot of each table that `TABLE[@MOMENT]`, `@MOMENT` or `all` means."""
    name, at, moment = asked.partition("@")
    lake = open_lake(workspace)
    if at and not moment:
        raise WrongUsage(f"{asked!r} names no moment after the @", hint="write a pin, a snapshot or a time")
    if name in ("", "all"):
        return moment_tables(lake, moment) if moment else environment_tables(workspace)
    return {name: moment_of_table(lake, name, moment) if moment else _here(workspace, name)}


def _here(workspace: Workspace, table: str) -> int:
    """Return the snapshot at which the environment has `table`; of what no node makes, the newest."""
    found = environment_tables(workspace).get(table.lower())
    lake = open_lake(workspace)
    return moment_of_table(lake, table, str(lake.snapshot())) if found is None else found


def _nothing(*, as_json: bool) -> int:
    if as_json:
        emit_json({"lake": None})
    else:
        click.echo("there is no lake yet: `ropewalk run` makes it")
    return 0


def _print_verified(found: Verified) -> None:
    rows = [
        (one.table, one.snapshot, one.rows, ", ".join(one.names), one.problem or "ok") for one in found.tables
    ]
    emit_table(("table", "snapshot", "rows", "named by", "state"), rows)
    click.echo(f"{count(found.files, 'file')} of {amount(found.bytes)} in the catalogue")
    if found.unknown:
        size = amount(found.unknown_bytes)
        click.echo(
            f"{count(len(found.unknown), 'file')} of {size} that it does not name: a change under way, or a kill"
        )
    for problem in found.problems:
        click.echo(f"x {plain(problem)}")
    if not found.problems:
        click.echo("the lake is whole")


def _snapshot_row(one: SnapshotInfo) -> tuple[object, ...]:
    message = shorten(short_ids(one.message or ""), LONGEST)
    tables = shorten(", ".join(one.tables), LONGEST)
    return one.number, _time(one.time_ms), one.author, message, tables


def _tell_pin(pin: Pin, said: str, *, as_json: bool) -> None:
    if as_json:
        emit_json(asdict(pin))
        return
    emit_table(
        ("table", "snapshot", "rows"), [(one.table, one.snapshot, one.digest.rows) for one in pin.tables]
    )
    click.echo(f"{pin.name}: {count(len(pin.tables), 'table')} {said}")


def _time(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")


@contextmanager
def _progress() -> Iterator[Callable[[int, int, str], None]]:
    """Yield a function that shows how far the work is, on a terminal, on stderr."""
    if not sys.stderr.isatty():
        yield lambda _done, _total, _what: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bars:
        bar = bars.add_task("", total=None)
        yield lambda done, total, what: bars.update(bar, completed=done, total=total, description=what)
