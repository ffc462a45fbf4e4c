"""The options of `@step`, checked while planning."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ropewalk.errors import nearest
from ropewalk.mlops.training.errors import InvalidStep
from ropewalk.project import StepDeclaration

_DURATION = re.compile(r"^(\d+)\s*([smh])$")
_SECONDS = {"s": 1, "m": 60, "h": 3600}
_TEXT_OPTIONS = ("model", "timeout", "version")


def check_options(step: StepDeclaration) -> Mapping[str, str]:
    """Return the options of a step as texts.

    Raises:
        InvalidStep: an option that does not exist or does not fit.
    """
    for name, value in step.options.items():
        if name not in _TEXT_OPTIONS:
            raise InvalidStep(
                f"@step has no option {name!r}",
                place=step.place,
                nearest=nearest(name, _TEXT_OPTIONS),
                hint="valid here: " + ", ".join(_TEXT_OPTIONS),
            )
        if not isinstance(value, str):
            raise InvalidStep(f"option {name!r} of @step must be a text, not {value!r}", place=step.place)
    options = {name: str(value) for name, value in step.options.items()}
    # Checked now for its error only: a wrong duration should be found by a plan, not an hour into a run.
    timeout_seconds(options.get("timeout"), step, default=0)
    return options


def timeout_seconds(text: str | None, step: StepDeclaration, default: float) -> float:
    """Return the seconds that `30s`, `5m` or `2h` stand for.

    Raises:
        InvalidStep: the text is none of these.
    """
    if text is None:
        return default
    match = _DURATION.match(text)
    if not match:
        raise InvalidStep(
            f"timeout {text!r} is not a duration", place=step.place, hint="write it like 90s, 30m or 2h"
        )
    return float(int(match[1]) * _SECONDS[match[2]])
