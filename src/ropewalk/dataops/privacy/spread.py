"""From columns that are called personal to all that hold the same, or what is made of it, by column lineage."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace

from ropewalk.dataops.columns import ColumnLineage, Origin, TableLineage, copies_of
from ropewalk.dataops.lake import Masks

# Of several masks the one that shows least.
STRICTEST = ("total", "partial", "hash", "null")


@dataclass
class _Spreading:
    """What is known so far.

    Attributes:
        masks: what contracts and the glossary say.
        opened: columns that a contract calls open: whatever they are made of, somebody has judged them.
        found: the kind of mask by column, of those that lineage has shown to be personal.
    """

    masks: Masks
    opened: Collection[Origin]
    found: dict[Origin, str] = field(default_factory=dict)

    def kind(self, column: Origin) -> str | None:
        """Return how a column is masked, or None while nothing says that it is personal."""
        return self.masks.known(column.table).get(column.column) or self.found.get(column)

    def add(self, column: Origin, kind: str) -> None:
        """Note that a column is personal, unless somebody has called it open or named its mask."""
        if column not in self.opened and self.kind(column) is None:
            self.found[column] = kind


def spread_masks(masks: Masks, lineage: Mapping[str, TableLineage], opened: Collection[Origin]) -> Masks:
    """Return `masks` with those of columns that are copied from, copied to, or made of what they mask.

    Args:
        masks: what contracts and the glossary call personal.
        lineage: each table that SQL makes, inputs first.
        opened: columns that are called open by their contract.
    """
    spreading = _Spreading(masks, opened)
    _spread_up(spreading, lineage)
    # Tables that Python made may hand on what SQL gave them, and SQL may read it again.
    while True:
        spreading.masks = replace(masks, untraced=_everywhere(spreading))
        before = len(spreading.found)
        for table in lineage.values():
            for made in table.columns:
                _spread_down(spreading, Origin(table.table, made.name.lower()), made)
        if len(spreading.found) == before:
            return replace(spreading.masks, tables=_by_table(spreading))


def _spread_up(spreading: _Spreading, lineage: Mapping[str, TableLineage]) -> None:
    # What a personal column is a copy of is as personal; its other copies then follow from that.
    for column in [*_said(spreading.masks), *_named(spreading.masks, lineage)]:
        kind = spreading.kind(column)
        for source in copies_of(lineage, column) if kind else ():
            spreading.add(source, str(kind))


def _by_table(spreading: _Spreading) -> dict[str, dict[str, str]]:
    tables = {name: dict(columns) for name, columns in spreading.masks.tables.items()}
    for column, kind in spreading.found.items():
        tables.setdefault(column.table, dict(spreading.masks.names))[column.column] = kind
    return tables


def _everywhere(spreading: _Spreading) -> dict[str, str]:
    """Return the strictest mask of each name that any personal column has."""
    found: dict[str, str] = {}
    known = [
        *spreading.masks.names.items(),
        *(item for columns in spreading.masks.tables.values() for item in columns.items()),
        *((column.column, kind) for column, kind in spreading.found.items()),
    ]
    for name, kind in known:
        found[name] = max(found.get(name, kind), kind, key=STRICTEST.index)
    return found


def _said(masks: Masks) -> Iterator[Origin]:
    for table, columns in masks.tables.items():
        yield from (Origin(table, column) for column in columns)


def _named(masks: Masks, lineage: Mapping[str, TableLineage]) -> Iterator[Origin]:
    """Yield the columns that are personal by their names alone, in tables without a contract."""
    for table in lineage.values():
        if table.table not in masks.tables:
            for column in table.columns:
                if column.name.lower() in masks.names:
                    yield Origin(table.table, column.name.lower())


def _spread_down(spreading: _Spreading, column: Origin, made: ColumnLineage) -> None:
    kinds = [kind for source in made.values if (kind := spreading.kind(source))]
    if kinds:
        strictest = max(kinds, key=STRICTEST.index)
        # A count or a sum over many persons is what tables are made for; the greatest salary is somebody's.
        spreading.add(column, "total" if made.transform == "aggregated" else strictest)
