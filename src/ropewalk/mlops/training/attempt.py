"""One attempt at a step: its job written, its process run to the end, and its answer read or its failure told."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from ropewalk.access import step_token
from ropewalk.mlops.tracking import endpoint_on_demand
from ropewalk.mlops.training.failures import failure
from ropewalk.mlops.training.job import Answer, Job, read_answer, write_job
from ropewalk.mlops.training.options import check_options
from ropewalk.mlops.training.step_environment import Interpreter
from ropewalk.pipeline import Task
from ropewalk.processes import (
    Command,
    Ended,
    Mask,
    ProcessLog,
    Watch,
    find_secrets,
    log_path,
    run_process,
)
from ropewalk.project import StepDeclaration

MEGABYTE = 1_000_000
# What the step's process runs; named and not imported, as it is loaded on that side only.
_HARNESS = "ropewalk.mlops.training.harness"
# The client must not ask hosts on the internet anything, nor draw its own bars into the log.
_QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    # The address is that of an endpoint which ends with the run: a link to it would be dead.
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "DO_NOT_TRACK": "true",
    "GIT_PYTHON_REFRESH": "quiet",
}


@dataclass(frozen=True)
class Attempt:
    """One attempt at a step.

    Attributes:
        task: what the engine wants executed.
        step: its declaration.
        folder: where its job and its answer are put; this attempt's own.
        interpreter: what runs it.
        cost: tags of the tracked run that say what it cost; filled in once its process has ended, however it did.
    """

    task: Task
    step: StepDeclaration
    folder: Path
    interpreter: Interpreter = field(default_factory=Interpreter)
    cost: dict[str, str] = field(default_factory=dict)

    @property
    def log(self) -> Path:
        """Where its processes print to."""
        return log_path(
            self.task.workspace.state / "logs" / self.task.run_id, self.step.name, self.task.attempt
        )

    @property
    def timeout_s(self) -> float:
        """How long its process may run."""
        return check_options(self.step).timeout_s or self.task.workspace.settings.step_timeout


def run_attempt(attempt: Attempt, job: Job) -> Answer:
    """Run `job` in a process of its own and return its answer.

    Raises:
        OSError: its process, its files or its log cannot be made.
        RopewalkError: it did not answer, or answered with an error; see `failures`.
    """
    task = attempt.task
    job_path, answer_path = attempt.folder / "job.json", attempt.folder / "answer.json"
    write_job(job, job_path)
    limit = task.workspace.settings.step_log_limit * MEGABYTE
    with (
        _credential(attempt, job) as credential,
        ProcessLog(attempt.log, limit, _mask(task, credential)) as log,
    ):
        task.report(0, None, "running")
        command = _command(attempt, job, job_path, answer_path)
        command = replace(command, environment={**command.environment, **credential})
        ended = run_process(command, log, _watch(attempt, job))
    attempt.cost.update({"ropewalk.cpu_s": f"{ended.cpu_s:.3f}", "ropewalk.max_rss": str(ended.max_rss)})
    task.add_cpu(ended.cpu_s)
    answer = read_answer(answer_path)
    if answer is None or answer.error or not _is_over(ended):
        raise failure(attempt, ended, answer, log)
    return answer


@contextmanager
def _credential(attempt: Attempt, job: Job) -> Iterator[dict[str, str]]:
    """Yield the variables by which the step says who it is: those of a token that ends with it, if one is required."""
    workspace = attempt.task.workspace
    if workspace.settings.access != "required":
        yield {}
        return
    name, seconds = workspace.project.name, attempt.timeout_s
    with step_token(workspace.database, name, job.run_id or attempt.task.run_id, seconds) as secret:
        yield {"MLFLOW_TRACKING_TOKEN": secret}


def _is_over(ended: Ended) -> bool:
    """Return whether the process came to its end by itself; what it does after its answer takes nothing back."""
    return not (ended.timed_out or ended.was_stopped or ended.over_memory)


def _command(attempt: Attempt, job: Job, job_path: Path, answer_path: Path) -> Command:
    workspace = attempt.task.workspace
    address = workspace.once("tracking endpoint", lambda: endpoint_on_demand(workspace))
    variables = {"MLFLOW_TRACKING_URI": address, "MLFLOW_RUN_ID": job.run_id, **_QUIET}
    variables |= attempt.interpreter.variables
    return Command(
        _HARNESS, (str(job_path), str(answer_path)), variables, workspace.root, attempt.interpreter.python
    )


def _watch(attempt: Attempt, job: Job) -> Watch:
    task = attempt.task
    return Watch(
        attempt.timeout_s,
        task.workspace.stopping,
        # Of the run's memory it took its own once for each process.
        task.node.limits.memory * job.workers,
        tell=lambda line: task.report(0, None, line),
    )


def _mask(task: Task, credential: Mapping[str, str]) -> Mask:
    declared = task.workspace.root / "ropewalk.yaml"
    text = declared.read_text(encoding="utf-8", errors="replace") if declared.is_file() else ""
    return find_secrets({**os.environ, **credential}, text)
