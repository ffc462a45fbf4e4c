"""Whom a change concerns: who owns what it reaches, and who wrote the files that make it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ropewalk.dataops.contracts import Contract
from ropewalk.pipeline import Graph
from ropewalk.project import file_authors, owners_of, read_owners

# Of many authors of a file the first few know it best.
MOST_AUTHORS = 2


@dataclass(frozen=True)
class Person:
    """Somebody, or a team, whom a change concerns.

    Attributes:
        name: as the contract, CODEOWNERS or Git has it.
        reasons: why: `owns mart.cities (contract)`, `wrote tables/mart/cities.sql`.
    """

    name: str
    reasons: tuple[str, ...]


def find_people(
    root: Path, graph: Graph, contracts: Mapping[str, Contract], nodes: Iterable[str], columns: Iterable[str]
) -> tuple[Person, ...]:
    """Return everybody whom a change of `nodes` and `columns` (`table.column`) concerns, owners first.

    Args:
        root: the project's folder.
        graph: the declared nodes.
        contracts: by the table's name in lower case.
        nodes: ids of nodes.
        columns: full names of columns in lower case.
    """
    paths = {node_id: graph.nodes[node_id].origin.path for node_id in nodes if node_id in graph.nodes}
    found: dict[str, dict[str, None]] = {}
    for name, reason in (
        *_contract_owners(contracts, graph, paths, columns),
        *_declared_owners(graph, paths),
        *_code_owners(root, paths),
        *_authors(root, paths),
    ):
        found.setdefault(name, {})[reason] = None
    return tuple(Person(name, tuple(reasons)) for name, reasons in found.items())


def _contract_owners(
    contracts: Mapping[str, Contract], graph: Graph, paths: Iterable[str], columns: Iterable[str]
) -> Iterator[tuple[str, str]]:
    provided = {name.lower() for node_id in paths for name in graph.nodes[node_id].provides}
    wanted = set(columns)
    for table, contract in contracts.items():
        if contract.owner and table in provided:
            yield contract.owner, f"owns {contract.table} (contract)"
        for column in contract.columns:
            if column.owner and f"{table}.{column.name.lower()}" in wanted:
                yield column.owner, f"owns {contract.table}.{column.name} (contract)"


def _declared_owners(graph: Graph, nodes: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield who answers for a metric or a question, as its own file says."""
    for node_id in nodes:
        spec = graph.nodes[node_id].spec
        # Each kind has a value of its own; those that name an owner call it so.
        owner = getattr(spec, "owner", None) or getattr(getattr(spec, "declared", None), "owner", None)
        if isinstance(owner, str):
            yield owner, f"owns {node_id}"


def _code_owners(root: Path, paths: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    rules = read_owners(root)
    for path in dict.fromkeys(paths.values()):
        for owner in owners_of(rules, path):
            yield owner, f"owns {path} (CODEOWNERS)"


def _authors(root: Path, paths: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for path, authors in file_authors(root, set(paths.values())).items():
        for author in authors[:MOST_AUTHORS]:
            yield author, f"wrote {path}"
