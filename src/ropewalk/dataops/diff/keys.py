"""What the project's files say about the rows of a table: which columns identify one, and which are nobody's business."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ropewalk.dataops.contracts import Contract
from ropewalk.dataops.transform import TableSpec, read_tables
from ropewalk.project import Project

# Rows of a history are about one thing at several times, which these columns tell apart.
SINCE = "valid_from"
# What a contract classifies so is not printed, also where no class of personal data is named.
PRIVATE = frozenset({"pii", "personal", "private", "confidential", "restricted", "secret", "sensitive"})
SOURCE_SCHEMA = "raw."


@dataclass(frozen=True)
class Declared:
    """What is declared of the project's tables, by their names in lower case.

    Attributes:
        keys: the columns that identify a row, for the tables of which that is said.
        masked: the columns of which no value is shown, in lower case.
    """

    keys: Mapping[str, tuple[str, ...]]
    masked: Mapping[str, frozenset[str]]


def read_declared(project: Project) -> Declared:
    """Return what contracts, headers of SQL files and sources say of rows.

    Raises:
        InvalidProjectFile: a table's file or contract is wrong.
    """
    tables = read_tables(project)
    keys: dict[str, tuple[str, ...]] = {}
    for name, entry in project.entries("sources").items():
        # Not every kind of source has a key; a source of a plugin may be anything.
        keys[f"{SOURCE_SCHEMA}{name}".lower()] = _source_key(entry.value)
    keys |= {name.lower(): _header_key(spec) for name, spec in tables.specs.items()}
    # The contract promises it to the readers, and is checked.
    keys |= {
        name.lower(): contract.primary_key
        for name, contract in tables.contracts.items()
        if contract.primary_key
    }
    masked = {name.lower(): hidden_columns(contract) for name, contract in tables.contracts.items()}
    return Declared({name: key for name, key in keys.items() if key}, masked)


def hidden_columns(contract: Contract) -> frozenset[str]:
    """Return the columns, in lower case, of whose values nothing is shown to who has no right to them."""
    classified = (
        column.name for column in contract.columns if (column.classification or "").lower() in PRIVATE
    )
    return frozenset(name.lower() for name in (*contract.masks, *classified))


def _source_key(source: object) -> tuple[str, ...]:
    return _with_time(getattr(source, "key", ()), is_history=getattr(source, "write", None) == "history")


def _header_key(spec: TableSpec) -> tuple[str, ...]:
    header = spec.sql.header
    return _with_time(header.key, is_history=header.form == "history")


def _with_time(key: Iterable[str], *, is_history: bool) -> tuple[str, ...]:
    columns = tuple(key)
    return (*columns, SINCE) if columns and is_history else columns
