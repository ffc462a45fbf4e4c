"""Where columns come from: value by value and decision by decision, from source field to model and people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ropewalk.doors import lazy_names

if TYPE_CHECKING:
    from ropewalk.dataops.columns.errors import UnknownColumn
    from ropewalk.dataops.columns.impact import Affected, Hop, ImpactReader, Reading
    from ropewalk.dataops.columns.openlineage import openlineage_events
    from ropewalk.dataops.columns.people import Person
    from ropewalk.dataops.columns.report import AffectedCheck, Impact, find_impact
    from ropewalk.dataops.columns.tables import downstream_tables, read_table_lineage
    from ropewalk.dataops.columns.trace import copies_of, first_origins
    from ropewalk.dataops.columns.values import ColumnLineage, Origin, TableLineage, Use

__all__ = [
    "Affected",
    "AffectedCheck",
    "ColumnLineage",
    "Hop",
    "Impact",
    "ImpactReader",
    "Origin",
    "Person",
    "Reading",
    "TableLineage",
    "UnknownColumn",
    "Use",
    "copies_of",
    "downstream_tables",
    "find_impact",
    "first_origins",
    "openlineage_events",
    "read_table_lineage",
]

__getattr__ = lazy_names(__name__, __file__)
