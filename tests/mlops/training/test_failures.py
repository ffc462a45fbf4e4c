"""From how a process ended to the error that a person reads."""

from __future__ import annotations

import dataclasses
import errno
import os

import pytest

from ropewalk.errors import Place
from ropewalk.mlops.training.attempt import Attempt
from ropewalk.mlops.training.errors import (
    StepFailed,
    StepKilled,
    StepOutOfMemory,
    StepStopped,
    StepTimedOut,
    WrongProduct,
)
from ropewalk.mlops.training.failures import failure, obstructed, rerun_command
from ropewalk.mlops.training.job import Answer
from ropewalk.pipeline import Limits, Node, Task
from ropewalk.processes.masking import Mask
from ropewalk.processes.process import Ended
from ropewalk.processes.process_log import ProcessLog
from ropewalk.project import StepDeclaration

OPTIONS = {"timeout": "5s", "retry_on": ["OSError"]}
STEP = StepDeclaration("train", "steps/a.py", (), (), "Model", OPTIONS, Place("steps/a.py", 3, 1))


@pytest.fixture
def attempt(workspace, tmp_path) -> Attempt:
    """Return an attempt at a step that may hold 2 GB."""
    node = Node("step:train", STEP.place, STEP, Limits(memory=2_000_000_000))
    return Attempt(Task(node, "key", {}, {}, "run", workspace, lambda *_: None), STEP, tmp_path)


@pytest.fixture
def fail(attempt, tmp_path):
    """Return a function that tells of an end; the log has two lines, and `hunter2hunter2` is secret."""

    def tell(ended, answer=None):
        with ProcessLog(tmp_path / "x.log", 1000, Mask(["hunter2hunter2"])) as log:
            log.feed(b"one\ntwo\n")
        return failure(attempt, ended, answer, log)

    return tell


@pytest.mark.parametrize(
    ("ended", "answer", "kind", "message"),
    [
        (
            Ended(-9, timed_out=True),
            None,
            StepTimedOut,
            "step 'train' did not end within 5 s and was stopped",
        ),
        (
            Ended(-9, timed_out=True),
            Answer(),
            StepTimedOut,
            "step 'train' returned but did not end within 5 s",
        ),
        (Ended(-15, was_stopped=True), None, StepStopped, "step 'train' was stopped with the run"),
        (
            Ended(-9, over_memory=True, max_rss=2_140_000_000),
            None,
            StepOutOfMemory,
            "step 'train' held 2.1 GB of memory, more than its 2.0 GB, and was ended",
        ),
        (
            Ended(-9),
            None,
            StepKilled,
            "the process of step 'train' was killed, most likely by the system because memory ran out, before",
        ),
        (Ended(-11), None, StepKilled, "ended with signal 11 (SIGSEGV) before the step returned"),
        (Ended(-64), None, StepKilled, "ended with signal 64"),
        (Ended(0), None, StepFailed, "ended with exit code 0 before the step returned"),
        (Ended(74), None, StepFailed, "could not write down what the step returned"),
        (Ended(1), Answer(error="ValueError: x"), StepFailed, "step 'train' failed: ValueError: x"),
        (Ended(1), Answer(error="returned int", wrong_product=True), WrongProduct, "failed: returned int"),
    ],
)
def test_error_says_how_it_ended(fail, attempt, ended, answer, kind, message):
    """Each way to end has its class and its sentence; all have the log's end and the way to run it again."""
    error = fail(ended, answer)

    assert type(error) is kind
    assert message in error.message
    assert error.detail == "one\ntwo"
    assert "`ropewalk run step:train` runs it again" in error.hint
    assert str(attempt.log) in error.hint


@pytest.mark.parametrize(
    ("ended", "answer", "may_pass"),
    [
        (Ended(-9, timed_out=True), None, True),
        (Ended(-9, over_memory=True), None, True),
        (Ended(-9), None, True),
        (Ended(-15, was_stopped=True), None, False),
        (Ended(3), None, False),
        (Ended(1), Answer(error="x", raised=("ConnectionError", "OSError", "Exception")), True),
        (Ended(1), Answer(error="x", raised=("ValueError", "Exception")), False),
        (Ended(1), Answer(error="x", wrong_product=True, raised=("WrongReturn",)), False),
    ],
)
def test_what_may_pass(fail, ended, answer, may_pass):
    """Trying again can help after a time-out and a kill, and after an error only when the step names it."""
    assert fail(ended, answer).may_pass is may_pass


@pytest.mark.parametrize(
    ("number", "hint", "may_pass"),
    [
        (errno.ENOSPC, "make room on the disk", False),
        (errno.EROFS, "permission to write", False),
        (errno.EAGAIN, "None", True),
        (errno.ENOENT, "None", False),
    ],
)
def test_what_the_system_refuses(number, hint, may_pass):
    """The system's own words and the file it was about are told, with what helps."""
    error = obstructed(STEP, OSError(number, os.strerror(number), "/somewhere"))

    assert error.message == f"step 'train' could not be carried out: {os.strerror(number)}: /somewhere"
    assert hint in str(error.hint)
    assert error.may_pass is may_pass


def test_error_stands_where_the_user_erred(fail):
    """The line of the user's own code wins over that of the step."""
    told = fail(Ended(1), Answer(error="x", place=("steps/b.py", 9)))

    assert str(told.place) == "steps/b.py:9"
    assert fail(Ended(1), Answer(error="x")).place == STEP.place


def test_missing_package_is_to_be_installed(fail):
    """A package that is not there is a matter of the environment, and the hint says so first."""
    error = fail(Ended(1), Answer(error="ModuleNotFoundError: No module named 'x'"))

    assert error.hint.startswith("install it in the environment")


def test_secret_in_an_error_is_hidden(fail):
    """An error that quotes a secret does not carry it into reports."""
    assert fail(Ended(1), Answer(error="no access with hunter2hunter2")).message.endswith(
        "no access with ***"
    )


def test_log_that_could_not_be_kept(attempt):
    """An error whose log is not whole says why."""
    log = ProcessLog(attempt.folder / "x.log", 1000, Mask(()))
    log.problem = "No space left on device"
    log.close()

    assert "which is not complete: No space left on device" in failure(attempt, Ended(1), None, log).hint


def test_command_is_the_same_again(attempt, monkeypatch):
    """The command to run a step again has the run's parameters, quoted for a shell, and its environment."""
    workspace = attempt.task.workspace
    parameters = {"train.depth": "8", "train.name": "two words"}
    monkeypatch.setattr(workspace, "project", workspace.project.with_parameters(parameters))
    monkeypatch.setattr(
        workspace, "settings", dataclasses.replace(workspace.settings, environment="branch-x")
    )

    command = rerun_command(attempt)

    assert command == "ropewalk run step:train -p train.depth=8 -p 'train.name=two words' -e branch-x"
