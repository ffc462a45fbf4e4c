"""Python functions as sources: read without running them, run in processes of their own, landed whole or not at all."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ropewalk.dataops.sources.rows_writer import RowsWriter
from ropewalk.errors import RopewalkError
from ropewalk.pipeline import Status, declare_graph

HEAD = "from ropewalk import source\n"


def write(project, body: str, options: str = ""):
    """Make the function `things` with a body the project's source."""
    decorator = f"@source({options})" if options else "@source"
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    project.close()
    project.write("ropewalk.yaml", "project: test\n")
    project.write(
        "sources/things.py",
        f"{HEAD}import os, time\nSTART = 1\n\n{decorator}\ndef things(*, since=None, count=2):\n{lines}\n",
    )
    return project


ROWS = "for n in range(START, count + 1):\n    yield {'id': n, 'name': f'n{n}'}"


def test_rows_of_a_generator(project) -> None:
    """With the default of its parameter."""
    output = write(project, ROWS).load()

    assert project.rows("SELECT *") == [(1, "n1"), (2, "n2")]
    assert output.origins == ("python:sources/things.py:things",)


def test_planning_does_not_import_it(project) -> None:
    """A file that would do something when it is imported does nothing."""
    write(project, ROWS)
    path = project.root / "sources/things.py"
    path.write_text(path.read_text() + f"\nopen({str(project.root / 'trace')!r}, 'w')\n")

    assert project.plan().status is Status.STALE
    assert not (project.root / "trace").exists()


def test_since_is_the_watermark(project) -> None:
    """As text, and None at first."""
    body = "print('since', repr(since))\nfor n in range(int(since or 0) + 1, int(since or 0) + 3):\n    yield {'id': n}"
    write(project, body, "cursor='id', key='id'").load()

    assert project.load().summary == {"rows": 4, "added": 2, "watermark": "4"}
    logs = sorted(
        (project.root / ".ropewalk/logs").glob("*/source-things.log"), key=lambda p: p.stat().st_mtime
    )
    assert [log.read_text().strip() for log in logs] == ["since None", "since '2'"]


@pytest.mark.parametrize(
    "item",
    [
        "{'a': 1, 'b': 'x'}",
        "[{'a': 1, 'b': 'x'}]",
        "__import__('pyarrow').table({'a': [1], 'b': ['x']})",
        "__import__('pyarrow').record_batch({'a': [1], 'b': ['x']})",
        "__import__('pandas').DataFrame({'a': [1], 'b': ['x']})",
        "__import__('duckdb').sql(\"SELECT 1::BIGINT AS a, 'x' AS b\")",
    ],
)
def test_whatever_form_rows_have(project, item: str) -> None:
    """Dicts, Arrow, frames and relations make the same table."""
    write(project, f"yield {item}").load()

    assert (project.rows("SELECT *"), project.types()) == ([(1, "x")], {"a": "BIGINT", "b": "VARCHAR"})


def test_rows_that_are_returned_at_once(project) -> None:
    """A function need not be a generator."""
    write(project, "return [{'a': 1}, {'a': 2}]").load()

    assert project.rows("SELECT a") == [(1,), (2,)]


def test_many_small_batches_and_columns_that_come_later(project) -> None:
    """Are one table, in few files."""
    body = "import pyarrow as pa\nfor n in range(50):\n    yield pa.record_batch({'a': [n]})\nyield pa.table({'a': [50], 'b': ['x']})"

    write(project, body).load()

    assert project.rows("SELECT count(*), count(b)") == [(51, 1)]


