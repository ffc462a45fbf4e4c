"""Loading: a million orders from CSV, Parquet, PostgreSQL and a paged API; and twenty sources with nothing new."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.dataops.data import orders, write_csv, write_pages, write_parquet
from benchmarks.dataops.plain import connect
from benchmarks.dataops.project import from_nothing, plain_load, ropewalk, run, write_project
from benchmarks.rig.cpu import Command, median_cpu
from benchmarks.rig.goals import Goal
from tests.servers.database_server import running_server

ROWS = 1_000_000
# dlt takes half a minute of CPU for a tenth of the rows.
FEWER = 100_000
PAGE = 1_000
SOURCES = 20


def csv(here: Path, _dlt: Path | None) -> Iterator[Goal]:
    """A CSV file of a million rows, against DuckDB alone."""
    write_csv(here / "orders.csv", ROWS)
    yield _against_plain(here, "CSV", "orders.csv", f"read_csv('{here}/orders.csv')")


def parquet(here: Path, _dlt: Path | None) -> Iterator[Goal]:
    """A Parquet file of a million rows, against DuckDB alone."""
    write_parquet(here / "orders.parquet", ROWS)
    yield _against_plain(here, "Parquet", "orders.parquet", f"read_parquet('{here}/orders.parquet')")


def postgres(here: Path, _dlt: Path | None) -> Iterator[Goal]:
    """A table of a million rows in PostgreSQL, against DuckDB alone; only the client's CPU is counted."""
    with _server() as url:
        declared = "sources: {orders: {kind: postgres, url: secret://ORDERS_URL, table: orders}}\n"
        project = write_project(here / "postgres", {"ropewalk.yaml": f"project: bench\n{declared}"})
        ours = from_nothing(ropewalk(project, "run", ORDERS_URL=url))
        attach = f"ATTACH '{url}' AS shop (TYPE postgres, READ_ONLY)"
        theirs = plain_load(here, "shop.public.orders", "postgres_scanner", attach)
    yield _ratio("PostgreSQL, 1M rows / DuckDB", ours, "DuckDB", theirs, 1.3)


def beside_dlt(here: Path, dlt: Path | None) -> Iterator[Goal]:
    """The CSV by dlt, as dictionaries and as Arrow."""
    if dlt is None:
        return
    write_csv(here / "dlt.csv", ROWS)
    write_csv(here / "fewer.csv", FEWER)
    write_csv(here / "one.csv", 1)
    ours = from_nothing(ropewalk(_project(here / "all", here / "dlt.csv"), "run"))
    fewer = from_nothing(ropewalk(_project(here / "few", here / "fewer.csv"), "run"))
    # What each costs before the first row is taken off, as a fixed cost would hide the cost of rows.
    start = from_nothing(ropewalk(_project(here / "none", here / "one.csv"), "run"))
    dlt_start = _dlt(here, dlt, "rows", here / "one.csv")
    rows = _dlt(here, dlt, "rows", here / "fewer.csv", times=1) - dlt_start
    arrow = _dlt(here, dlt, "arrow", here / "dlt.csv")
    yield _ratio("CSV, per row / dlt's rows", max(fewer - start, 0.01), "dlt", rows, 1 / 20)
    yield _ratio("CSV, 1M rows / dlt's Arrow", ours, "dlt", arrow, 1 / 2)


def rest(here: Path, dlt: Path | None) -> Iterator[Goal]:
    """Pages of an API, a hundred thousand records in all; the API's own CPU is not counted."""
    if dlt is None:
        return
    pages = write_pages(here / "orders", FEWER, PAGE)
    with _api(here) as address:
        ours, none = (
            from_nothing(ropewalk(_rest_project(here / f"rest-{page}", f"{address}/orders/{page}"), "run"))
            for page in (0, pages - 1)
        )
        theirs = _dlt(here, dlt, "rest", address, times=1)
        start = _dlt(here, dlt, "rows", _one(here))
    yield _ratio("REST, per record / dlt", ours - none, "dlt", theirs - start, 1 / 10)


