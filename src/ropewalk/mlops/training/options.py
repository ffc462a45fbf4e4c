"""The options of `@step`, checked while planning: a slip in one is found by a plan, not an hour into a run."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from ropewalk.errors import nearest
from ropewalk.mlops.training.errors import InvalidStep
from ropewalk.pipeline import Limits
from ropewalk.project import StepDeclaration

T = TypeVar("T")
OPTIONS = (
    "model",
    "timeout",
    "version",
    "cpu",
    "memory",
    "pool",
    "retries",
    "backoff",
    "retry_on",
    "env",
    "partition",
    "max_partitions",
)
MOST_RETRIES = 100
# Each interval that is made at the same time loads the step once more.
USUAL_PARTITIONS, MOST_PARTITIONS = 4, 1024
ENVIRONMENT_TOOL = "uv:"
_PARTITION = re.compile(r"^(hour|day|month|key)\([A-Za-z_]\w*\)$")
_DURATION = re.compile(r"^(\d+)\s*([smh])$")
_SECONDS = {"s": 1, "m": 60, "h": 3600}
_SIZE = re.compile(r"^(\d+(?:\.\d+)?)\s*([KMGT]i?)B$")
_BYTES = {
    f"{letter}{middle}": unit**power
    for power, letter in enumerate("KMGT", start=1)
    for middle, unit in (("", 1000), ("i", 1024))
}
_EXCEPTION = re.compile(r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$")


@dataclass(frozen=True)
class CheckedOptions:
    """What `@step(...)` says.

    Attributes:
        model: name under which its model is registered.
        timeout_s: the longest it may run; None means that the setting decides.
        version: what the user raises to have it run again; counts in the key.
        env: the locked file of an environment of its own, relative to the project; its content counts in the key.
        retry_on: names of exceptions after which it is tried again.
        partition: how its table is made in parts, such as `day(flown_on)`.
        max_partitions: how many of its intervals are made at the same time at most.
        limits: how it may be executed.
    """

    model: str | None = None
    timeout_s: float | None = None
    version: str | None = None
    env: str | None = None
    retry_on: tuple[str, ...] = ()
    partition: str | None = None
    max_partitions: int = USUAL_PARTITIONS
    limits: Limits = field(default_factory=Limits)


def check_options(step: StepDeclaration, pools: Iterable[str] | None = None) -> CheckedOptions:
    """Return the options of a step.

    Args:
        step: the declaration.
        pools: the pools that the project declares; None leaves the name of the pool unchecked.

    Raises:
        InvalidStep: an option that does not exist or does not fit.
    """
    for name in step.options:
        if name not in OPTIONS:
            raise InvalidStep(
                f"@step has no option {name!r}",
                place=step.place,
                nearest=nearest(name, OPTIONS),
                hint="valid here: " + ", ".join(OPTIONS),
            )
    found = _Options(step)
    return CheckedOptions(
        model=found.text("model"),
        timeout_s=found.read("timeout", duration_seconds, "a duration", "90s, 30m or 2h"),
        version=found.text("version"),
        env=found.read("env", _locked_file, "an environment", f"{ENVIRONMENT_TOOL}requirements/train.txt"),
        retry_on=found.names("retry_on"),
        partition=_partition(found),
        max_partitions=_max_partitions(found),
        limits=_limits(found, pools),
    )


def duration_seconds(text: str) -> float | None:
    """Return the seconds that `30s`, `5m` or `2h` stand for; None for anything else."""
    match = _DURATION.match(text)
    return float(int(match[1]) * _SECONDS[match[2]]) if match else None


def size_bytes(text: str) -> int | None:
    """Return the bytes that `512MB`, `2GB` or `1.5GiB` stand for; None for anything else."""
    match = _SIZE.match(text)
    return int(float(match[1]) * _BYTES[match[2]]) if match else None


def _partition(found: _Options) -> str | None:
    text = found.read(
        "partition",
        lambda told: told if _PARTITION.match(told) else None,
        "a partition",
        "day(flown_on): hour, day, month or key, and a column of the table and of its inputs",
    )
    if text is not None and found.step.makes != "Table":
        raise found.refuse(
            f"step {found.step.name!r} is partitioned and makes no table", "let it say that it does: -> Table"
        )
    return text


def _max_partitions(found: _Options) -> int:
    if "max_partitions" in found.step.options and "partition" not in found.step.options:
        raise found.refuse(
            f"step {found.step.name!r} has max_partitions and is not partitioned",
            'say how it is cut, such as partition="day(flown_on)"',
        )
    return found.number("max_partitions", USUAL_PARTITIONS, 1, MOST_PARTITIONS)


def _limits(found: _Options, pools: Iterable[str] | None) -> Limits:
    default = Limits()
    pool = found.text("pool")
    known = [pool] if pools is None else list(pools)
    if pool is not None and pool not in known:
        declared = ", ".join(map(str, known))
        raise found.refuse(
            f"no pool is called {pool!r}",
            "the project declares " + declared if declared else "declare it below `pools:` in ropewalk.yaml",
            nearest(pool, map(str, known)),
        )
    return Limits(
        cpu=found.number("cpu", default.cpu, 1, 4096),
        memory=found.read("memory", size_bytes, "a size", "512MB, 2GB or 1.5GiB") or default.memory,
        pool=pool,
        retries=found.number("retries", default.retries, 0, MOST_RETRIES),
        backoff_s=found.read("backoff", duration_seconds, "a duration", "10s or 2m") or default.backoff_s,
    )


def _locked_file(text: str) -> str | None:
    path = text.removeprefix(ENVIRONMENT_TOOL).strip()
    # Below the project, because what stands elsewhere is not what a colleague has.
    is_inside = bool(path) and not path.startswith("/") and ".." not in path.split("/")
    return path if text.startswith(ENVIRONMENT_TOOL) and is_inside else None


class _Options:
    """Reads the options of one step, each as what it must be."""

    def __init__(self, step: StepDeclaration) -> None:
        self.step = step

    def text(self, name: str) -> str | None:
        value = self.step.options.get(name)
        if value is None or isinstance(value, str):
            return value
        raise self.refuse(f"option {name!r} of @step must be a text, not {value!r}")

    def read(self, name: str, parse: Callable[[str], T | None], what: str, such_as: str) -> T | None:
        text = self.text(name)
        if text is None:
            return None
        value = parse(text)
        if value is None:
            raise self.refuse(f"{name} {text!r} is not {what}", f"write it like {such_as}")
        return value

    def number(self, name: str, default: int, least: int, most: int) -> int:
        value = self.step.options.get(name, default)
        # True is a number to Python, and a slip here.
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise self.refuse(
                f"option {name!r} of @step must be a whole number from {least} to {most}, not {value!r}"
            )
        return value

    def names(self, name: str) -> tuple[str, ...]:
        value = self.step.options.get(name, ())
        given = [value] if isinstance(value, str) else value
        if isinstance(given, list | tuple) and all(
            isinstance(item, str) and _EXCEPTION.match(item) for item in given
        ):
            return tuple(map(str, given))
        raise self.refuse(
            f"option {name!r} of @step must name exceptions, not {value!r}",
            'write it like retry_on=("ConnectionError", "TimeoutError")',
        )

    def refuse(self, message: str, hint: str | None = None, close: str | None = None) -> InvalidStep:
        return InvalidStep(message, place=self.step.place, hint=hint, nearest=close)
