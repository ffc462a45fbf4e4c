"""`ropewalk explain`: what an error code means."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path

import click

import ropewalk
from ropewalk.cli.errors import UnknownCode, exit_code
from ropewalk.cli.output import emit_json
from ropewalk.errors import RopewalkError, error_classes, nearest


@click.command("explain")
@click.argument("code")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(code: str, *, as_json: bool) -> None:
    """Explain an error CODE such as RW112."""
    known = {error.code: error for error in all_errors()}
    found = known.get(code.upper())
    if found is None:
        raise UnknownCode(f"no error has the code {code!r}", nearest=nearest(code.upper(), known))
    text = inspect.cleandoc(found.__doc__ or "")
    if as_json:
        emit_json({"code": found.code, "name": found.__name__, "exit_code": exit_code(found), "text": text})
        return
    click.echo(f"{found.code}  {found.__name__}  (exit code {exit_code(found)})")
    click.echo(text)


def all_errors() -> list[type[RopewalkError]]:
    """Return every error class of the rooms, sorted by code."""
    _import_errors(Path(ropewalk.__file__).parent)
    return sorted(set(error_classes()), key=lambda error: error.code)


def _import_errors(package: Path) -> None:
    """Import the module `errors` of every room; a class is known only once its module is imported."""
    # By their files: the rooms' doors load lazily, and a command must not load all of them for one sentence.
    for path in package.rglob("errors.py"):
        parts = path.relative_to(package).with_suffix("").parts
        importlib.import_module(".".join(("ropewalk", *parts)))
