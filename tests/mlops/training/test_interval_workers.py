"""Intervals of a step made at the same time: within the run's budget, and with the table that one after the other makes."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from ropewalk import plugins
from ropewalk.dataops.lake import Lake, open_lake, query_environment
from ropewalk.dataops.transform import TableKind
from ropewalk.mlops.training import StepKind
from ropewalk.mlops.training.interval_workers import LabelledText, claimed_calls
from ropewalk.mlops.training.job import Call, Job
from ropewalk.pipeline import NodeResult, Workspace, declare_graph, execute
from ropewalk.project import load_project
from ropewalk.settings import load_settings

KINDS = {"table": TableKind(), "step": StepKind()}
STEP = """
import os, signal, time
from pathlib import Path
from ropewalk import Table, step

@step(partition="day(day)"{options})
def daily(trips: Table) -> Table:
    rows = trips.relation().order("day, km")
    day = str(rows.fetchall()[0][0])
    {body}
    return Table.of(rows.project(f"day, km, {{{column}}} AS extra"))
"""
# Both are under way before either ends, whichever begins first; alone it would wait for ever.
MEET = """Path({folder!r}, day).touch()
    while len(os.listdir({folder!r})) < 2:
        time.sleep(0.01)"""


class _Quiet:
    def __getattr__(self, _name: str) -> Callable[..., None]:
        return lambda *_, **__: None


def trips(*rows: tuple[str, int], columns: str = "day, km") -> dict[str, str]:
    values = ", ".join(f"(DATE '{day}', {km})" for day, km in rows)
    return {"tables/a/trips.sql": f"SELECT * FROM (VALUES {values}) AS v ({columns})"}


def step(body: str = "pass", options: str = "", column: str = "1") -> dict[str, str]:
    return {"steps/daily.py": STEP.format(body=body, options=options, column=column)}


class Days:
    """A project whose one step makes a table day by day, in runs that have room for four processes."""

    def __init__(self, write: Callable[[Mapping[str, str]], Path]) -> None:
        self.write = write

    def run(self, files: Mapping[str, str], act: Callable[[Lake], object] = lambda _: None) -> NodeResult:
        """Write files over the project, run it, and return what became of the step."""
        self.root = self.write(files)
        project = load_project(self.root, plugins.sections())
        with Workspace(project, load_settings({"ROPEWALK_PARALLEL": "4"})) as workspace:
            made = execute(declare_graph(project, KINDS), KINDS, workspace, _Quiet())
            # A step whose first run fails leaves no table.
            tables = open_lake(workspace).table_names()
            sql = "FROM steps.daily ORDER BY ALL"
            self.rows = query_environment(workspace, sql).rows if "steps.daily" in tables else None
            act(open_lake(workspace))
        self.log = "".join(path.read_text() for path in (self.root / ".ropewalk/logs").rglob("daily*.log"))
        return next(node for node in made.nodes if node.id == "step:daily")


def pin(lake: Lake) -> None:
    """Pin the input as it is now."""
    lake.pin("before", {"a.trips": lake.snapshot()})


@pytest.fixture
def days(write_project) -> Days:
    """Return an empty project."""
    return Days(write_project)


TWO = trips(("2013-01-01", 1), ("2013-01-02", 2))
SIX = trips(*((f"2013-01-0{n}", n) for n in range(1, 7)))


def test_two_intervals_at_the_same_time(days: Days, tmp_path: Path) -> None:
    """Each waits for the other, and what both print is told apart in the log."""
    folder = tmp_path / "meeting"
    folder.mkdir()

    made = days.run({**TWO, **step(MEET.format(folder=str(folder)) + "\n    print('met')")})

    assert made.error is None
    assert {"2013-01-01 | met", "2013-01-02 | met"} <= set(days.log.splitlines())
    assert "interval 2013-01-02 (2 of 2)" in days.log


def test_the_table_is_that_of_one_after_the_other(days: Days, tmp_path: Path) -> None:
    """Same content, digest for digest; and late rows of a day compute that day alone."""
    at_once = days.run({**SIX, **step()})
    digest, rows = at_once.output.digest, days.rows
    late = days.run(trips(*((f"2013-01-0{n}", n) for n in range(1, 7)), ("2013-01-03", 9)))
    # From the beginning, in a project that has never made it.
    alone = Days(lambda files: _write(tmp_path / "alone", files)).run(
        {**SIX, **step(options=", max_partitions=1")}
    )

    assert (alone.output.digest, len(rows)) == (digest, 6)
    assert late.output.summary["intervals"] == {"total": 6, "computed": 1, "missing": 0}
    assert len(days.rows) == 7


def _write(root: Path, files: Mapping[str, str]) -> Path:
    for name, text in {"ropewalk.yaml": "project: q\n", **files}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.mark.parametrize(
    ("options", "pools", "most"),
    [
        (", max_partitions=1", "", 1),
        (", pool='db'", "pools: {db: 1}\n", 1),
        (", cpu=2", "", 2),
        (", max_partitions=3", "", 3),
    ],
)
def test_no_more_processes_than_there_is_room_for(days: Days, options: str, pools: str, most: int) -> None:
    """The bound of the step, its pool and the run's cores each hold."""
    project = {"ropewalk.yaml": f"project: p\n{pools}"}

    made = days.run({**project, **SIX, **step(options=options, column="os.getpid()")})

    assert made.error is None
    assert 1 <= len({row[2] for row in days.rows}) <= most


