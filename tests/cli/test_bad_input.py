"""Each mistake gets one clear message: code, place, nearest name, what to do; a non-zero exit; nothing half-written."""

from __future__ import annotations

import http.server
import json
import socket
import threading

import pytest

GOOD = {
    "ropewalk.yaml": """
        project: shop
        sources:
          orders: {kind: files, path: "drops/*.csv"}
        """,
    "drops/one.csv": "id,amount\n1,10\n2,20\n",
    "tables/staging/orders.sql": "SELECT id, amount FROM raw.orders\n",
}


@pytest.fixture
def fails(write_project, ropewalk):
    """Return a function that writes a project with changed files and returns what a command said of it."""

    def run(changed, *arguments):
        root = write_project({**GOOD, **changed})
        said = ropewalk(*(arguments or ("run",)), cwd=root)
        assert said.code != 0
        assert "src/ropewalk" not in said.err
        return said

    return run


def test_broken_yaml(fails):
    """YAML that does not parse is refused at its line and column."""
    said = fails({"ropewalk.yaml": "project: shop\nsources: {orders: [\n"}, "plan")

    assert said.code == 2
    assert "error[RW111]" in said.err
    assert "ropewalk.yaml:" in said.err


def test_unknown_key(fails):
    """A misspelt section is refused at its place with the nearest."""
    said = fails({"ropewalk.yaml": "project: shop\nsurces: {}\n"}, "plan")

    assert "error[RW112]" in said.err
    assert "ropewalk.yaml:2:1" in said.err
    assert "did you mean: sources" in said.err


def test_unknown_key_in_an_entry(fails):
    """A misspelt key of a source is refused at its place with the nearest."""
    said = fails({"ropewalk.yaml": "project: p\nsources:\n  a: {kind: files, paht: x.csv}\n"}, "plan")

    assert "ropewalk.yaml:3:20" in said.err
    assert "did you mean: path" in said.err


def test_missing_file(fails):
    """A source whose file does not exist fails with a code and the path."""
    said = fails({"ropewalk.yaml": "project: p\nsources:\n  orders: {kind: files, path: drops/none.csv}\n"})

    assert "error[RW" in said.err
    assert "drops/none.csv" in said.err


def test_cycle(fails):
    """Tables that need each other are refused with the whole circle."""
    said = fails(
        {"tables/mart/a.sql": "SELECT * FROM mart.b", "tables/mart/b.sql": "SELECT * FROM mart.a"}, "plan"
    )

    assert "error[RW117]" in said.err
    assert "table:mart.a" in said.err
    assert "table:mart.b" in said.err


def test_sql_that_does_not_parse(fails):
    """SQL that does not parse is refused at file, line and column."""
    said = fails({"tables/mart/a.sql": "SELECT id\nFROM raw.orders WHERE (\n"}, "plan")

    assert said.code == 2
    assert "tables/mart/a.sql:" in said.err


def test_sql_with_an_unknown_table(fails):
    """A table that nothing provides is refused where its name stands, with the nearest."""
    said = fails({"tables/mart/a.sql": "SELECT id\nFROM staging.ordrs\n"}, "plan")

    assert "error[RW114]" in said.err
    assert "tables/mart/a.sql:2:6" in said.err
    assert "staging.orders" in said.err


def test_sql_with_an_unknown_column_keeps_the_old_table(write_project, ropewalk):
    """A build that fails leaves the table's content and its descendants as they were."""
    root = write_project(GOOD)
    ropewalk("run", cwd=root)
    (root / "tables/staging/orders.sql").write_text("SELECT id, amuont FROM raw.orders\n")

    said = ropewalk("run", cwd=root)
    rows = ropewalk("sql", "SELECT sum(amount) AS s FROM staging.orders", "--json", cwd=root).json["rows"]

    assert said.code == 1
    assert "did you mean: amount" in said.err
    assert rows == [{"s": 30}]


def test_failed_contract_shows_rows_and_keeps_the_old_table(write_project, ropewalk):
    """Rows that break the contract are shown, and do not reach the table."""
    contract = """
        apiVersion: v3.1.0
        kind: DataContract
        id: orders
        version: 1.0.0
        status: active
        schema:
          - name: orders
            physicalName: staging.orders
            properties:
              - {name: id, logicalType: integer, required: true, unique: true}
        """
    root = write_project({**GOOD, "contracts/staging.orders.odcs.yaml": contract})
    ropewalk("run", cwd=root)
    (root / "drops/two.csv").write_text("id,amount\n2,70\n")

    said = ropewalk("run", cwd=root)
    rows = ropewalk("sql", "SELECT count(*) AS n FROM staging.orders", "--json", cwd=root).json["rows"]

    assert said.code == 1
    assert "unique" in said.err
    assert rows == [{"n": 2}]


def test_step_that_raises(fails):
    """A step's exception is told with the user's own line, the log and how to run it again."""
    source = "from ropewalk import Metrics, Table, step\n\n\n@step\ndef judge(orders: Table) -> Metrics:\n    return 1 / 0\n"
    said = fails({"steps/judge.py": source})

    assert said.code == 1
    assert "error[RW440]" in said.err
    assert "ZeroDivisionError" in said.err
    assert "steps/judge.py:6" in said.err
    assert "ropewalk run step:judge" in said.err


class _Breaking(http.server.BaseHTTPRequestHandler):
    """Two good pages, then 500 for as long as `broken` is set."""

    broken = True

    def do_GET(self):
        page = int(self.path.partition("page=")[2] or 1)
        code = 500 if page == 3 and self.broken else 200
        follow = f"http://127.0.0.1:{self.server.server_port}/?page={page + 1}" if page < 3 else None
        body = json.dumps({"items": [{"id": page, "amount": page}], "next": follow}).encode()
        self.send_response(code)
        self.send_header("content-type", "application/json")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def test_source_that_answers_500_half_way(write_project, ropewalk):
    """Half a load writes nothing; once the source is well the next run loads all of it."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Breaking) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/"
        source = f"{{kind: rest, url: '{url}', records: items, paginate: {{kind: next_url, path: next}}}}"
        root = write_project({"ropewalk.yaml": f"project: p\nsources:\n  api: {source}\n"})
        broken = ropewalk("run", cwd=root)
        tables = ropewalk("sql", "SELECT count(*) AS n FROM raw.api", cwd=root)
        _Breaking.broken = False
        mended = ropewalk("run", "--json", cwd=root)
        server.shutdown()

    assert broken.code == 5
    assert "500" in broken.err
    assert tables.code != 0
    assert mended.json["executed"] == 1


def test_port_in_use(fails):
    """A port that something else listens on is a conflict that names it."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = fails({}, "up", "--port", str(port))

    assert said.code == 4
    assert str(port) in said.err


def test_init_overwrites_nothing(fails):
    """Where a project already is, init refuses."""
    said = fails({}, "init")

    assert said.code == 4
    assert "error[RW310]" in said.err
