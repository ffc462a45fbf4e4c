"""Following one column up: its direct origins, and the fields outside that it is made of in the end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ropewalk.dataops.columns.values import Origin, TableLineage


def first_origins(lineage: Mapping[str, TableLineage], column: Origin) -> tuple[Origin, ...]:
    """Return the columns that no SQL makes, of sources and steps, whose values `column` is made of in the end."""
    found: set[Origin] = set()
    seen, waiting = {column}, [column]
    while waiting:
        origin = waiting.pop()
        table = lineage.get(origin.table)
        if table is None:
            found.add(origin)
            continue
        known = table.column(origin.column)
        for upstream in known.values if known else ():
            if upstream not in seen:
                seen.add(upstream)
                waiting.append(upstream)
    return tuple(sorted(found - {column}))


def copies_of(lineage: Mapping[str, TableLineage], column: Origin) -> Iterator[Origin]:
    """Yield the columns of which `column` is a copy, the nearest first: they mean the same."""
    current = column
    while (table := lineage.get(current.table)) is not None:
        known = table.column(current.column)
        if known is None or known.transform != "copy" or len(known.values) != 1 or known.unknown:
            return
        current = known.values[0]
        yield current
