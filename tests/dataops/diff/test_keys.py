"""What identifies a row, and what is hidden: from contracts, headers, sources and what SQL makes."""

from __future__ import annotations

import dataclasses

import pytest

from ropewalk.dataops.diff.keys import read_declared
from ropewalk.dataops.lake import Column

CONTRACT = """\
    apiVersion: v3.1.0
    kind: DataContract
    id: t
    version: 1.0.0
    schema:
      - name: t
        properties:
          - {name: Code, primaryKey: true}
          - {name: mail, classification: pii}
          - {name: margin, classification: confidential}
    """
FILES = {
    "ropewalk.yaml": """\
        project: p
        sources:
          o: {kind: files, path: "x/*.csv", key: [id], write: merge}
          h: {kind: files, path: "y/*.csv", key: [id], write: history}
          n: {kind: files, path: "z/*.csv"}
        """,
    "tables/a/t.sql": "SELECT 1 AS code, 'x' AS mail, 2 AS margin",
    "tables/a/past.sql": "-- kind: history\n-- key: id\nSELECT id FROM raw.o",
    "tables/a/plain.sql": "SELECT 1 AS x",
    "contracts/a.t.odcs.yaml": CONTRACT,
}


@pytest.fixture
def workspace(write_project, open_workspace):
    return open_workspace(write_project(FILES))


def test_keys_by_who_declares_them(workspace):
    """A history's rows are told apart by their time too; what declares none has none."""
    found = read_declared(workspace).keys

    assert found == {
        "raw.o": ("id",),
        "raw.h": ("id", "valid_from"),
        "a.past": ("id", "valid_from"),
        "a.t": ("Code",),
    }


def test_what_sql_makes_counts_last(workspace):
    """A key by construction stands where nothing is declared."""
    found = read_declared(workspace, {"a.plain": ("x",), "a.t": ("mail",), "raw.n": ("y",)}).keys

    assert (found["a.plain"], found["a.t"]) == (("x",), ("Code",))


def test_hidden_by_contract(workspace):
    """What is personal and what is confidential, whoever asks without a right."""
    declared = read_declared(workspace)

    columns = [Column(name, "VARCHAR") for name in ("code", "mail", "margin")]
    assert declared.hidden("a.t", columns) == {"mail", "margin"}
    assert declared.hidden("a.plain", [Column("x", "INTEGER")]) == frozenset()


def test_right_to_personal_data(workspace):
    """Opens what is personal, and not what is confidential for another reason."""
    workspace.settings = dataclasses.replace(workspace.settings, personal_data="clear")

    columns = [Column(name, "VARCHAR") for name in ("code", "mail", "margin")]
    assert read_declared(workspace).hidden("a.t", columns) == {"margin"}
