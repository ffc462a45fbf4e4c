"""Exit codes, and how an error reads on a terminal; the codes are chosen here and nowhere else."""

from __future__ import annotations

import json
import traceback

import click

from ropewalk.errors import (
    Conflict,
    Failed,
    GateFailed,
    InvalidInput,
    NotFound,
    RopewalkError,
    Unavailable,
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


def format_error(error: RopewalkError) -> str:
    """Return the error as people read it: code and sentence, place, nearest name, detail, hint."""
    lines = [click.style(f"error[{error.code}]", fg="red", bold=True) + f": {error.message}"]
    if error.place:
        lines.append(f"  --> {error.place}")
    if error.nearest:
        lines.append(f"  did you mean: {error.nearest}")
    if error.detail:
        lines += [f"  | {line}" for line in error.detail.splitlines()]
    if error.hint:
        lines.append(f"hint: {error.hint}")
    return "\n".join(lines)
