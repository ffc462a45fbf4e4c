"""Writing short table names out in full before the engine sees them, and finding the way back for its complaints."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ropewalk.dataops.lake import TableName, quote, table_of
from ropewalk.dataops.transform.errors import TableFailed
from ropewalk.dataops.transform.values import Reference, TableSpec
from ropewalk.errors import Place, RopewalkError

# `...part of a line...` and, in the next line, a mark below what is wrong.
_SHORTENED = re.compile(r"\.\.\.(?P<part>.*?)(?:\.\.\.)?\n(?P<indent> *)\^")
READABLE = ("table", "source", "step")


@dataclass(frozen=True)
class Insertion:
    """Text put in before a reference."""

    before: Reference
    text: str


@dataclass(frozen=True)
class QualifiedSQL:
    """A statement with every table named in full, and what was put in for that, in order."""

    text: str
    insertions: tuple[Insertion, ...]

    def find_place(self, error: RopewalkError) -> Place | None:
        """Return where in the file stands what `error`, which the lake raised for this text, is about."""
        place = error.place
        if place is None or place.line is None:
            return place
        column = place.column or self._column_in_excerpt(place.line, error.detail or "")
        return self.as_written(Place(place.path, place.line, column))

    def as_written(self, place: Place) -> Place:
        """Return where the character at `place` of the text stands in the file."""
        if place.column is None:
            return place
        column = place.column
        for insertion in self.insertions:
            if insertion.before.line == place.line and insertion.before.column < column:
                column = max(column - len(insertion.text), insertion.before.column)
        return Place(place.path, place.line, column)

    def _column_in_excerpt(self, line: int, detail: str) -> int | None:
        """Return the marked column of a long line, of which the engine shows only a part."""
        shown = _SHORTENED.match(detail)
        start = self.text.splitlines()[line - 1].find(shown["part"]) if shown else -1
        if shown is None or start < 0:
            return None
        return start + len(shown["indent"]) - len("...") + 1


def qualify(spec: TableSpec, input_ids: Mapping[str, str]) -> QualifiedSQL:
    """Return the table's SELECT with each short name written out as the pipeline resolved it.

    Args:
        spec: the table.
        input_ids: the node behind each name that the table reads.

    Raises:
        TableFailed: a name means something that has no rows, such as a step.
    """
    text = spec.sql.statement
    insertions = [
        Insertion(reference, _prefix(spec, reference, input_ids[reference.name]))
        for reference in spec.sql.references
    ]
    # From the end, so that the offsets before stay right.
    for insertion in reversed(insertions):
        offset = insertion.before.offset
        text = text[:offset] + insertion.text + text[offset:]
    return QualifiedSQL(text, tuple(insertions))


def pin(spec: TableSpec, input_ids: Mapping[str, str], snapshots: Mapping[str, int]) -> str:
    """Return the table's SELECT with each table it reads written out as the lake's at its snapshot.

    Args:
        spec: the table.
        input_ids: the node behind each name that the table reads.
        snapshots: the snapshot of each of those tables.
    """
    text = spec.sql.statement
    for reference in reversed(spec.sql.references):
        table = table_of(input_ids[reference.name])
        assert table is not None
        relation = f"(FROM {TableName.parse(table).at(snapshots[table])})"
        # Columns are asked for by the name that the table has in the statement.
        alias = "" if reference.alias else f" AS {quote(table.rpartition('.')[2])}"
        text = text[: reference.offset] + relation + alias + text[reference.end :]
    return text


def narrow(spec: TableSpec, input_ids: Mapping[str, str], driver: str | None, condition: str) -> str:
    """Return the table's SELECT over those rows of its input `driver` alone that meet `condition`; None: over no rows.

    Raises:
        TableFailed: a name means something that has no rows.
    """
    text = spec.sql.statement
    if driver is None:
        whole = qualify(spec, input_ids).text
        return f"SELECT * FROM (\n{whole}\n) WHERE false"
    for reference in reversed(spec.sql.references):
        written = text[reference.offset : reference.end]
        full = _prefix(spec, reference, input_ids[reference.name]) + written
        if reference.name == driver:
            name = "" if reference.alias else f" AS {quote(driver.rpartition('.')[2])}"
            full = f"(SELECT * FROM {full} WHERE {condition}){name}"
        text = text[: reference.offset] + full + text[reference.end :]
    return text


def _prefix(spec: TableSpec, reference: Reference, node_id: str) -> str:
    """Return what is missing before the reference: `mart.`, or nothing for a full name."""
    kind, table = node_id.partition(":")[0], table_of(node_id)
    if kind not in READABLE or table is None:
        raise TableFailed(
            f"{spec.table} selects from {reference.name!r}, which is a {kind}",
            place=Place(spec.path, reference.line, reference.column),
            hint="FROM takes tables, sources (raw.NAME) and steps that make tables (steps.NAME)",
        )
    return "" if "." in reference.name else f"{table.partition('.')[0]}."
