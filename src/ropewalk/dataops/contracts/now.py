"""Checking a table's contract now, against the rows that the environment has."""

from __future__ import annotations

from collections.abc import Mapping

from ropewalk.dataops.contracts.check import check_table
from ropewalk.dataops.contracts.errors import ContractMissing
from ropewalk.dataops.contracts.held import past_rows
from ropewalk.dataops.contracts.kept import read_contracts
from ropewalk.dataops.contracts.values import CheckReport, Contract
from ropewalk.dataops.lake import TableMissing, TableName, environment_tables, open_environment
from ropewalk.errors import nearest
from ropewalk.pipeline import Workspace, current_records

NODES = {"raw": "source:", "steps": "step:"}


def tables_to_check(workspace: Workspace) -> list[str]:
    """Return the tables that have a contract and are in the workspace's environment."""
    built = environment_tables(workspace)
    return sorted(
        contract.table for name, contract in read_contracts(workspace.root).items() if name in built
    )


def check_now(workspace: Workspace, table: str) -> tuple[CheckReport, Contract]:
    """Return what checking `table`, as the workspace's environment has it, finds, and its contract.

    Raises:
        ContractMissing: it has no contract.
        TableMissing: the environment does not have it.
        CheckNotRun: a check cannot be run.
    """
    contract = find_contract(read_contracts(workspace.root), table)
    if contract.table.lower() not in environment_tables(workspace):
        raise TableMissing(
            f"environment {workspace.settings.environment!r} has no table {contract.table!r}",
            hint="`ropewalk run` makes it, and checks it while it does",
        )
    has_rules = any(check.query for check in contract.checks)
    targets = {check.target for check in contract.checks if check.target}
    # A rule may name any table; the keys of relationships name theirs.
    wanted = None if has_rules else {contract.table.lower(), *targets}
    name = TableName.parse(contract.table)
    with open_environment(workspace, wanted) as connection:
        report = check_table(
            connection,
            contract.table,
            contract,
            # The newest is the build that is looked at.
            past_rows=lambda: past_rows(workspace, _node(workspace, name))[1:],
            relation=name.unqualified,
        )
    return report, contract


def find_contract(contracts: Mapping[str, Contract], table: str) -> Contract:
    """Return the one of `contracts` about `table`: its full name, or the last part of it where only one ends so.

    Raises:
        ContractMissing: there is none.
    """
    wanted = table.lower()
    found = [contract for name, contract in contracts.items() if wanted in (name, name.rpartition(".")[2])]
    exact = [contract for contract in found if contract.table.lower() == wanted]
    if len(exact or found) == 1:
        return (exact or found)[0]
    raise ContractMissing(
        f"no contract is about {table!r}" if not found else f"several contracts are about {table!r}",
        nearest=nearest(wanted, contracts),
        hint=f"`ropewalk contract infer {table} --write` drafts one from its rows",
    )


def _node(workspace: Workspace, name: TableName) -> str:
    """Return the id of the node that makes the table."""
    prefix = NODES.get(name.schema.lower(), "table:")
    wanted = f"{prefix}{name.name if prefix != 'table:' else name}".lower()
    # Nodes are named as people write them, tables as the engine compares them: without their case.
    return next((node for node in current_records(workspace) if node.lower() == wanted), wanted)
