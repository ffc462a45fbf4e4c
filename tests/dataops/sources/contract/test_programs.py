"""What programs bring keeps the contract of all sources: ADBC, SQLAlchemy, Singer taps, dlt.

Nobody can tell whether these have news without running them, so a run is never skipped; it writes nothing instead.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

import pytest

from .suite import Adapter, Row, SourceContract, rows
from .test_sqlite import SQLiteTable

# Each load starts a process or two.
pytestmark = pytest.mark.slow
TAP = """
import json
rows = json.load(open("things.json"))
names = dict.fromkeys(name for row in rows for name in row)
KINDS = {int: "integer", float: "number", str: "string"}
def schema(name):
    kinds = {KINDS[type(row[name])] for row in rows if row.get(name) is not None} or {"string"}
    return {"type": ["null", *(kinds if len(kinds) == 1 else ["string"])]}
properties = {name: schema(name) for name in names}
print(json.dumps({"type": "SCHEMA", "stream": "s", "schema": {"properties": properties}, "key_properties": []}))
for row in rows:
    print(json.dumps({"type": "RECORD", "stream": "s", "record": row}))
print(json.dumps({"type": "STATE", "value": len(rows)}))
"""
DLT = """
import dlt, json

@dlt.resource
def things():
    rows = json.load(open("things.json"))
    dlt.current.resource_state()["seen"] = len(rows)
    yield rows
"""


class ADBCTable(SQLiteTable):
    """A table of a SQLite file, by its ADBC driver."""

    def entry(self) -> str:
        return "kind: adbc, driver: adbc_driver_sqlite, uri: things.db, table: things"


class AlchemyTable(SQLiteTable):
    """The same by SQLAlchemy."""

    def entry(self) -> str:
        return "kind: sqlalchemy, url: 'sqlite:///things.db', table: things"


class JSONAdapter(Adapter):
    """Rows in a file that a program reads."""

    increments = "write: merge, key: [id]"
    appends = ""
    program = ""
    name = ""

    def declare(self, *options: str):
        # Taps and resources add to what is there unless they are told otherwise; the suite expects what is there to go.
        is_told = any(option.startswith("write:") for option in options)
        return super().declare(*options, *([] if is_told else ["write: replace"]))

    def put(self, rows: Sequence[Row]) -> None:
        self.project.write("things.json", json.dumps(rows))
        self.project.write(self.name, self.program)


class Tap(JSONAdapter):
    """A Singer tap."""

    program, name = TAP, "tap.py"

    def entry(self) -> str:
        return f"kind: singer, command: [{sys.executable}, tap.py], stream: s"


class Resource(JSONAdapter):
    """A resource of dlt."""

    program, name = DLT, "shelf.py"

    def entry(self) -> str:
        return "kind: dlt, function: shelf:things, resource: things"


class ProgramContract(SourceContract):
    """The promises, as programs keep them."""

    def test_a_load_without_news_makes_no_snapshot(self, adapter: Adapter) -> None:
        """It has to run, and writes nothing."""
        adapter.hold(rows(1, 2))
        project = adapter.declare(adapter.increments)
        project.load()
        project.load()
        before = project.lake.snapshot()

        project.load()

        assert project.lake.snapshot() == before

    def test_only_what_is_new_is_loaded(self, adapter: Adapter) -> None:
        """One more row is one row added."""
        adapter.hold(rows(1, 2))
        project = adapter.declare(adapter.increments)
        project.load()
        adapter.add(rows(3))

        output = project.load()

        assert (output.summary["added"], output.summary["rows"]) == (1, 3)


class StateContract(ProgramContract):
    """The promises, where the program itself keeps how far it has come."""

    def test_append(self, adapter: Adapter) -> None:
        pytest.skip("the program decides which rows it brings again")

    def test_an_overlap_takes_late_rows(self, adapter: Adapter) -> None:
        pytest.skip("the program keeps its own state, and has no cursor")

    def test_history(self, adapter: Adapter) -> None:
        pytest.skip("a program brings news only, so a row that it does not bring is not gone")


class TestADBC(ProgramContract):
    @pytest.fixture
    def adapter(self, project):
        pytest.importorskip("adbc_driver_sqlite", reason="the driver is not installed")
        return ADBCTable(project)


class TestSQLAlchemy(ProgramContract):
    @pytest.fixture
    def adapter(self, project):
        pytest.importorskip("sqlalchemy", reason="the extra `sqlalchemy` is not installed")
        return AlchemyTable(project)


class TestSinger(StateContract):
    @pytest.fixture
    def adapter(self, project):
        return Tap(project)


class TestDLT(StateContract):
    @pytest.fixture
    def adapter(self, project):
        pytest.importorskip("dlt", reason="the extra `dlt` is not installed")
        return Resource(project)