def test_values_that_json_has_no_word_for(project) -> None:
    """Times and decimals as text that says all, numbers that are none as no value."""
    body = (
        "import datetime, decimal, uuid\n"
        "yield {'id': 1, 'at': datetime.datetime(2024, 1, 2, 3, 4), 'price': decimal.Decimal('1.10'), 'nan': float('nan'),\n"
        "       'tags': {'b', 'a'}, 'uid': uuid.UUID(int=1), 'bad': 'x\\ud800'}"
    )

    write(project, body, "types={'price': 'DECIMAL(10,2)'}").load()

    columns = 'CAST("at" AS VARCHAR), CAST(price AS VARCHAR), nan, tags ->> 0, CAST(uid AS VARCHAR), bad'
    assert project.rows(f"SELECT {columns}") == [
        ("2024-01-02 03:04:00", "1.10", None, "a", "00000000-0000-0000-0000-000000000001", "x?")
    ]


def test_an_edit_of_its_code_runs_it(project) -> None:
    """A helper in another file counts; a comment does not; and what was loaded stays."""
    project.write("helper.py", "def name(n):\n    return f'n{n}'\n")
    body = "from helper import name\nyield {'id': 1, 'name': name(1)}"
    write(project, body, "refresh='never', key='id', cursor='id'").load()
    assert project.is_hit()

    project.write("helper.py", "# why\ndef name(n):\n    return f'n{n}'\n")
    project.close()
    assert project.is_hit()

    project.write("helper.py", "def name(n):\n    return f'm{n}'\n")
    project.close()
    assert "code helper.py:name" in str(project.plan().reasons)
    assert (project.load().summary["changed"], project.rows("SELECT name")) == (1, [("m1",)])


def test_a_parameter_is_a_fact(project) -> None:
    """Another default loads everything anew."""
    write(project, ROWS, "refresh='never'").load()
    path = project.root / "sources/things.py"
    path.write_text(path.read_text().replace("count=2", "count=3"))
    project.close()

    assert project.load().summary["rows"] == 3


def test_young_enough(project) -> None:
    """Within `refresh` nobody runs it."""
    write(project, "yield {'at': time.time()}", "refresh='1h'").load()

    assert project.is_hit()


def test_equal_rows_make_no_snapshot(project) -> None:
    """It runs every time, and what is downstream does not."""
    write(project, ROWS).load()
    project.load()
    before = project.lake.snapshot()

    project.load()

    assert project.lake.snapshot() == before


@pytest.mark.parametrize(
    ("body", "code", "said", "line"),
    [
        ("yield {'id': 1}\nraise ValueError('no\\nmore')", "RW490", "ValueError: no", 8),
        ("raise SystemExit(3)", "RW490", "SystemExit: 3", 7),
        ("os.kill(os.getpid(), 9)\nyield 1", "RW490", "killed by signal 9", None),
        ("os._exit(4)\nyield 1", "RW490", "exit code 4 and no answer", None),
        ("time.sleep(60)\nyield 1", "RW491", "longer than 1 seconds", None),
        ("yield object()", "RW490", "TypeError", None),
        ("yield {'a': object()}", "RW490", "a value of type object cannot be loaded", None),
        ("yield {'a': float('inf')}", "RW490", "row 1: column 'a' is inf", None),
        (
            "yield {'a': 1}\nyield __import__('pyarrow').table({'a': [1]})",
            "RW490",
            "either dicts or tables",
            None,
        ),
        ("import no_such_package", "RW691", "no_such_package", None),
        ("yield {'id': None, 'x': 1}", "RW227", "key", None),
    ],
)
def test_functions_that_go_wrong(project, body: str, code: str, said: str, line: int | None) -> None:
    """Each is told for what it is, with the line where there is one, and nothing is loaded."""
    options = {"RW227": "key='nope', write='merge'", "RW491": "timeout='1s'"}.get(code, "")

    error = write(project, body, options).fail()

    assert (error.code, said in error.message) == (code, True), error.as_json()
    assert line is None or str(error.place).startswith(f"sources/things.py:{line}")
    assert project.lake.table_names() == ()


def test_a_function_without_rows(project) -> None:
    """At first nobody knows its columns; later it just brings nothing."""
    write(project, "if not os.path.exists('stop'):\n    yield {'id': 1}", "cursor='id'").load()
    project.write("stop", "")

    assert project.load().summary["rows"] == 1
    assert write(project, "yield from ()").fail().code == "RW622"


