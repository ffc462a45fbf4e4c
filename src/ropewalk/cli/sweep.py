"""The option `--sweep` of `ropewalk run`: reading its axes, running its points, showing what came out."""

from __future__ import annotations

import click

from ropewalk.cli.errors import exit_code, report_error
from ropewalk.cli.output import emit_json, emit_table
from ropewalk.cli.progress import watch_run
from ropewalk.cli.session import Session
from ropewalk.pipeline import State, SweepPoint, grid, sweep

Axes = dict[str, list[str]]


def read_axes(_context: click.Context, _parameter: click.Parameter, given: tuple[str, ...]) -> Axes:
    """Return the values of each swept parameter, by `STEP.NAME`."""
    axes: Axes = {}
    for text in given:
        name, equals, values = text.partition("=")
        if not equals or "." not in name or not all(values.split(",")):
            message = f"{text!r} is not STEP.NAME=A,B,..., such as train.max_depth=4,6,8"
            raise click.BadParameter(message)
        # A value twice would be the same point twice.
        axes[name] = list(dict.fromkeys(values.split(",")))
    return axes


def run_sweep(session: Session, names: tuple[str, ...], axes: Axes, *, as_json: bool) -> int:
    """Run every point, print a table or one JSON object, and return the exit code."""
    points = grid(axes)
    found = []
    with watch_run(0) as observer:
        for number, point in enumerate(sweep(points, session.kinds, session.workspace, observer, names), 1):
            found.append(point)
            shown = ", ".join(f"{name}={value}" for name, value in point.parameters.items())
            click.echo(f"point {number} of {len(points)} done: {shown}", err=True)
    errors = [node.error for point in found for node in point.result.nodes if node.error]
    if as_json:
        emit_json({"points": [_document(point) for point in found]})
    else:
        for error in errors:
            report_error(error, as_json=False, debug=False)
        _print(found)
    return max((exit_code(type(error)) for error in errors), default=0)


def _document(point: SweepPoint) -> dict[str, object]:
    return {
        "parameters": dict(point.parameters),
        "run_id": point.result.run_id,
        "executed": point.result.count(State.EXECUTED),
        "failed": point.result.count(State.FAILED),
        "metrics": point.metrics(),
    }


def _print(found: list[SweepPoint]) -> None:
    names = sorted({name for point in found for name in point.metrics()})
    rows = [
        [
            *point.parameters.values(),
            *(point.metrics().get(name) for name in names),
            point.result.count(State.EXECUTED),
            point.result.run_id[:8],
        ]
        for point in found
    ]
    emit_table([*found[0].parameters, *names, "executed", "run"], rows)