def test_an_interval_that_fails_ends_the_others(days: Days) -> None:
    """The error is that of the one that failed, its log names the interval, and nothing stays of any."""
    body = "if day == '2013-01-02':\n        raise ValueError('no such day')\n    time.sleep(600)"

    failed = days.run({**TWO, **step(body)})

    assert failed.error.code == "RW440"
    assert "ValueError: no such day" in failed.error.message
    assert "in the interval 2013-01-02" in days.log
    assert days.rows is None


@pytest.mark.parametrize(
    ("body", "code"),
    [("os.kill(os.getpid(), signal.SIGKILL)", "RW443"), ("os._exit(3)", "RW440"), ("os._exit(0)", "RW440")],
)
def test_an_interval_whose_process_ends_fails_the_step(days: Days, body: str, code: str) -> None:
    """It is told as it is of a step that makes one interval after the other, also when it leaves as if all were well."""
    failed = days.run({**TWO, **step(f"if day == '2013-01-02':\n        {body}\n    time.sleep(600)")})

    assert failed.error.code == code
    assert days.rows is None


def test_the_past_is_cut_like_the_present(days: Days) -> None:
    """`at` shows of another moment the interval that the step is called for."""
    days.run({**trips(("2013-01-01", 7), ("2013-01-01", 8), ("2013-01-02", 9)), **step()}, pin)

    made = days.run({**TWO, **step(column="len(trips.at('before').relation().fetchall())")})

    assert made.error is None, made.error
    assert [row[2] for row in days.rows] == [2, 1]


def test_a_past_without_the_column_is_refused(days: Days) -> None:
    """Showing all of it would be another table for each interval than the one asked for."""
    days.run({**trips(("2013-01-01", 7), columns="date, km"), **step()}, pin)

    failed = days.run({**TWO, **step("trips.at('before').relation()")})

    assert "a.trips at before cannot be cut to the interval" in failed.error.message
    assert '"day"' in failed.error.message


def test_calls_are_taken_once(tmp_path: Path) -> None:
    """What another process has taken is passed over."""
    job = Job("", "", "", "", None, [], {}, "", calls=tuple(Call(day, {}) for day in ("a", "b", "c")))
    first, second = claimed_calls(job, tmp_path), claimed_calls(job, tmp_path)

    assert [next(first)[0].label, next(second)[0].label] == ["a", "b"]
    assert [call.label for call, _ in first] == ["c"]
    assert list(second) == []


def test_labelled_text() -> None:
    """A label stands before each line, however it comes; without one the text is as it was."""
    text = LabelledText(io.BytesIO(), sys.getdefaultencoding(), line_buffering=True)
    text.write("plain\n")
    text.label = "a"
    for piece in ("one", " line\ntwo\n", "", "open"):
        text.write(piece)
    text.begin_line()
    text.label = "b"

    assert text.write("x\n") == 2
    assert text.buffer.getvalue().decode() == "plain\na | one line\na | two\na | open\nb | x\n"
