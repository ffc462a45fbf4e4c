"""What a source's contract promises, held before what was loaded is committed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ropewalk.dataops.contracts import Contract, contract_files, read_contracts
from ropewalk.dataops.sources.errors import TooManyMisfits, ValueMisfit
from ropewalk.dataops.sources.spec import Loader
from ropewalk.errors import Place
from ropewalk.pipeline import Node, Output, Task

if TYPE_CHECKING:
    from ropewalk.dataops.contracts import CheckReport
    from ropewalk.dataops.lake import LakeTransaction

SCHEMA = "raw."
# How a value that does not fit is told of; the value is written as Python writes texts.
_COMPLAINT = re.compile(r"""(?:column '(?P<column>.*?)': )?(?P<value>'.*'|".*") is """, re.DOTALL)


def source_contracts(root: Path) -> Mapping[str, Contract]:
    """Return the contracts of tables that sources fill, by the table's name in lower case.

    Raises:
        InvalidProjectFile: a contract is wrong.
    """
    # Most projects promise nothing of what arrives, and reading all contracts is the tables' work.
    if not any(table.lower().startswith(SCHEMA) for table in contract_files(root)):
        return {}
    return read_contracts(root)


def with_contract(node: Node, contract: Contract | None) -> Node:
    """Return the source's node with its contract: another one is a reason to load, which checks all that is there."""
    if contract is None:
        return node
    return replace(
        node,
        facts={**node.facts, "contract": contract.text()},
        places={**node.places, "contract": Place(contract.place.path)},
    )


def _without_value(message: str, source: str, contract: Contract) -> str:
    """Return the complaint about a value without it, where it is, or may be, a person's."""
    begin = f"source {source!r}: "
    found = _COMPLAINT.search(message, len(begin) if message.startswith(begin) else 0)
    if found is None or not contract.masks:
        return message
    column = found["column"]
    # Without a column it is about a whole line, which has the personal columns too.
    if column is not None and column.lower() not in contract.masks:
        return message
    return f"{message[: found.start('value')]}a value{message[found.end('value') :]}"


def load_checked(task: Task, loader: Loader) -> Output:
    """Load what is new; when the table would then break its contract, nothing is committed.

    Raises:
        ContractBroken: a check of severity error failed.
        RopewalkError: it cannot be loaded.
    """
    if "contract" not in task.node.facts:
        return loader.load(task)
    # The lake loads DuckDB, which declaring a source does not need.
    from ropewalk.dataops.contracts import hold_contract
    from ropewalk.dataops.lake import open_lake

    table = f"{SCHEMA}{task.node.name}"
    contract = source_contracts(task.workspace.root)[table.lower()]
    found: list[CheckReport | None] = []

    def guard(transaction: LakeTransaction) -> None:
        found.append(hold_contract(task, transaction.connection, table, contract))

    # Whatever the loader is: it cannot record a load without passing here.
    with open_lake(task.workspace).guarded(task.node.id, guard):
        try:
            output = loader.load(task)
        except (ValueMisfit, TooManyMisfits) as error:
            error.message = _without_value(error.message, task.node.name, contract)
            raise
    told = found[-1].told() if found and found[-1] else {}
    warnings = [str(part["warning"]) for part in (output.summary, told) if part.get("warning")]
    summary = {**output.summary, **told, **({"warning": "; ".join(warnings)} if warnings else {})}
    return replace(output, summary=summary)
