"""Holding what a node has just made against its contract, inside the transaction that will show it to others."""

from __future__ import annotations

import json
from collections.abc import Sequence

import duckdb

from ropewalk.dataops.contracts.check import check_table
from ropewalk.dataops.contracts.refuse import refuse_broken
from ropewalk.dataops.contracts.values import CheckReport, Contract
from ropewalk.pipeline import Task, Workspace
from ropewalk.store.pipeline import past_outputs

# So many builds are looked back at most, whatever a rule asks for.
MOST_BUILDS = 200


def hold_contract(
    task: Task, connection: duckdb.DuckDBPyConnection, table: str, contract: Contract | None
) -> CheckReport | None:
    """Return what checking `table`, as `connection` sees it, found; None when it has no contract.

    Called before the commit, so that readers see the new rows only if the contract lets them.

    Raises:
        ContractBroken: a check of severity error failed.
        CheckNotRun: a check could not be run.
    """
    if contract is None:
        return None
    task.report(0, None, "checking its contract")
    report = check_table(
        connection, table, contract, past_rows=lambda: past_rows(task.workspace, task.node.id)
    )
    refuse_broken(report, contract)
    return report


def past_rows(workspace: Workspace, node_id: str) -> Sequence[int]:
    """Return how many rows the builds of the node had that the workspace's environment pointed to, newest first."""
    environment = workspace.settings.environment
    found = [json.loads(text) for text in past_outputs(workspace.database, environment, node_id, MOST_BUILDS)]
    counts = [(item.get("summary") or {}).get("rows") for item in found]
    return [count for count in counts if isinstance(count, int)]
