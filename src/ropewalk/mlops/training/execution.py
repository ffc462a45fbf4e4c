"""One execution of one step: its tracked run, its process, and what it answered."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ropewalk.mlops.tracking import RunStatus, create_run, finish_run
from ropewalk.mlops.training.attempt import Attempt, run_attempt
from ropewalk.mlops.training.audit import read_log
from ropewalk.mlops.training.errors import StepStopped
from ropewalk.mlops.training.failures import obstructed
from ropewalk.mlops.training.git_origin import keep_patch, origin_tags
from ropewalk.mlops.training.held import show_product
from ropewalk.mlops.training.job import READS, Answer, Job, StepInput
from ropewalk.mlops.training.machine import watched_machine
from ropewalk.mlops.training.options import check_options
from ropewalk.mlops.training.outputs import keep_product
from ropewalk.mlops.training.scratch import scratch_folder
from ropewalk.mlops.training.step_environment import Interpreter, interpreter_for
from ropewalk.mlops.training.step_inputs import datasets, step_inputs, tables_read
from ropewalk.mlops.training.undeclared import observed_inputs, past_tables, undeclared_summary
from ropewalk.pipeline import JSON, Output, Task
from ropewalk.project import StepDeclaration

if TYPE_CHECKING:
    from ropewalk.mlops.training.step_parts import StepParts


@dataclass(frozen=True)
class _Execution:
    """One execution under way: its task, its declaration and inputs, its tracked run, its folder and log."""

    task: Task
    step: StepDeclaration
    inputs: list[StepInput]
    run_id: str
    staging: Path
    parts: StepParts | None = None


def run_step(task: Task) -> Output:
    """Run the step of `task` in a process of its own, against a new tracked run, and return what it made.

    Raises:
        StepFailed, StepKilled, StepTimedOut, StepOutOfMemory: its process came to no good end.
        StepStopped: the run is to end.
        StepObstructed: the disk, or a folder's permissions, would not let it run or its product be kept.
        WrongProduct, UnkeptFiles: it returned something else than it said, or what cannot be kept.
        ContractBroken, CheckNotRun: its table is not what its contract promises.
        NoEnvironmentTool, EnvironmentNotBuilt: the environment that it names cannot be made.
    """
    step = task.node.spec
    assert isinstance(step, StepDeclaration)
    try:
        with scratch_folder(task.workspace.state) as staging:
            attempt = Attempt(task, step, staging, _interpreter(task, step))
            output = _run_tracked(attempt, step_inputs(attempt))
        show_product(task.node, output, task.workspace)
    except OSError as error:
        raise obstructed(step, error) from error
    return output


def _interpreter(task: Task, step: StepDeclaration) -> Interpreter:
    named = check_options(step).env
    if named is None and task.workspace.is_search:
        # Only a search asks for packages of another time.
        from ropewalk.mlops.training.overlay import overlaid

        return overlaid(task)
    return interpreter_for(task, named)


def _run_tracked(attempt: Attempt, inputs: list[StepInput]) -> Output:
    task, step, workspace = attempt.task, attempt.step, attempt.task.workspace
    # The run exists before the process does: a step that dies at once still leaves a failed run to look at.
    params = {parameter.name: str(parameter.default) for parameter in step.parameters}
    experiment = workspace.project.name
    run_id = create_run(workspace, experiment, step.name, _tags(task, step), params, datasets(inputs))
    # Whatever way the execution ends, also Ctrl-C, the tracked run must not stay open.
    status: RunStatus = "FAILED"
    try:
        execution = _Execution(task, step, inputs, run_id, attempt.folder, _parts(task, step))
        attempt.cost.update(keep_patch(task, run_id))
        with watched_machine(workspace, run_id):
            answer = run_attempt(attempt, _job(execution))
        output = _output(execution, answer)
        status = "FINISHED"
    except StepStopped:
        status = "KILLED"
        raise
    finally:
        finish_run(workspace, run_id, status, attempt.cost)
    return output


def _parts(task: Task, step: StepDeclaration) -> StepParts | None:
    if "partition" not in task.node.facts:
        return None
    # Few steps need what tables in parts need.
    from ropewalk.mlops.training.step_parts import plan_step_parts

    return plan_step_parts(task, step)


def _job(execution: _Execution) -> Job:
    task, step = execution.task, execution.step
    calls = tuple(execution.parts.calls(task, step)) if execution.parts else ()
    most = min(len(calls), check_options(step).max_partitions)
    return Job(
        root=str(task.workspace.root),
        state=str(task.workspace.state),
        path=step.path,
        function=step.name,
        makes=step.makes,
        inputs=execution.inputs,
        parameters={parameter.name: parameter.default for parameter in step.parameters},
        run_id=execution.run_id,
        staging=str(execution.staging),
        calls=calls,
        workers=1 + task.take_more(most - 1) if most > 1 else 1,
    )


def _output(execution: _Execution, answer: Answer) -> Output:
    task, run_id = execution.task, execution.run_id
    observed = observed_inputs(task, read_log(execution.staging / READS))
    parts = execution.parts.having_seen(observed) if execution.parts else None
    made = keep_product(task, run_id, answer, execution.staging, parts)
    parameters: dict[str, JSON] = {p.name: repr(p.default) for p in execution.step.parameters}
    summary: dict[str, JSON] = {
        "run_id": run_id,
        "parameters": parameters,
        "inputs": [*tables_read(execution.inputs), *past_tables(observed)],
        **made.summary,
        **undeclared_summary(execution.step.name, observed),
    }
    counts = parts.observed() if parts else observed
    return replace(made, summary=summary, observed=counts, makes=(f"run:{run_id}", *made.makes))


def _tags(task: Task, step: StepDeclaration) -> dict[str, str]:
    return {
        **origin_tags(task, step),
        "mlflow.source.name": step.path,
        "mlflow.source.type": "PROJECT",
        "ropewalk.node": task.node.id,
        "ropewalk.key": task.key,
        "ropewalk.run": task.run_id,
        "ropewalk.attempt": str(task.attempt),
    }
