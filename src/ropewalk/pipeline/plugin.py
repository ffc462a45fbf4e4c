"""What the engine itself registers: the sections of `ropewalk.yaml` that are about runs and environments."""

from __future__ import annotations

from ropewalk.plugins import hookimpl
from ropewalk.project import Section


@hookimpl
def project_sections() -> list[Section]:
    """Return the sections that declare environments, pools and schedules."""
    from ropewalk.pipeline.declared import ENVIRONMENTS, POOLS
    from ropewalk.pipeline.schedule_section import SCHEDULES

    return [ENVIRONMENTS, POOLS, SCHEDULES]
