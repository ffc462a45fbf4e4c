"""Rows in a file of newline-delimited JSON whose types are known: nothing is found by looking."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ropewalk.dataops.lake import Column, literal
from ropewalk.dataops.sources.columns import Relation

# No record is larger than what a person would want in one row.
LARGEST_RECORD = 1 << 28


def typed_relation(path: Path, columns: Mapping[str, str]) -> Relation:
    """Return the rows of the file at `path` as a SELECT, in `columns` (name -> type) and in no others."""
    shown = ", ".join(f"{literal(name)}: {literal(kind)}" for name, kind in columns.items())
    sql = (
        f"SELECT * FROM read_json({literal(str(path))}, format = 'newline_delimited', "
        f"maximum_object_size = {LARGEST_RECORD}, columns = {{{shown}}})"
    )
    return Relation(sql, tuple(Column(name, kind) for name, kind in columns.items()))
