"""A plan as a file: what was reviewed is what is carried out, or nothing is."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec
from blake3 import blake3

from ropewalk.errors import Place
from ropewalk.pipeline.errors import InvalidPlan, PlanMoved
from ropewalk.pipeline.plan import Plan, Status

FORMAT = "ropewalk-plan/1"
SHOWN = 10


class PlannedLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One node of a plan file; `key` is None while it waits for others, `seconds` what it cost the last time."""

    id: str
    status: str
    key: str | None
    reasons: list[str]
    seconds: float | None


class PlanFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A plan as it is written and reviewed.

    Attributes:
        format: the version of this form.
        project: the project's name.
        environment: whose pointers it moves.
        version: the version of the environment that it was made from.
        commit: the Git commit it was made at, if there is one.
        is_dirty: whether files differed from that commit.
        parameters: what it sets in place of steps' defaults.
        nodes: what would happen to each node, in order.
    """

    format: str
    project: str
    environment: str
    version: int
    commit: str | None
    is_dirty: bool
    parameters: dict[str, str]
    nodes: list[PlannedLine]

    @property
    def id(self) -> str:
        """Digest of the whole plan, 16 hex digits."""
        return blake3(msgspec.json.encode(self)).hexdigest()[:16]

    @property
    def expected(self) -> Mapping[str, str | None]:
        """The key that each of its nodes must have when it is executed."""
        return {node.id: node.key for node in self.nodes}


@dataclass(frozen=True)
class PlanOrigin:
    """Where a plan was made: project, commit, and the parameters that were set."""

    project: str
    commit: str | None
    is_dirty: bool
    parameters: Mapping[str, str]


def plan_file(plan: Plan, origin: PlanOrigin) -> PlanFile:
    """Return the plan in the form in which it is kept."""
    lines = [
        PlannedLine(
            node.id, node.status.value, node.key, [str(reason) for reason in node.reasons], node.seconds
        )
        for node in plan.nodes
    ]
    return PlanFile(
        FORMAT,
        origin.project,
        plan.environment,
        plan.version,
        origin.commit,
        origin.is_dirty,
        dict(origin.parameters),
        lines,
    )


def write_plan(plan: PlanFile, path: Path) -> None:
    """Write the plan to `path`, whole or not at all.

    Raises:
        InvalidPlan: the file cannot be written.
    """
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.write_bytes(msgspec.json.format(msgspec.json.encode(plan), indent=2) + b"\n")
        partial.replace(path)
    except OSError as error:
        with suppress(OSError):
            partial.unlink()
        raise InvalidPlan(f"the plan cannot be written: {error.strerror}", place=Place(str(path))) from error


def read_plan(path: Path) -> PlanFile:
    """Read a plan that `ropewalk plan -o` wrote.

    Raises:
        InvalidPlan: the file cannot be read, or is no such plan.
    """
    hint = "`ropewalk plan -o plan.json` writes one"
    try:
        plan = msgspec.json.decode(path.read_bytes(), type=PlanFile)
    except OSError as error:
        raise InvalidPlan(f"cannot be read: {error.strerror}", place=Place(str(path)), hint=hint) from error
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InvalidPlan(f"not a plan: {error}", place=Place(str(path)), hint=hint) from error
    if plan.format != FORMAT:
        raise InvalidPlan(
            f"a plan of the form {plan.format!r}, and this Ropewalk carries out {FORMAT!r}",
            place=Place(str(path)),
            hint="make a new plan",
        )
    return plan


def require_same(reviewed: PlanFile, now: Plan) -> None:
    """Refuse to carry out a plan that would not be made again, just like that, at this moment.

    Raises:
        PlanMoved: the environment, the project's files or the outside moved; the detail names the nodes.
    """
    hint = "make a new plan, and have it reviewed again"
    if reviewed.version != now.version:
        raise PlanMoved(
            f"environment {reviewed.environment!r} was at version {reviewed.version} when the plan was made, "
            f"and is at {now.version}",
            hint=hint,
        )
    then = {node.id: (node.status, node.key) for node in reviewed.nodes}
    today = {node.id: (node.status.value, node.key) for node in now.nodes}
    moved = [i for i in sorted({*then, *today}) if then.get(i) != today.get(i)]
    if moved:
        lines = [f"{i}: {_shown(then.get(i))} in the plan, {_shown(today.get(i))} now" for i in moved[:SHOWN]]
        more = [f"... {len(moved) - SHOWN} more"] if len(moved) > SHOWN else []
        message = f"{len(moved)} of the plan's nodes moved since it was made, {moved[0]} among them"
        raise PlanMoved(message, hint=hint, detail="\n".join(lines + more))


def _shown(line: tuple[str, str | None] | None) -> str:
    if line is None:
        return "not there"
    status, key = line
    return f"{status} ({key[:8]})" if key and status != Status.FRESH.value else status
