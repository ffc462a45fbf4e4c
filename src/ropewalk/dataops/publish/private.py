"""Columns that must not leave unasked: those that the table's contract classifies as personal or secret."""

from __future__ import annotations

from collections.abc import Container, Mapping

from ropewalk.dataops.publish.declarations import Publication
from ropewalk.dataops.publish.errors import InvalidPublication
from ropewalk.errors import Place
from ropewalk.project import Project

# What organisations call data that are not everybody's; the standard leaves the word to them.
PRIVATE = frozenset(
    {"pii", "personal", "private", "sensitive", "confidential", "highly confidential", "restricted", "secret"}
)


def private_columns(project: Project, name: str, declared: Publication, place: Place) -> Mapping[str, str]:
    """Return the private columns of the published table, each with its classification, that were selected.

    Raises:
        InvalidPublication: there are some, and the entry does not say what becomes of them.
    """
    # By lower case, as columns are chosen: a name that is written otherwise must not slip through.
    chosen = {name.lower() for name in declared.columns}
    found = {
        column: word
        for column, word in _classified(project, declared.table, chosen).items()
        if word.lower() in PRIVATE and (not chosen or column.lower() in chosen)
    }
    if found and declared.pii == "refuse":
        first, word = next(iter(found.items()))
        raise InvalidPublication(
            f"publication {name!r} would show {', '.join(found)}: the contract of {declared.table} classifies"
            f" {first} as {word}",
            place=place,
            hint="`pii: leave_out` publishes the other columns, `pii: include` all of them",
        )
    return found


def _classified(project: Project, table: str, chosen: Container[str]) -> dict[str, str]:
    # Reading a contract loads the standard's model, which a table without one does not need.
    from ropewalk.dataops.contracts import contract_files, read_contracts

    if table.lower() not in {name.lower() for name in contract_files(project.root)}:
        return {}
    contract = read_contracts(project.root)[table.lower()]
    said = {column.name: column.classification for column in contract.columns if column.classification}
    # What a term of the glossary calls personal, no classification has to repeat.
    names = {column.name.lower(): column.name for column in contract.columns}
    # The masks hold each name that a term has; whether an undescribed column has it is seen when there are columns.
    known = (name for name in contract.masks if name in names or name in chosen)
    return {names.get(name, name): "pii" for name in known} | said
