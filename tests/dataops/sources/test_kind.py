"""The node kind: several sources at once, what a plan may touch, and what is still held."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest

from ropewalk import plugins
from ropewalk.dataops.lake import open_lake
from ropewalk.dataops.sources import SourceKind
from ropewalk.pipeline import Output, RunResult, State, Status, Workspace, declare_graph, execute
from ropewalk.project import load_project
from ropewalk.settings import load_settings

from .conftest import APIServer, Reply, SourceProject, Watcher

CSV = '{kind: files, path: "landing/*.csv"}'


def run_all(root: Path) -> tuple[RunResult, dict[str, int]]:
    """Run every source of a project, two at a time, and return the result and the rows of each table."""
    kinds = {"source": SourceKind()}
    with Workspace(load_project(root, plugins.sections()), load_settings({})) as workspace:
        graph = declare_graph(workspace.project, kinds)
        result = execute(graph, kinds, workspace, Watcher())
        return result, {table.name: table.rows for table in open_lake(workspace).tables()}


def test_sources_are_loaded_side_by_side(project, serve) -> None:
    """Six sources of all kinds in one run: each is loaded once, whatever runs beside it."""
    server = serve(lambda _: Reply([{"id": 1}, {"id": 2}]))
    entries = [f"  api{n}: {{kind: rest, url: '{server.url}/{n}', key: [id]}}" for n in range(3)]
    for number in range(3):
        project.write(f"landing/{number}/a.csv", "n\n" + "1\n" * (number + 1))
        entries.append(f"  files{number}: {{kind: files, path: 'landing/{number}/*.csv'}}")
    project.write("ropewalk.yaml", "project: test\nsources:\n" + "\n".join(entries) + "\n")

    first, rows = run_all(project.root)
    second, _ = run_all(project.root)

    assert rows == {"api0": 2, "api1": 2, "api2": 2, "files0": 1, "files1": 2, "files2": 3}
    assert (first.count(State.EXECUTED), second.count(State.HIT)) == (6, 6)


def test_one_broken_source_does_not_stop_the_others(project) -> None:
    """The others are loaded, and the broken one leaves nothing."""
    project.write("landing/good.csv", "n\n1\n")
    project.write("landing/bad.csv", "n,m\n1\n")
    entries = "  good: {kind: files, path: landing/good.csv}\n  bad: {kind: files, path: landing/bad.csv}\n"
    project.write("ropewalk.yaml", f"project: test\nsources:\n{entries}")

    result, rows = run_all(project.root)

    assert rows == {"good": 1}
    assert (result.count(State.EXECUTED), result.count(State.FAILED)) == (1, 1)


@pytest.mark.parametrize("kind", ["files", "sqlite", "rest"])
def test_planning_makes_no_lake(project, serve, kind: str) -> None:
    """What would run is known without writing anything below the lake's folder."""
    server = serve(lambda _: Reply([{"id": 1}]))
    project.write("landing/a.csv", "n\n1\n")
    entries = {
        "files": CSV,
        "sqlite": "{kind: sqlite, path: landing/a.csv, table: a}",
        "rest": f"{{kind: rest, url: '{server.url}', key: [id]}}",
    }
    project.without_lake().declare(entries[kind])

    assert project.plan().status is Status.STALE
    assert not (project.root / ".ropewalk/lake").exists()
    assert server.requests == []


def test_the_lake_must_hold_what_is_recorded(project) -> None:
    """A lake that was deleted makes its sources stale again."""
    import shutil

    project.write("landing/a.csv", "n\n1\n")
    project.declare(CSV).load()
    project.close()
    shutil.rmtree(project.root / ".ropewalk/lake")

    assert project.plan().status is Status.STALE
    assert project.load().summary["rows"] == 1


def test_a_deleted_database_loads_nothing_twice(project) -> None:
    """Without the metadata the ledger in the lake still knows the files."""
    project.write("landing/a.csv", "n\n1\n")
    before = project.declare(CSV).load()
    project.close()
    for path in (project.root / ".ropewalk").glob("ropewalk.db*"):
        path.unlink()

    after = project.load()

    assert (after.digest, after.summary["added"]) == (before.digest, 0)


def test_records_of_a_table_that_was_dropped_come_again(project, serve) -> None:
    """A watermark without its table counts for nothing."""
    server = serve(lambda r: Reply([{"id": 1}] if "after" not in r.query else []))
    project.declare(f"{{kind: rest, url: '{server.url}', cursor: {{field: id, param: after}}, key: [id]}}")
    project.load()
    with project.lake.transaction("somebody drops it") as transaction:
        transaction.drop("raw.things")

    assert project.plan().status is Status.STALE
    project.load()

    assert project.rows("SELECT id") == [(1,)]


