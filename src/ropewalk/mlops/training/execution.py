"""One execution of one step: its tracked run, its process, and what it answered."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ropewalk.errors import Place
from ropewalk.mlops.tracking import (
    Dataset,
    create_run,
    endpoint,
    finish_run,
    log_metrics,
    logged_model_files,
)
from ropewalk.mlops.training.artifacts import model_digest
from ropewalk.mlops.training.errors import InvalidStep, StepFailed, StepTimedOut, WrongProduct
from ropewalk.mlops.training.job import (
    Answer,
    Job,
    MetricsInput,
    ModelInput,
    TableInput,
    read_answer,
    write_job,
)
from ropewalk.mlops.training.options import check_options, timeout_seconds
from ropewalk.mlops.training.process import Command, Ended, last_lines, run_process
from ropewalk.pipeline import JSON, Output, Task
from ropewalk.project import StepDeclaration, git_state

HARNESS = "ropewalk.mlops.training.harness"


@dataclass(frozen=True)
class _Execution:
    """One execution under way: its task, its declaration, its tracked run, its folder and log."""

    task: Task
    step: StepDeclaration
    run_id: str
    log: Path


def run_step(task: Task) -> Output:
    """Run the step of `task` in a process of its own, against a new tracked run, and return what it made.

    Raises:
        StepFailed: the step raised, or its process died.
        StepTimedOut: it ran too long.
        WrongProduct: it returned something else than it said.
    """
    step = task.node.spec
    assert isinstance(step, StepDeclaration)
    workspace = task.workspace
    # The run exists before the process does: a step that dies at once still leaves a failed run to look at.
    params = {parameter.name: str(parameter.default) for parameter in step.parameters}
    run_id = create_run(
        workspace,
        workspace.project.name,
        step.name,
        _tags(task, step),
        params,
        _datasets(_inputs(task, step)),
    )
    log = workspace.state / "logs" / task.run_id / f"{step.name}.log"
    # Whatever way the execution ends, also Ctrl-C, the tracked run must not stay open.
    status: Literal["FAILED", "FINISHED"] = "FAILED"
    try:
        output = _run(_Execution(task, step, run_id, log))
        status = "FINISHED"
    finally:
        finish_run(workspace, run_id, status)
    return output


def _run(execution: _Execution) -> Output:
    task, step = execution.task, execution.step
    workspace = task.workspace
    address = workspace.once("tracking endpoint", lambda: endpoint(workspace))
    with tempfile.TemporaryDirectory(prefix="ropewalk-step-") as folder:
        job_path, answer_path = Path(folder) / "job.json", Path(folder) / "answer.json"
        write_job(_job(execution), job_path)
        command = Command(
            HARNESS,
            (str(job_path), str(answer_path), str(os.getpid())),
            {"MLFLOW_TRACKING_URI": address, "MLFLOW_RUN_ID": execution.run_id, **_QUIET},
            execution.log,
        )
        limit = timeout_seconds(check_options(step).get("timeout"), step, workspace.settings.step_timeout)
        task.report(0, None, "running")
        ended = run_process(command, limit, workspace.stopping)
        answer = read_answer(answer_path)
    if ended.code != 0 or answer is None:
        raise _error(execution, ended, answer, limit)
    return _output(execution, answer)


# The client must not ask hosts on the internet anything, nor draw its own bars into the log.
_QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    # The address is that of an endpoint which ends with the run: a link to it would be dead.
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "DO_NOT_TRACK": "true",
    "GIT_PYTHON_REFRESH": "quiet",
}


def _job(execution: _Execution) -> Job:
    task, step = execution.task, execution.step
    return Job(
        root=str(task.workspace.root),
        state=str(task.workspace.state),
        path=step.path,
        function=step.name,
        makes=step.makes,
        inputs=_inputs(task, step),
        parameters={parameter.name: parameter.default for parameter in step.parameters},
        run_id=execution.run_id,
    )


def _inputs(task: Task, step: StepDeclaration) -> list[TableInput | ModelInput | MetricsInput]:
    """Return what the step's positional parameters stand for, in their order."""
    return [_input(name, task.input_ids[name], task.inputs[name], step) for name, _ in step.needs]