def no_op(here: Path, _dlt: Path | None) -> Iterator[Goal]:
    """A run over twenty sources of which none has anything new."""
    declared = ["project: bench", "sources:"]
    for number in range(SOURCES):
        write_csv(_parent(here / f"twenty/landing/{number}/a.csv"), PAGE)
        declared.append(f'  s{number}: {{kind: files, path: "landing/{number}/*.csv"}}')
    project = write_project(here / "twenty", {"ropewalk.yaml": "\n".join(declared)})
    run(project, "run")
    note = project / ".ropewalk/glance"
    spent = median_cpu(ropewalk(project, "run"), 5, before=lambda: note.unlink(missing_ok=True))
    # What changed must be some seconds old before a run leaves the note that the next one takes a glance at.
    time.sleep(2.5)
    run(project, "run")
    glance = median_cpu(ropewalk(project, "run"), 5)
    yield Goal("no-op of 20 sources", f"{glance:.3f} CPU-s (planned {spent:.3f})", glance, 0.3)


def _against_plain(here: Path, name: str, file: str, relation: str) -> Goal:
    ours = from_nothing(ropewalk(_project(here / name, here / file), "run"))
    return _ratio(f"{name}, 1M rows / DuckDB", ours, "DuckDB", plain_load(here, relation), 1.3)


def _ratio(name: str, ours: float, whose: str, theirs: float, bound: float) -> Goal:
    return Goal(name, f"{ours:.2f} s, {whose} {theirs:.2f} s", ours / theirs, bound)


def _project(folder: Path, file: Path) -> Path:
    return write_project(
        folder, {"ropewalk.yaml": f"project: bench\nsources: {{orders: {{kind: files, path: {file}}}}}\n"}
    )


def _rest_project(folder: Path, url: str) -> Path:
    paginate = "paginate: {kind: next_url, path: next}"
    declared = f"sources: {{orders: {{kind: rest, url: '{url}', records: items, {paginate}}}}}\n"
    return write_project(folder, {"ropewalk.yaml": f"project: bench\n{declared}"})


def _dlt(here: Path, python: Path, kind: str, source: object, times: int = 3) -> float:
    folder = here / "dlt"

    def clear() -> None:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()

    program = str(Path(__file__).with_name("dlt_loads.py"))
    quiet = {"RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "CRITICAL"}
    command = Command([str(python), program, kind, str(source), str(folder)], here, quiet)
    return median_cpu(command, times, before=clear)


def _one(here: Path) -> Path:
    write_csv(here / "one.csv", 1)
    return here / "one.csv"


def _parent(path: Path) -> Path:
    path.parent.mkdir(parents=True)
    return path


@contextmanager
def _api(folder: Path) -> Iterator[str]:
    """Serve the folder's files on a free port."""
    code = (
        "import http.server as h, functools as f, sys\n"
        "class Q(h.SimpleHTTPRequestHandler):\n"
        "    protocol_version = 'HTTP/1.1'\n"
        "    def log_message(self, *_): pass\n"
        "    def guess_type(self, path): return 'application/json'\n"
        "s = h.ThreadingHTTPServer(('127.0.0.1', 0), f.partial(Q, directory=sys.argv[1]))\n"
        "print(s.server_port, flush=True); s.serve_forever()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(folder)], stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        try:
            yield f"http://127.0.0.1:{server.stdout.readline().strip()}"
        finally:
            server.kill()


@contextmanager
def _server() -> Iterator[str]:
    """Run a PostgreSQL server with the orders, and yield its address."""
    with running_server() as server, server.database("template0") as name:
        url = server.url(name)
        connection = connect("postgres_scanner")
        connection.execute(f"ATTACH '{url}' AS shop (TYPE postgres)")
        connection.execute(f"CREATE TABLE shop.public.orders AS {orders(ROWS)}")
        connection.close()
        yield url
