"""Contracts written as text and read as a project's, and tables in a plain DuckDB to hold them against."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent, indent

import duckdb
import pytest

from ropewalk.dataops.contracts import CheckReport, Contract, check_table, read_contract

ReadText = Callable[[str], Contract]
CheckRows = Callable[..., CheckReport]
HEADER = """\
apiVersion: v3.1.0
kind: DataContract
id: flights
version: 1.0.0
"""


@pytest.fixture
def read_text(tmp_path: Path) -> ReadText:
    """Return a function that reads the text of a whole contract file for mart.flights."""

    def read(text: str) -> Contract:
        path = tmp_path / "contracts" / "mart.flights.odcs.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")
        return read_contract(path, tmp_path)

    return read


@pytest.fixture
def read_table(read_text: ReadText) -> ReadText:
    """Return a function that reads a contract from the text below its `- name: flights`."""

    def read(text: str) -> Contract:
        return read_text(f"{HEADER}schema:\n  - name: flights\n{indent(dedent(text), '    ')}")

    return read


@pytest.fixture
def read_column(read_table: ReadText) -> ReadText:
    """Return a function that reads a contract with one property, given in YAML's flow style."""

    def read(text: str) -> Contract:
        return read_table(f"properties:\n  - {text}")

    return read


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """Yield an engine with a database that is named as the lake is, and in it the schema mart."""
    with duckdb.connect() as connection:
        connection.execute("ATTACH ':memory:' AS lake; USE lake; CREATE SCHEMA mart")
        yield connection


@pytest.fixture
def check_rows(connection: duckdb.DuckDBPyConnection) -> CheckRows:
    """Return a function that holds the rows of a SELECT against a contract."""

    def check(contract: Contract, select: str) -> CheckReport:
        connection.execute(f"CREATE OR REPLACE TABLE mart.flights AS {select}")
        return check_table(connection, "mart.flights", contract)

    return check
