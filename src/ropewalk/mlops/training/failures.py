"""From how a step's process ended to the error that a person reads: what happened, where, and what to do next."""

from __future__ import annotations

import errno
import shlex
import signal
from typing import TYPE_CHECKING

from ropewalk.errors import Place, RopewalkError
from ropewalk.mlops.training.errors import (
    StepFailed,
    StepKilled,
    StepObstructed,
    StepOutOfMemory,
    StepStopped,
    StepTimedOut,
    WrongProduct,
)
from ropewalk.mlops.training.job import UNANSWERED, Answer
from ropewalk.pipeline import environment_name
from ropewalk.processes import Ended, ProcessLog
from ropewalk.project import StepDeclaration, current_branch

if TYPE_CHECKING:
    from ropewalk.mlops.training.attempt import Attempt

_NO_ROOM = "make room on the disk; nothing that was there is lost"
_NOT_ALLOWED = "give yourself the permission to write there, or set ROPEWALK_STATE_DIR to another folder"
_REMEDIES = {
    errno.ENOSPC: _NO_ROOM,
    errno.EDQUOT: _NO_ROOM,
    errno.EROFS: _NOT_ALLOWED,
    errno.EACCES: _NOT_ALLOWED,
    errno.EPERM: _NOT_ALLOWED,
}
GIGABYTE, MEGABYTE = 1_000_000_000, 1_000_000


def failure(attempt: Attempt, ended: Ended, answer: Answer | None, log: ProcessLog) -> RopewalkError:
    """Return the error for a process that ended as told and left this answer."""
    if answer and answer.error and not (ended.timed_out or ended.was_stopped or ended.over_memory):
        return _raised(attempt, answer, log)
    kind, message = _ending(attempt, ended, has_returned=answer is not None)
    return kind(message, place=attempt.step.place, hint=_hint(attempt, log), detail=log.tail())


def obstructed(step: StepDeclaration, error: OSError) -> StepObstructed:
    """Return the error for what the system refused while a step was prepared, or while its product was kept."""
    what = f": {error.filename}" if error.filename else ""
    told = StepObstructed(
        f"step {step.name!r} could not be carried out: {error.strerror or error}{what}",
        place=step.place,
        hint=_REMEDIES.get(error.errno or 0),
    )
    # Too many processes, too little memory: others may end meanwhile.
    told.may_pass = error.errno in (errno.EAGAIN, errno.ENOMEM)
    return told


def rerun_command(attempt: Attempt) -> str:
    """Return the command that runs the same step again: with the same parameters, in the same environment."""
    workspace = attempt.task.workspace
    words = ["ropewalk", "run", attempt.task.node.id]
    for name, value in workspace.project.parameters.items():
        words += ["-p", f"{name}={value}"]
    # On this branch the command finds its environment by itself.
    if workspace.settings.environment != environment_name(current_branch(workspace.root), {}):
        words += ["-e", workspace.settings.environment]
    return shlex.join(words)


def _hint(attempt: Attempt, log: ProcessLog) -> str:
    missing = f", which is not complete: {log.problem}" if log.problem else ""
    return f"`{rerun_command(attempt)}` runs it again; its log is {attempt.log}{missing}"


def _raised(attempt: Attempt, answer: Answer, log: ProcessLog) -> RopewalkError:
    step, hint = attempt.step, _hint(attempt, log)
    assert answer.error
    if answer.error.startswith("ModuleNotFoundError"):
        hint = f"install it in the environment that the step runs in; {hint}"
    kind = WrongProduct if answer.wrong_product else StepFailed
    place = Place(*answer.place) if answer.place else step.place
    message = log.mask.hide_text(f"step {step.name!r} failed: {answer.error}")
    error = kind(message, place=place, hint=hint, detail=log.tail())
    error.may_pass = not _retried_names(step.options.get("retry_on")).isdisjoint(answer.raised)
    return error


def _retried_names(option: object) -> set[str]:
    """Return the names of exceptions after which the step may be tried again."""
    if isinstance(option, str):
        return {option}
    return set(map(str, option)) if isinstance(option, list | tuple) else set()


def _ending(attempt: Attempt, ended: Ended, *, has_returned: bool) -> tuple[type[RopewalkError], str]:
    step = f"step {attempt.step.name!r}"
    if ended.over_memory:
        limit, peak = _size(attempt.task.node.limits.memory), _size(ended.max_rss)
        return StepOutOfMemory, f"{step} held {peak} of memory, more than its {limit}, and was ended"
    if ended.timed_out:
        returned = " returned but" if has_returned else ""
        why = ": a thread or an exit handler of it was still at work" if has_returned else " and was stopped"
        return StepTimedOut, f"{step}{returned} did not end within {attempt.timeout_s:g} s{why}"
    if ended.was_stopped:
        return StepStopped, f"{step} was stopped with the run"
    process = f"the process of {step}"
    if ended.code < 0:
        return StepKilled, f"{process} {_signal(-ended.code)} before the step returned"
    if ended.code == UNANSWERED:
        return StepFailed, f"{process} could not write down what the step returned, as its log says"
    return StepFailed, f"{process} ended with exit code {ended.code} before the step returned"


def _signal(number: int) -> str:
    if number == signal.SIGKILL:
        return "was killed, most likely by the system because memory ran out,"
    names = {known.value: f" ({known.name})" for known in signal.Signals}
    return f"ended with signal {number}{names.get(number, '')}"


def _size(count: int) -> str:
    if count >= GIGABYTE:
        return f"{count / GIGABYTE:.1f} GB"
    return f"{count / MEGABYTE:.0f} MB"
