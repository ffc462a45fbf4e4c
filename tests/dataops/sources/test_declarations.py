"""What stands below `sources:`: valid entries, wrong ones with their place, and the facts of a node."""

from __future__ import annotations

import pytest

from ropewalk import plugins
from ropewalk.dataops.sources import FilesSource, RESTSource, SourceKind, SQLiteSource
from ropewalk.dataops.sources.errors import InvalidSource
from ropewalk.dataops.sources.facts import reading_digest, source_facts
from ropewalk.errors import RopewalkError
from ropewalk.pipeline import Node
from ropewalk.project import load_project, project_schema

FLAGSHIP = """
project: flights
sources:
  flights:   {kind: files, path: "landing/flights/*.csv", nulls: [NA], types: {dep_time: INTEGER}}
  arrivals:  {kind: files, path: "landing/arrivals/*.csv", nulls: [NA]}
  planes:    {kind: sqlite, path: landing/planes.db, table: planes}
  weather:
    kind: rest
    url: http://127.0.0.1:8790/observations
    records: items
    paginate: {kind: next_url, path: next}
    cursor: {field: time_hour, param: since}
    key: [origin, time_hour]
    on_unreachable: keep
"""


def declare(write_project, text: str) -> list[Node]:
    root = write_project({"ropewalk.yaml": text})
    return list(SourceKind().declare(load_project(root, plugins.sections())))


def declare_one(write_project, entry: str) -> Node:
    return declare(write_project, f"project: test\nsources:\n  things: {entry}\n")[0]


def test_the_flagship_example(write_project) -> None:
    """Each entry is a node that provides its table below `raw`."""
    nodes = declare(write_project, FLAGSHIP)

    assert [node.id for node in nodes] == [
        "source:flights", "source:arrivals", "source:planes", "source:weather",
    ]  # fmt: skip
    assert nodes[0].provides == ("raw.flights",)
    assert [type(node.spec.source) for node in nodes] == [FilesSource, FilesSource, SQLiteSource, RESTSource]
    assert str(nodes[3].origin) == "ropewalk.yaml:7:3"


def test_one_fact_per_key(write_project) -> None:
    """A reason can name the key that changed; what to do when the source is down is none."""
    facts = declare(write_project, FLAGSHIP)[3].facts

    assert dict(facts) == {
        "kind": "rest",
        "url": "http://127.0.0.1:8790/observations",
        "records": "items",
        "paginate": '{"kind": "next_url"}',
        "cursor": '{"field": "time_hour", "param": "since"}',
        "key": '["origin", "time_hour"]',
    }


@pytest.mark.parametrize(
    ("entry", "message", "nearest"),
    [
        ("{kind: file, path: a.csv}", "'file' is not one of", "files"),
        ("{path: a.csv}", "kind", None),
        ("{kind: files}", "'path' is missing", None),
        ("{kind: files, path: ''}", "path", None),
        ("{kind: files, path: a.csv, nul: [NA]}", "unknown key 'nul'", "nulls"),
        ("{kind: files, path: a.csv, nulls: NA}", "nulls", None),
        ("{kind: files, path: a.csv, delimiter: ';;'}", "delimiter", None),
        ("{kind: files, path: a.json, nulls: [NA]}", "nulls is for CSV files", None),
        ("{kind: files, path: a.parquet, header: false}", "header is for CSV files", None),
        ("{kind: sqlite, path: a.db}", "exactly one of table and query", None),
        ("{kind: sqlite, path: a.db, table: a, query: SELECT 1}", "exactly one of table and query", None),
        ("{kind: rest, url: 'ftp://host/x'}", "must start with http", None),
        ("{kind: rest, url: 'http://h', on_unreachable: ignore}", "on_unreachable", None),
        ("{kind: rest, url: 'http://h', paginate: {kind: pages}}", "'pages' is not one of", "page"),
        ("{kind: rest, url: 'http://h', cursor: {field: a}}", "'param' is missing", None),
        ("{kind: rest, url: 'http://h', paginate: {kind: offset, limit: 0}}", "limit", None),
        ("{kind: rest, url: 'http://h', timeout: 0}", "timeout", None),
        ("{kind: rest, url: 'http://h', secret: x}", "unknown key 'secret'", None),
        ("[1]", "things", None),
    ],
)
def test_wrong_entries(write_project, entry: str, message: str, nearest: str | None) -> None:
    """Each is refused with its place, and the nearest valid name where there is one."""
    with pytest.raises(RopewalkError, match=message) as caught:
        declare_one(write_project, entry)

    assert caught.value.place is not None
    assert caught.value.place.path == "ropewalk.yaml"
    assert caught.value.nearest == nearest


@pytest.mark.parametrize("name", ["my-source", "a.b", "1st"])
def test_a_name_must_be_a_tables(write_project, name: str) -> None:
    """Other names are refused with their place."""
    with pytest.raises(InvalidSource) as caught:
        declare(write_project, f"project: test\nsources:\n  {name}: {{kind: files, path: a.csv}}\n")

    assert str(caught.value.place) == "ropewalk.yaml:3:3"


def test_nothing_declared(write_project) -> None:
    """No sources, no nodes."""
    assert declare(write_project, "project: test\n") == []
    assert declare(write_project, "project: test\nsources:\n") == []


def test_credentials_are_no_facts(write_project) -> None:
    """Users, passwords, query values and header values are told apart without being shown."""
    entry = "{{kind: rest, url: 'http://me:{0}@host/x?key={0}', headers: {{A: '{0}', B: 'secret://TOKEN'}}}}"

    facts = declare_one(write_project, entry.format("hunter2")).facts

    assert "hunter2" not in str(facts)
    assert facts["url"] == "http://host/x?key=***"
    assert "secret://TOKEN" in facts["headers"]
    assert facts != declare_one(write_project, entry.format("other")).facts


def test_what_decides_a_reload() -> None:
    """Options do, the glob and what to do when the source is down do not."""
    files = FilesSource(kind="files", path="a/*.csv")
    rest = RESTSource(kind="rest", url="http://host/x")

    assert reading_digest(files) == reading_digest(files.model_copy(update={"path": "b/*.csv"}))
    assert reading_digest(files) != reading_digest(files.model_copy(update={"nulls": ["NA"]}))
    assert reading_digest(rest) == reading_digest(rest.model_copy(update={"on_unreachable": "keep"}))
    assert reading_digest(rest) != reading_digest(rest.model_copy(update={"url": "http://other/x"}))


def test_defaults_are_no_facts() -> None:
    """A new option with a default changes no key."""
    assert source_facts(FilesSource(kind="files", path="a.csv")) == {"kind": "files", "path": "a.csv"}


def test_the_schema_for_editors_knows_all_kinds() -> None:
    """Each model and its help stand in the JSON Schema."""
    definitions = project_schema(plugins.sections())["$defs"]

    assert {"FilesSource", "SQLiteSource", "RESTSource", "NextURL", "LinkHeader"} <= set(definitions)
    assert definitions["FilesSource"]["additionalProperties"] is False


def test_declaring_loads_neither_duckdb_nor_an_http_client(start_python) -> None:
    """The section and the kind are cheap to import."""
    loaded = start_python(
        "import sys, ropewalk.dataops.sources as s; s.SourceKind(); print(*{'duckdb', 'httpx'} & set(sys.modules))"
    )

    assert loaded == ""


@pytest.fixture
def start_python():
    """Return a function that runs Python code in a process of its own and returns what it prints."""
    import subprocess
    import sys

    def run(code: str) -> str:
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        return done.stdout.strip()

    return run
