"""What a column means where nobody said it: what is said of the column that it is a copy of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ropewalk.dataops.catalog.values import ColumnCard
from ropewalk.dataops.columns import Origin, TableLineage, copies_of
from ropewalk.dataops.contracts import Contract, ContractColumn


def with_meaning(
    table: str, column: ColumnCard, lineage: Mapping[str, TableLineage], contracts: Mapping[str, Contract]
) -> ColumnCard:
    """Return the card with what it lacks of meaning, term, unit and personal class from the nearest copied column.

    Args:
        table: the column's table, in lower case.
        column: what is said of it itself.
        lineage: where columns come from, by table in lower case.
        contracts: by table in lower case.
    """
    found = column
    for origin in copies_of(lineage, Origin(table, column.name.lower())):
        said = _said(contracts.get(origin.table), origin.column)
        if said is None:
            continue
        if found.description is None and said.description:
            found = replace(found, description=said.description, inherited_from=str(origin))
        # Personal data stay personal, however far they are copied.
        found = replace(
            found,
            term=found.term or said.term,
            unit=found.unit or said.unit,
            pii=found.pii or said.pii,
            classification=found.classification or said.classification,
        )
    return found


def _said(contract: Contract | None, column: str) -> ContractColumn | None:
    columns = contract.columns if contract else ()
    return next((item for item in columns if item.name.lower() == column), None)
