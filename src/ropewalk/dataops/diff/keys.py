"""What the project's files say about the rows of a table: which columns identify one, and which are nobody's business."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ropewalk.dataops.contracts import Contract
from ropewalk.dataops.lake import Column, Masks
from ropewalk.dataops.privacy import project_masks
from ropewalk.dataops.transform import TableSpec, read_tables
from ropewalk.pipeline import Workspace

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
        masks: what is masked by the glossary's names, for whoever asks; None for those with the right to see all.
    """

    keys: Mapping[str, tuple[str, ...]]
    masked: Mapping[str, frozenset[str]]
    masks: Masks | None = None

    def hidden(self, table: str, columns: Sequence[Column]) -> frozenset[str]:
        """Return the columns of `table`, in lower case, of which no value is shown."""
        found = self.masks.of(table, columns) if self.masks else {}
        return self.masked.get(table, frozenset()) | {name.lower() for name in found}


def read_declared(workspace: Workspace, keys: Mapping[str, tuple[str, ...]] | None = None) -> Declared:
    """Return what contracts, headers of SQL files and sources say of rows.

    Args:
        workspace: the open project.
        keys: what tells the rows of a table apart by construction, where nothing is declared.

    Raises:
        InvalidProjectFile: a table's file or contract is wrong.
    """
    project, tables = workspace.project, read_tables(workspace.project)
    found = dict(keys or {})
    for name, entry in project.entries("sources").items():
        # Not every kind of source has a key; a source of a plugin may be anything.
        found[f"{SOURCE_SCHEMA}{name}".lower()] = _source_key(entry.value)
    found |= {name.lower(): key for name, spec in tables.specs.items() if (key := _header_key(spec))}
    # The contract promises it to the readers, and is checked.
    found |= {
        name.lower(): contract.primary_key
        for name, contract in tables.contracts.items()
        if contract.primary_key
    }
    masks = project_masks(workspace)
    # Whoever has the right to personal data sees them here too; what is confidential for another reason stays hidden.
    masked = {name.lower(): hidden_columns(contract, masks) for name, contract in tables.contracts.items()}
    return Declared({name: key for name, key in found.items() if key}, masked, masks)


def hidden_columns(contract: Contract, masks: Masks | None) -> frozenset[str]:
    """Return the columns, in lower case, of whose values nothing is shown to who has no right to them."""
    personal = {name.lower() for name in contract.masks}
    classified = {c.name.lower() for c in contract.columns if (c.classification or "").lower() in PRIVATE}
    return frozenset(classified | personal if masks is not None else classified - personal)


def _source_key(source: object) -> tuple[str, ...]:
    return _with_time(getattr(source, "key", ()), is_history=getattr(source, "write", None) == "history")


def _header_key(spec: TableSpec) -> tuple[str, ...]:
    header = spec.sql.header
    return _with_time(header.key, is_history=header.form == "history")


def _with_time(key: Iterable[str], *, is_history: bool) -> tuple[str, ...]:
    columns = tuple(key)
    return (*columns, SINCE) if columns and is_history else columns
