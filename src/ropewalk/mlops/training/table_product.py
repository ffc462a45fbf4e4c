"""Tables that steps make: one table of the lake each, `steps.NAME`, held to its contract."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ropewalk.dataops.contracts import Contract, contract_files, hold_contract
from ropewalk.dataops.lake import literal, open_lake, table_of
from ropewalk.dataops.transform import read_tables
from ropewalk.errors import Place
from ropewalk.pipeline import Node, Output, Task
from ropewalk.project import Project

if TYPE_CHECKING:
    from ropewalk.mlops.training.step_parts import StepParts

SCHEMA = "steps"


def with_tables(nodes: Iterable[Node], makers: Collection[str], project: Project) -> list[Node]:
    """Return the nodes of steps, those of the `makers` with their tables: SQL reads them, and their contracts count.

    Raises:
        InvalidProjectFile: a contract is wrong.
    """
    contracts = step_contracts(project)
    return [_with_table(node, contracts) if node.name in makers else node for node in nodes]


def _with_table(node: Node, contracts: Mapping[str, Contract]) -> Node:
    table = _table(node)
    # Its own name in small letters too: SQL has no capitals in names.
    node = replace(node, provides=tuple(dict.fromkeys((*node.provides, node.name.lower(), table))))
    contract = contracts.get(table)
    if contract is None:
        return node
    return replace(
        node,
        facts={**node.facts, "contract": contract.text()},
        places={**node.places, "contract": Place(contract.place.path)},
    )


def _table(node: Node) -> str:
    table = table_of(node.id)
    assert table is not None  # every step could make a table
    return table


def step_contracts(project: Project) -> Mapping[str, Contract]:
    """Return the contracts of tables that steps make, by the table's name in lower case.

    Raises:
        InvalidProjectFile: a contract is wrong.
    """
    # Few projects have one, and reading all contracts is the tables' work.
    if not any(table.lower().startswith(f"{SCHEMA}.") for table in contract_files(project.root)):
        return {}
    return read_tables(project).contracts


def keep_table(task: Task, path: Path, parts: StepParts | None = None) -> Output:
    """Make the step's table hold the rows of the file, unless they break its contract; `parts` of a folder of files.

    Raises:
        ContractBroken: a check of severity error failed; the table keeps its old content.
        CheckNotRun: a check of the contract could not be run.
    """
    table = _table(task.node)
    lake = open_lake(task.workspace)
    with lake.transaction(f"step {task.node.name}") as transaction:
        task.report(0, None, "loading")
        if parts is None:
            made = transaction.replace(table, f"FROM read_parquet({literal(str(path))})")
        else:
            made = parts.keep(transaction, path, task)
        report = hold_contract(task, transaction.connection, table, _contract(task, table))
        transaction.record_build(task.node.id, task.key, made)
        columns = transaction.columns(table) or []
    return Output(
        digest=made.digest,
        reference=f"snapshot:{transaction.snapshot}",
        summary={
            "table": table,
            "rows": made.rows,
            "columns": [column.name for column in columns],
            **(report.told() if report else {"contract": None}),
            **({"intervals": parts.parts.summary()} if parts else {}),
        },
    )


def _contract(task: Task, table: str) -> Contract | None:
    return step_contracts(task.workspace.project)[table] if "contract" in task.node.facts else None
