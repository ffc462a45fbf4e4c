"""Checks while tables are built: against the builds before, in the environment that they were made in."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ropewalk.dataops.contracts import ContractBroken, ContractMissing, check_now, past_rows, tables_to_check
from ropewalk.dataops.lake import TableMissing
from ropewalk.dataops.transform import TableKind
from ropewalk.pipeline import declare_graph, execute
from ropewalk.project import load_project

KINDS = {"table": TableKind()}
CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: a
version: 1.0.0
schema:
  - name: a
    quality: [{name: usual, type: custom, engine: ropewalk, implementation: {volume: {}}, severity: %s}]
    properties: [{name: n, relationships: [{to: mart.keys.n}]}]
"""


class Silent:
    """Hears nothing."""

    def started(self, *_: object) -> None: ...

    def progressed(self, *_: object) -> None: ...

    def ended(self, *_: object) -> None: ...


@pytest.fixture
def workspace(write_project, open_workspace):
    """Return a workspace with a table of keys, and one that leads to it."""
    return open_workspace(
        write_project(
            {
                "tables/mart/keys.sql": "SELECT range AS n FROM range(1000)",
                "tables/mart/a.sql": "SELECT range AS n FROM range(100)",
                "contracts/mart.a.odcs.yaml": CONTRACT % "warning",
            }
        )
    )


@pytest.fixture
def build(workspace):
    """Return a function that builds the table with so many rows, and returns what the run tells of it."""

    def make(rows):
        (workspace.root / "tables/mart/a.sql").write_text(f"SELECT range AS n FROM range({rows})")
        workspace.project = load_project(workspace.root, [])
        result = execute(declare_graph(workspace.project, KINDS), KINDS, workspace, Silent())
        return next(node for node in result.nodes if node.id == "table:mart.a")

    return make


def test_builds_are_compared_with_those_before(workspace, build):
    """After some builds an unusual number of rows is told with what was usual, and the table is made all the same."""
    calm = [build(rows).warning for rows in (100, 101, 99, 102)]

    odd = build(10)

    assert calm == [None] * 4
    assert odd.warning == (
        "contract: usual: 10 rows; the last 4 builds had a median of 100.5, and 80 to 121 are usual (tolerance 4)"
    )
    assert past_rows(workspace, "table:mart.a") == [10, 102, 99, 101, 100]


def test_unusual_build_may_be_refused(workspace, build):
    """With severity error the table keeps its old rows, and the refused build is no part of the past."""
    for rows in (100, 101, 99):
        build(rows)
    (workspace.root / "contracts/mart.a.odcs.yaml").write_text(CONTRACT % "error")

    refused = build(10)

    assert isinstance(refused.error, ContractBroken)
    assert past_rows(workspace, "table:mart.a") == [99, 101, 100]


def test_environments_have_pasts_of_their_own(workspace, build):
    """What was usual in one environment says nothing of another."""
    build(100)
    workspace.settings = replace(workspace.settings, environment="other")

    assert past_rows(workspace, "table:mart.a") == []


def test_keys_lead_to_the_inputs_of_the_build(build):
    """A relationship makes the other table an input: it is there, and read at the snapshot of the key."""
    broken = build(1001)

    assert "foreignKey(n): 1 of 1001 rows lead to no row of mart.keys" in broken.error.message
    assert "n = 1000" in broken.error.detail


def test_check_now(workspace, build):
    """What is there can be checked at any time; the build that is looked at is no part of its own past."""
    for rows in (100, 101, 99, 10):
        build(rows)

    report, contract = check_now(workspace, "a")

    assert contract.table == "mart.a"
    assert [(result.name, result.passed) for result in report.results][-1] == ("usual", False)
    assert "the last 3 builds" in report.results[-1].message
    assert tables_to_check(workspace) == ["mart.a"]


def test_nothing_to_check(workspace):
    """A table that was never made, or has no contract, is told of."""
    with pytest.raises(TableMissing):
        check_now(workspace, "mart.a")
    with pytest.raises(ContractMissing):
        check_now(workspace, "mart.keys")
    assert tables_to_check(workspace) == []
