"""The command line's own errors, exit codes, and how an error reads on a terminal.

RopewalkError
├── InvalidInput
│   ├── WrongUsage         RW188  a command, an option or an argument that does not exist or fit
│   └── NothingToPredict   RW189  no rows to predict were named, or their file cannot be read
└── NotFound
    └── UnknownCode        RW289  no error has the code that was asked for

Exit codes are chosen here and nowhere else.
"""

from __future__ import annotations

import json
import traceback
from collections.abc import Mapping

import click

from ropewalk.cli.output import plain
from ropewalk.errors import (
    Conflict,
    Failed,
    GateFailed,
    InvalidInput,
    NotFound,
    RopewalkError,
    Unavailable,
    nearest,
)

EXIT_CODES: dict[type[RopewalkError], int] = {
    RopewalkError: 5,
    Failed: 1,
    GateFailed: 1,
    InvalidInput: 2,
    NotFound: 3,
    Conflict: 4,
    Unavailable: 5,
}


class WrongUsage(InvalidInput):
    """A command, an option or an argument does not exist or does not fit."""

    code = "RW188"


class NothingToPredict(InvalidInput):
    """`ropewalk predict` was given neither a table nor a file, both, or a file it cannot read."""

    code = "RW189"


class UnknownCode(NotFound):
    """No error has the code that was asked for."""

    code = "RW289"


def wrong_usage(error: click.ClickException) -> WrongUsage:
    """Return click's complaint about what was typed as an error like all others."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    command = context.command_path if context else "ropewalk"
    hint = f"`{command} --help` shows what it takes"
    if not isinstance(error, click.NoSuchOption):
        return WrongUsage(error.format_message().rstrip("."), hint=hint)
    # These belong to the program, not to a command, and most people write them last.
    if error.option_name in ("--debug", "-C", "--directory"):
        hint = f"write it before the command: `ropewalk {error.option_name} ...`"
    close = nearest(error.option_name, error.possibilities or ())
    return WrongUsage(f"{command} has no option {error.option_name}", nearest=close, hint=hint)


def exit_code(error: type[RopewalkError]) -> int:
    """Return the exit code for an error class: that of its nearest ancestor in the table."""
    return next(EXIT_CODES[parent] for parent in error.__mro__ if parent in EXIT_CODES)


def report_error(error: RopewalkError, *, as_json: bool, debug: bool) -> int:
    """Print `error` (JSON to stdout, text to stderr) and return the exit code it asks for."""
    # A program that asked for JSON reads stdout; it must find the error there, as one object.
    if as_json:
        click.echo(json.dumps({"error": error.as_json()}))
    else:
        click.echo(format_error(error), err=True)
    if debug:
        click.echo("".join(traceback.format_exception(error)), err=True)
    return exit_code(type(error))


def report_broken(broken: Mapping[str, RopewalkError]) -> None:
    """Tell on stderr of files that are no part of what was listed, as they cannot be read."""
    for error in broken.values():
        click.echo(format_error(error), err=True)


def format_error(error: RopewalkError) -> str:
    """Return the error as people read it: code and sentence, place, nearest name, detail, hint."""
    # Names and logs come from outside; what they hold must not reach the terminal as commands to it.
    first, *more = [plain(line) for line in error.message.splitlines()] or [""]
    lines = [click.style(f"error[{error.code}]", fg="red", bold=True) + f": {first}"]
    lines += [f"  {line}" for line in more]
    if error.place:
        lines.append(f"  --> {plain(str(error.place))}")
    if error.nearest:
        lines.append(f"  did you mean: {plain(error.nearest)}")
    if error.detail:
        lines += [f"  | {plain(line)}" for line in error.detail.splitlines()]
    if error.hint:
        lines.append(f"hint: {error.hint}")
    return "\n".join(lines)
