"""What the engine itself registers: the sections of `ropewalk.yaml` that are about runs and environments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ropewalk.plugins import hookimpl
from ropewalk.project import Section

if TYPE_CHECKING:
    from ropewalk.pipeline.garbage import Kept, Swept
    from ropewalk.pipeline.workspace import Workspace


@hookimpl
def project_sections() -> list[Section]:
    """Return the sections that declare environments, pools and schedules."""
    from ropewalk.pipeline.declared import ENVIRONMENTS, POOLS
    from ropewalk.pipeline.schedule_section import SCHEDULES

    return [ENVIRONMENTS, POOLS, SCHEDULES]


@hookimpl
def sweep(workspace: Workspace, kept: Kept) -> list[Swept]:
    """Remove the logs of runs of which nothing stays."""
    from ropewalk.pipeline.garbage import sweep_logs

    return [sweep_logs(workspace, kept)]
