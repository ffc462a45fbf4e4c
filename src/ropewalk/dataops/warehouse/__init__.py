"""Second engines: tables computed by another database, with the lake's contracts, lineage and environments.

Other rooms import from here and nowhere deeper.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ropewalk.doors import lazy_names

if TYPE_CHECKING:
    from ropewalk.dataops.warehouse.computing import Job, Version, compute, rows_sql, stand
    from ropewalk.dataops.warehouse.declarations import Engine
    from ropewalk.dataops.warehouse.translation import translate

__all__ = ["Engine", "Job", "Version", "compute", "rows_sql", "stand", "translate"]

__getattr__ = lazy_names(__name__, __file__)
