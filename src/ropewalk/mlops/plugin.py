"""What MLOps registers: the sections `gates`, `registry` and `retention`, the kinds step, gate and model, and MLflow's routes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ropewalk.pipeline import DeferredKind, has_entries, has_folder, has_text
from ropewalk.plugins import hookimpl
from ropewalk.project import Address, Section

if TYPE_CHECKING:
    from ropewalk.pipeline import Kept, NodeKind, Swept, Workspace
    from ropewalk.routes import Route


@hookimpl
def project_sections() -> list[Section]:
    """Return the sections that declare gates, and rules of the registry and of retention."""
    conditions = Address("ropewalk.mlops.evaluation", "Conditions")
    rules = Address("ropewalk.mlops.registry", "RegistryEntry")
    retention = Address("ropewalk.mlops.tracking", "RetentionRule")
    return [
        Section("gates", conditions, "conditions a model's metrics must keep before it is registered"),
        Section("registry", rules, "by model, or `all`: what its files may import, whose approval it needs"),
        Section("retention", retention, "rules by which `ropewalk gc` puts away old runs and their files"),
    ]


@hookimpl
def node_kinds() -> list[NodeKind]:
    """Return the kinds of machine learning: steps, gates and models."""
    has_steps = has_folder("steps")
    return [
        DeferredKind("step", "ropewalk.mlops.training:StepKind", has_steps),
        DeferredKind("gate", "ropewalk.mlops.evaluation:GateKind", has_entries("gates")),
        DeferredKind("model", "ropewalk.mlops.registry:ModelKind", has_text("steps", "Model")),
    ]


@hookimpl
def http_routes(workspace: Workspace) -> list[Route]:
    """Return MLflow's routes."""
    from ropewalk.mlops.tracking import routes

    return routes(workspace)


@hookimpl
def sweep(workspace: Workspace, kept: Kept) -> list[Swept]:
    """Empty the trash of tracking, follow the rules of retention, and remove environments that no step uses."""
    from ropewalk.mlops.tracking import sweep_tracking, sweep_uploads
    from ropewalk.mlops.training import sweep_environments

    swept = [*sweep_tracking(workspace, kept), sweep_uploads(workspace, kept)]
    return [*swept, sweep_environments(workspace, kept)]


@hookimpl
def live_objects(workspace: Workspace, kept: Kept) -> Iterable[str]:
    """Return the objects of all artifacts and model versions, and of the files that steps made."""
    from ropewalk.mlops.training import files_objects
    from ropewalk.store.garbage import listed_objects

    return {*listed_objects(workspace.database), *files_objects(kept.references, workspace.objects)}