def test_outputs_can_be_recorded(project, serve) -> None:
    """What a load says of itself is plain JSON."""
    server = serve(lambda _: Reply([{"id": 1}]))
    output: Output = project.declare(f"{{kind: rest, url: '{server.url}', key: [id]}}").load()

    assert json.loads(json.dumps(dict(output.summary))) == output.summary
    assert len(output.digest) == 64


@pytest.mark.parametrize(
    ("value", "kind", "loaded"),
    [
        ("'a'::ENUM('a', 'b')", "VARCHAR", "a"),
        ("[1, 2]", "JSON", "[1,2]"),
        ("{'x': 1}", "JSON", '{"x":1}'),
        ("MAP {'x': 1}", "JSON", '{"x":1}'),
        ("1::UBIGINT", "BIGINT", 1),
        ("18446744073709551615::UBIGINT", "DECIMAL(38,0)", 18446744073709551615),
        ("1.25::DECIMAL(10, 2)", "DECIMAL(10,2)", None),
        ("TIMESTAMP '2013-01-01'", "TIMESTAMP", None),
        ("TIMESTAMPTZ '2013-01-01'", "TIMESTAMP WITH TIME ZONE", None),
        ("true", "BOOLEAN", True),
        ("'x'::BLOB", "BLOB", b"x"),
        ("1::FLOAT", "FLOAT", 1.0),
    ],
)
def test_types_of_parquet(project, value: str, kind: str, loaded: object) -> None:
    """Every type gets one that the lake keeps, and is not loaded again for it."""
    path = project.write("landing/a.parquet", b"")
    with duckdb.connect() as connection:
        connection.execute(f"COPY (SELECT {value} AS v) TO '{path}' (FORMAT parquet)")

    project.declare("{kind: files, path: landing/a.parquet}").load()

    assert project.types() == {"v": kind}
    assert loaded is None or project.rows() == [(loaded,)]
    assert project.is_hit()


def test_parquet_files_of_other_types_later(project) -> None:
    """A fraction does not fit a whole-number column, a whole number fits one of fractions."""
    with duckdb.connect() as connection:
        for number, value in enumerate(["1.5::DOUBLE", "2::INTEGER"]):
            path = project.write(f"landing/{number}.parquet", b"")
            connection.execute(f"COPY (SELECT {value} AS v) TO '{path}' (FORMAT parquet)")
            project.declare('{kind: files, path: "landing/*.parquet"}').load()
        path = project.write("landing/2.parquet", b"")
        connection.execute(f"COPY (SELECT 'x' AS v) TO '{path}' (FORMAT parquet)")

    assert project.rows() == [(1.5,), (2.0,)]
    error = project.fail()
    assert (error.code, str(error.place)) == ("RW423", "landing/2.parquet")


def test_reading_while_a_source_is_loaded(project) -> None:
    """Readers see the old rows until all new ones are there."""
    import threading

    project.write("landing/0.csv", "n\n" + "1\n" * 1000)
    project.declare(CSV).load()
    project.write("landing/1.csv", "n\n" + "2\n" * 50_000)
    seen: set[tuple[object, ...]] = set()
    loader = threading.Thread(target=project.load)

    loader.start()
    while loader.is_alive():
        seen.update(project.rows("SELECT count(*)"))
    loader.join()

    assert seen <= {(1000,), (51_000,)}
    assert project.rows("SELECT count(*)") == [(51_000,)]


def test_another_process_reads_while_a_source_is_loaded(project: SourceProject) -> None:
    """A second engine over the same folder, as `ropewalk up` has, is never refused."""
    from ropewalk.dataops.lake import Lake

    project.write("landing/0.csv", "n\n1\n")
    project.declare(CSV).load()

    with Lake(project.lake.folder) as other:
        for number in range(1, 4):
            project.write(f"landing/{number}.csv", "n\n1\n")
            project.load()
            assert other.query("SELECT count(*) FROM raw.things").rows == ((number + 1,),)


def test_a_request_says_what_it_accepts(project, serve) -> None:
    """JSON is asked for, and declared headers win."""
    server: APIServer = serve(lambda _: Reply([{"id": 1}]))
    project.declare(f"{{kind: rest, url: '{server.url}', headers: {{Accept: text/json, X-A: b}}}}").load()

    headers = server.requests[0].headers
    assert (headers["Accept"], headers["X-A"]) == ("text/json", "b")
