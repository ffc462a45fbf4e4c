"""`ropewalk explain`: what an error code means."""

from __future__ import annotations

import inspect

import click

from ropewalk import plugins
from ropewalk.cli.errors import exit_code
from ropewalk.errors import NotFound, RopewalkError, error_classes, nearest


class UnknownCode(NotFound):
    """No error has the code that was asked for."""

    code = "RW289"


@click.command("explain")
@click.argument("code")
def command(code: str) -> None:
    """Explain an error CODE such as RW112."""
    plugins.plugin_manager()
    known = {error.code: error for error in all_errors()}
    found = known.get(code.upper())
    if found is None:
        raise UnknownCode(f"no error has the code {code!r}", nearest=nearest(code.upper(), known))
    click.echo(f"{found.code}  {found.__name__}  (exit code {exit_code(found)})")
    click.echo(inspect.cleandoc(found.__doc__ or ""))


def all_errors() -> list[type[RopewalkError]]:
    """Return every error class of the rooms, sorted by code."""
    return sorted(set(error_classes()), key=lambda error: error.code)
