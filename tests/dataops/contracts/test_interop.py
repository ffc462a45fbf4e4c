"""Another tool's opinion: `datacontract lint` (datacontract-cli) accepts the contracts that we read, draft and show.

It comes with 58 packages and is no dependency: `make interop` installs it beside the project and runs these.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import duckdb
import pytest

from ropewalk.dataops.contracts import read_contract
from ropewalk.dataops.contracts.draft import Subject, write_draft
from ropewalk.dataops.contracts.seen import look
from ropewalk.dataops.definitions import Glossary, Term
from ropewalk.errors import Place
from ropewalk.project import init_project

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = os.environ.get("DATACONTRACT") or shutil.which("datacontract")
FENCE = re.compile(r"```yaml\n(.*?)```", re.DOTALL)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(PROGRAM is None, reason="datacontract-cli is not here: `make interop` installs it"),
]
SHOWN = [
    (path, text)
    for path in sorted((ROOT / "docs").rglob("*.md"))
    for text in FENCE.findall(path.read_text(encoding="utf-8"))
    if "kind: DataContract" in text
]
# Everything that we check, in one file.
EVERYTHING = """\
apiVersion: v3.1.0
kind: DataContract
id: everything
version: 1.0.0
status: active
team: {name: x}
slaProperties:
  - {property: latency, value: 2, unit: d, element: t.at}
  - {property: retention, value: 1, unit: y, element: t.at}
schema:
  - name: t
    physicalName: mart.t
    relationships: [{type: foreignKey, from: [t.a, t.b], to: [other.a, other.b]}]
    quality:
      - {metric: rowCount, mustBeBetween: [1, 9]}
      - {metric: duplicateValues, mustBe: 0, arguments: {properties: [a, b]}}
      - {type: sql, query: "SELECT count(*) FROM ${table}", mustBeGreaterThan: 0, severity: warning}
      - {type: custom, engine: ropewalk, implementation: {volume: {builds: 5, tolerance: 3}}}
      - {type: text, description: for people}
    properties:
      - {name: a, logicalType: integer, primaryKey: true, primaryKeyPosition: 1, logicalTypeOptions: {minimum: 0, multipleOf: 1}}
      - {name: b, logicalType: string, enum: [{value: x}], logicalTypeOptions: {format: email, minLength: 1, pattern: "^x$"}}
      - name: at
        logicalType: timestamp
        classification: pii
        tags: ["pii:quasi"]
        customProperties: [{property: mask, value: "null"}, {property: unit, value: UTC}]
        authoritativeDefinitions: [{type: glossary, url: "glossary:when"}]
      - name: c
        logicalType: string
        relationships: [{to: "raw.products.odcs.yaml#/schema/products/properties/sku"}]
        quality:
          - {metric: nullValues, unit: percent, mustBeLessThan: 1}
          - {metric: missingValues, mustBe: 0, arguments: {missingValues: ["", "n/a"]}}
          - {metric: invalidValues, mustBe: 0, arguments: {validValues: [p, q]}}
"""
GLOSSARY = Glossary({"when": Term("when", "A moment", Place("g"))})


def lint(path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(PROGRAM), "lint", str(path)], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("path", sorted((ROOT / "examples").rglob("*.odcs.yaml")), ids=lambda path: path.name)
def test_example(path: Path) -> None:
    """The contracts of the examples are accepted."""
    done = lint(path)

    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(("path", "text"), SHOWN, ids=[path.stem for path, _ in SHOWN])
def test_guide(path: Path, text: str, tmp_path: Path) -> None:
    """The contracts that documents show are accepted."""
    shown = tmp_path / "shown.odcs.yaml"
    shown.write_text(text, encoding="utf-8")

    done = lint(shown)

    assert done.returncode == 0, done.stdout


def test_first_project(tmp_path: Path) -> None:
    """The contracts of the project that `ropewalk init` makes are accepted."""
    init_project(tmp_path)

    for path in sorted(tmp_path.rglob("*.odcs.yaml")):
        done = lint(path)
        assert done.returncode == 0, done.stdout


def test_everything(tmp_path: Path) -> None:
    """What is only ours stands where the standard has a place for it."""
    path = tmp_path / "contracts/mart.t.odcs.yaml"
    path.parent.mkdir()
    path.write_text(EVERYTHING, encoding="utf-8")

    done = lint(path)

    assert len(read_contract(path, tmp_path, GLOSSARY).checks) > 20
    assert done.returncode == 0, done.stdout


def test_draft(tmp_path: Path) -> None:
    """Drafts are accepted as they are."""
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE TABLE t AS SELECT range AS id, 'a' || range || '@example.org' AS mail, [range] AS list,"
            " {'a': range} AS item, DATE '2013-01-01' AS \"odd day\", range / 7 AS share, ['x', 'y'][1 + range % 2] AS xy,"
            " TIME '01:00' AS clock, uuid() AS u, now() AS \"when\", NULL AS nothing, true AS yes FROM range(100)"
        )
        columns = look(connection, "t")
    path = tmp_path / "mart.t.odcs.yaml"
    path.write_text(write_draft(Subject("mart.t", columns, "t", "Ann", GLOSSARY)), encoding="utf-8")

    done = lint(path)

    assert done.returncode == 0, done.stdout