def test_what_it_prints_shows_no_secret(project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither in its log nor in the error."""
    monkeypatch.setenv("SHOP_TOKEN", "hunter2-hunter2")
    body = (
        "print(os.environ['SHOP_TOKEN'])\nraise ValueError('at https://x/' + os.environ['SHOP_TOKEN'])\nyield"
    )

    error = write(project, body).fail()

    assert "hunter2" not in str(error.as_json())
    assert "***" in error.message
    files = [path for path in project.root.rglob("*") if path.is_file()]
    assert [path for path in files if b"hunter2-hunter2" in path.read_bytes()] == []


def test_nothing_outlives_it(project) -> None:
    """A process that it leaves running is ended with it."""
    body = "child = os.fork()\nif child == 0:\n    os.setsid()\n    time.sleep(60)\n    os._exit(0)\nyield {'child': child}"

    write(project, body).load()

    child = int(str(project.rows("SELECT child")[0][0]))
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and Path(f"/proc/{child}").exists():
        time.sleep(0.02)
    assert not Path(f"/proc/{child}").exists()
    with pytest.raises(ProcessLookupError):
        os.kill(child, signal.SIGKILL)


@pytest.mark.parametrize(
    ("declared", "code", "nearest"),
    [
        ("@source(kye='id')\ndef things():\n    yield", "RW125", "key"),
        ("@source(refresh='soon')\ndef things():\n    yield", "RW125", None),
        ("@source(write='merge')\ndef things():\n    yield", "RW125", None),
        ("@source(key=['id'], cursor={'colum': 'x'})\ndef things():\n    yield", "RW125", None),
        ("@source(key=KEY)\ndef things():\n    yield", None, None),
        ("@source\ndef things(orders):\n    yield", "RW125", None),
        ("@source\ndef things(*, a):\n    yield", None, None),
        ("@source\nasync def things():\n    yield", None, None),
        ("@source\ndef things():\n    yield\n@source\ndef things():\n    yield", None, None),
        ("@source\ndef things(:\n    yield", None, None),
    ],
)
def test_declarations_that_are_wrong(project, declared: str, code: str | None, nearest: str | None) -> None:
    """Are found by a plan, with their line."""
    project.write("ropewalk.yaml", "project: test\n")
    project.write("sources/things.py", f"{HEAD}{declared}\n")

    with pytest.raises(RopewalkError) as caught:
        declare_graph(project.workspace.project, project.kinds)

    assert str(caught.value.place).startswith("sources/things.py:")
    assert code is None or (caught.value.code, caught.value.nearest) == (code, nearest)


def test_functions_without_the_decorator_are_none(project) -> None:
    """Helpers stand beside sources."""
    write(project, ROWS)
    project.write("sources/helpers.py", "def fetch():\n    return 1\n")

    assert list(declare_graph(project.workspace.project, project.kinds).nodes) == ["source:things"]


VALUES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.text(max_size=6)
    | st.floats(allow_infinity=False)
)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.dictionaries(st.text(max_size=4), VALUES, max_size=3), max_size=5))
def test_whatever_is_yielded_is_written(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, object]]
) -> None:
    """One line for each row, and nothing that is no JSON."""
    import json

    folder = tmp_path_factory.mktemp("rows")
    with RowsWriter(folder) as writer:
        for row in rows:
            writer.write(row)

    path = folder / "records.ndjson"
    lines = path.read_text("utf-8").split("\n")[:-1] if rows else []
    assert (writer.rows, len(lines)) == (len(rows), len(rows))
    for line, row in zip(lines, rows, strict=True):
        expected = {key: None if value != value else value for key, value in row.items()}  # noqa: PLR0124  # only NaN is not itself
        assert json.loads(line) == json.loads(
            json.dumps(expected, ensure_ascii=False).encode("utf-8", "replace")
        )
