"""What a step's process made, kept: the engine's side of a product, one branch for each kind.

The step's side is `products.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ropewalk.mlops.tracking import log_metrics, logged_model_files
from ropewalk.mlops.training.artifacts import model_digest
from ropewalk.mlops.training.files_product import keep_files
from ropewalk.mlops.training.held import FILES
from ropewalk.mlops.training.job import Answer
from ropewalk.mlops.training.table_product import keep_table
from ropewalk.pipeline import JSON, Output, Task, Workspace

if TYPE_CHECKING:
    from ropewalk.mlops.training.step_parts import StepParts


def keep_product(
    task: Task, run_id: str, answer: Answer, staging: Path, parts: StepParts | None = None
) -> Output:
    """Keep what the step made under the tracked run `run_id` and return its output.

    Raises:
        UnkeptFiles: something among its files cannot be kept.
        ContractBroken, CheckNotRun: its table is not what its contract promises.
    """
    if answer.model_uri is not None:
        return _keep_model(task.workspace, answer.model_uri)
    if answer.metrics is not None:
        log_metrics(task.workspace, run_id, answer.metrics)
        # Equal numbers are equal content: what needs them need not run again.
        return Output(metrics_digest(answer.metrics), f"run:{run_id}", {"metrics": dict(answer.metrics)})
    if answer.table is not None:
        return keep_table(task, Path(answer.table), parts)
    if answer.files is not None:
        return _keep_files(task.workspace, Path(answer.files), staging)
    return Output(task.key, f"run:{run_id}")


def metrics_digest(metrics: Mapping[str, float]) -> str:
    """Return the digest of numbers: the numbers themselves, which say more than a digest would."""
    return "metrics " + " ".join(f"{name}={value!r}" for name, value in sorted(metrics.items()))


def _keep_model(workspace: Workspace, uri: str) -> Output:
    model_id = uri.rpartition("/")[2]
    files = logged_model_files(workspace, model_id)
    reference = f"logged_model:{model_id}"
    summary: dict[str, JSON] = {"model_id": model_id, "files": len(files)}
    return Output(model_digest(files, workspace.objects), reference, summary, makes=(reference,))


def _keep_files(workspace: Workspace, path: Path, staging: Path) -> Output:
    manifest, stored = keep_files(path, workspace.objects, staging)
    summary: dict[str, JSON] = {"files": len(manifest.files), "bytes": manifest.size}
    return Output(stored.digest, f"{FILES}:{stored.digest}", summary)