def _input(
    name: str, node_id: str, output: Output, step: StepDeclaration
) -> TableInput | ModelInput | MetricsInput:
    kind, _, rest = output.reference.partition(":")
    # The step reads the content that its key was computed from, even if the lake moves on meanwhile.
    if kind == "snapshot":
        table = (
            f"raw.{node_id.partition(':')[2]}" if node_id.startswith("source:") else node_id.partition(":")[2]
        )
        return TableInput(name, table, int(rest), output.digest)
    if kind == "logged_model":
        return ModelInput(name, f"models:/{rest}")
    metrics = output.summary.get("metrics")
    if isinstance(metrics, dict):
        return MetricsInput(name, {metric: float(str(value)) for metric, value in metrics.items()})
    raise InvalidStep(f"step {step.name!r} cannot take {node_id} as its input {name!r}", place=step.place)


def _output(execution: _Execution, answer: Answer) -> Output:
    task, run_id = execution.task, execution.run_id
    parameters: dict[str, JSON] = {p.name: repr(p.default) for p in execution.step.parameters}
    summary: dict[str, JSON] = {"run_id": run_id, "parameters": parameters, "inputs": _tables(execution)}
    run = f"run:{run_id}"
    if answer.model_uri is not None:
        model_id = answer.model_uri.rpartition("/")[2]
        files = logged_model_files(task.workspace, model_id)
        digest = model_digest(files, task.workspace.objects)
        summary |= {"model_id": model_id, "files": len(files)}
        return Output(digest, f"logged_model:{model_id}", summary, makes=(run, f"logged_model:{model_id}"))
    if answer.metrics is not None:
        log_metrics(task.workspace, run_id, answer.metrics)
        summary |= {"metrics": dict(answer.metrics)}
        # Equal numbers are equal content: what needs them need not run again.
        return Output(_metrics_digest(answer.metrics), run, summary, makes=(run,))
    return Output(task.key, run, summary, makes=(run,))


def _metrics_digest(metrics: Mapping[str, float]) -> str:
    return "metrics " + " ".join(f"{name}={value!r}" for name, value in sorted(metrics.items()))


def _tables(execution: _Execution) -> list[JSON]:
    """Return the snapshots the step read, as the registry keeps them."""
    return [
        {"table": item.table, "snapshot": item.snapshot, "digest": item.digest}
        for item in _inputs(execution.task, execution.step)
        if isinstance(item, TableInput)
    ]


def _datasets(inputs: Sequence[TableInput | ModelInput | MetricsInput]) -> list[Dataset]:
    """Return which snapshots the run reads, as MLflow's clients describe data sets."""
    return [
        Dataset(
            name=item.table,
            # MLflow allows 36 characters for a digest.
            digest=item.digest[:36],
            source_type="ropewalk",
            source=json.dumps({"table": item.table, "snapshot": item.snapshot}),
            tags={"mlflow.data.context": "training"},
        )
        for item in inputs
        if isinstance(item, TableInput)
    ]


def _tags(task: Task, step: StepDeclaration) -> dict[str, str]:
    git = git_state(task.workspace.root)
    tags = {
        "mlflow.source.name": step.path,
        "mlflow.source.type": "PROJECT",
        "ropewalk.node": task.node.id,
        "ropewalk.key": task.key,
        "ropewalk.run": task.run_id,
    }
    if git.commit:
        tags |= {"mlflow.source.git.commit": git.commit, "ropewalk.git.dirty": str(git.is_dirty).lower()}
    if git.branch:
        tags["mlflow.source.git.branch"] = git.branch
    return tags


def _error(
    execution: _Execution, ended: Ended, answer: Answer | None, limit: float
) -> StepFailed | StepTimedOut | WrongProduct:
    step = execution.step
    again = f"`ropewalk run {execution.task.node.id}` runs it again; its log is {execution.log}"
    tail = last_lines(execution.log)
    if ended.timed_out:
        message = f"step {step.name!r} did not end within {limit:g} s and was stopped"
        return StepTimedOut(message, place=step.place, hint=again, detail=tail)
    if answer and answer.error:
        place = Place(*answer.place) if answer.place else step.place
        kind = WrongProduct if answer.wrong_product else StepFailed
        if answer.error.startswith("ModuleNotFoundError"):
            again = f"install it in the environment that `ropewalk` runs in; {again}"
        return kind(f"step {step.name!r} failed: {answer.error}", place=place, hint=again, detail=tail)
    how = "was stopped" if ended.was_stopped else f"ended with {_exit(ended.code)} before the step returned"
    return StepFailed(f"the process of step {step.name!r} {how}", place=step.place, hint=again, detail=tail)


def _exit(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"
