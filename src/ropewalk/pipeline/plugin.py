"""What the engine itself registers: the sections of `ropewalk.yaml` that are about runs and environments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ropewalk.plugins import hookimpl
from ropewalk.project import Address, Section

if TYPE_CHECKING:
    from ropewalk.pipeline.garbage import Kept, Swept
    from ropewalk.pipeline.workspace import Workspace


@hookimpl
def project_sections() -> list[Section]:
    """Return the sections that declare environments, pools and schedules."""
    environment = Address("ropewalk.pipeline", "EnvironmentEntry")
    pool = Address("ropewalk.pipeline", "PoolSize")
    schedule = Address("ropewalk.pipeline", "ScheduleForm")
    return [
        Section("environments", environment, "Environments with rules of their own"),
        Section("pools", pool, "Pools that steps share, such as a database that bears three clients"),
        Section("schedule", schedule, "When runs start by themselves"),
    ]


@hookimpl
def sweep(workspace: Workspace, kept: Kept) -> list[Swept]:
    """Remove the logs of runs of which nothing stays."""
    from ropewalk.pipeline.garbage import sweep_logs

    return [sweep_logs(workspace, kept)]
