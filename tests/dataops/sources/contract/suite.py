"""What every kind of source promises; see the README for how a kind joins."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ropewalk.pipeline import State, Status

from ..conftest import SourceProject  # noqa: TID252  # the folders of tests are no package

Row = dict[str, int | float | str | None]
SECRET = "hunter2-of-the-contract"
TESTS = Path(__file__).parent.parent
KILLED = """
import os, signal, sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from conftest import SourceProject
from ropewalk.dataops.lake import LakeTransaction
written = LakeTransaction.rewrite_book
def kill(self, book, *rest):
    if book == "watermarks":
        os.kill(os.getpid(), signal.SIGKILL)
    written(self, book, *rest)
LakeTransaction.rewrite_book = kill
SourceProject(Path({root!r})).run()
"""
# The last two are no characters, and nothing that is written in XML can hold them.
TEXTS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"),
    min_size=1,
    max_size=8,
)
ROWS = st.lists(
    st.tuples(st.integers(-(2**53), 2**53), TEXTS | st.none()),
    min_size=1,
    max_size=5,
    unique_by=lambda row: row[0],
)
# Each kind runs the test in a class of its own, which Hypothesis takes for a mistake.
FEW = settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))


def rows(*numbers: int, **more: float | str | None) -> list[Row]:
    """Return a row for each number, with `more` columns, or other values in those it has."""
    return [{"id": n, "name": f"n{n}", "seen": n * 10, **more} for n in numbers]


class Adapter:
    """One kind of source as the suite uses it."""

    increments = "cursor: {column: seen}, key: [id]"
    cursor = "cursor: {column: seen}"
    appends = "cursor: {column: seen}"
    secret: str | None = None

    def __init__(self, project: SourceProject) -> None:
        self.project = project
        self.held: list[Row] = []

    def entry(self) -> str:
        """Return the declaration in YAML, on one line, without braces and without options."""
        raise NotImplementedError

    def put(self, rows: Sequence[Row]) -> None:
        """Make the outside system hold exactly `rows`."""
        raise NotImplementedError

    def add(self, rows: Sequence[Row]) -> None:
        """Make it hold `rows` too."""
        self.hold([*self.held, *rows])

    def stop(self) -> None:
        """Make it unreachable."""
        pytest.skip("this kind has nothing that could be unreachable")

    def hold(self, rows: Sequence[Row]) -> None:
        """Put `rows` and remember them."""
        self.held = list(rows)
        self.put(rows)

    def declare(self, *options: str) -> SourceProject:
        """Declare the source `things` with `options`."""
        return self.project.declare("{" + ", ".join([self.entry(), *filter(None, options)]) + "}")

    def loaded(self, columns: str = "id, name") -> list[tuple[object, ...]]:
        """Return what the lake has."""
        return self.project.rows(f"SELECT {columns}")

    def quarantined(self, columns: str = "_column, _value") -> list[tuple[object, ...]]:
        """Return what is kept aside."""
        with self.project.lake.cursor() as connection:
            return connection.execute(f"SELECT {columns} FROM quarantine.things ORDER BY ALL").fetchall()


class SourceContract:
    """The promises; a subclass gives the fixture `adapter`."""

    def test_rows_arrive(self, adapter: Adapter) -> None:
        """All of them, with their values, None among them."""
        adapter.hold([*rows(1, 2), {"id": 3, "name": None, "seen": 30}])

        output = adapter.declare().load()

        assert adapter.loaded("id, name, seen") == [(1, "n1", 10), (2, "n2", 20), (3, None, 30)]
        assert (output.summary["rows"], output.summary["added"]) == (3, 3)

    @FEW
    @given(things=ROWS)
    def test_whatever_comes_arrives(self, adapter: Adapter, things: list[tuple[int, str | None]]) -> None:
        """Any numbers and texts, in whatever order, load after load."""
        adapter.hold([{"id": number, "name": text} for number, text in things])

        adapter.declare("types: {id: BIGINT, name: VARCHAR}").load()

        assert adapter.loaded() == sorted(things, key=lambda row: row[0])

    def test_a_load_without_news_makes_no_snapshot(self, adapter: Adapter) -> None:
        """The plan says fresh, and a run writes nothing."""
        adapter.hold(rows(1, 2))
        project = adapter.declare(adapter.increments)
        project.load()
        before = project.lake.snapshot()

        assert project.plan().status is Status.FRESH
        assert project.is_hit()
        assert project.lake.snapshot() == before

    def test_planning_makes_nothing(self, adapter: Adapter) -> None:
        """Not even a lake."""
        adapter.project.without_lake()
        adapter.hold(rows(1))

        planned = adapter.declare().plan()

        assert planned.status is not Status.FRESH
        assert not (adapter.project.root / ".ropewalk/lake").exists()

    def test_only_what_is_new_is_loaded(self, adapter: Adapter) -> None:
        """One more row is one row added."""
        adapter.hold(rows(1, 2))
        project = adapter.declare(adapter.increments)
        project.load()
        adapter.add(rows(3))

        output = project.load()

        assert (output.summary["added"], output.summary["rows"]) == (1, 3)
        assert project.is_hit()

    def test_append(self, adapter: Adapter) -> None:
        """Rows are added once."""
        adapter.hold(rows(1, 2))
        project = adapter.declare("write: append", adapter.appends)
        project.load()
        adapter.add(rows(3))

        project.load()

        assert adapter.loaded("id") == [(1,), (2,), (3,)]

    def test_replace(self, adapter: Adapter) -> None:
        """What is not there any more is gone."""
        adapter.hold(rows(1, 2))
        project = adapter.declare("write: replace")
        project.load()
        adapter.hold(rows(2, 3))

        project.load()

        assert adapter.loaded("id") == [(2,), (3,)]

    def test_merge(self, adapter: Adapter) -> None:
        """A row with a known key replaces the one before, others stay."""
        adapter.hold(rows(1, 2))
        project = adapter.declare("write: merge", "key: [id]")
        project.load()
        adapter.hold(rows(2, 3, name="new"))

        output = project.load()

        assert adapter.loaded() == [(1, "n1"), (2, "new"), (3, "new")]
        assert (output.summary["added"], output.summary["changed"]) == (1, 1)

    def test_history(self, adapter: Adapter) -> None:
        """A change and a deletion close the version before."""
        adapter.hold(rows(1, 2, 3))
        project = adapter.declare("write: history", "key: [id]")
        project.load()
        adapter.hold([*rows(1), *rows(2, name="new")])

        output = project.load()

        assert adapter.loaded("id, name, is_current, valid_to IS NULL") == [
            (1, "n1", True, True),
            (2, "n2", False, False),
            (2, "new", True, True),
            (3, "n3", False, False),
        ]
        assert (output.summary["changed"], output.summary["removed"]) == (1, 1)

    def test_an_overlap_takes_late_rows(self, adapter: Adapter) -> None:
        """A row that came late, within the overlap, is loaded."""
        adapter.hold(rows(1, 3))
        cursor = adapter.cursor.removesuffix("}") + ", overlap: 15}"
        project = adapter.declare(cursor, "key: [id]")
        project.load()
        adapter.add([*rows(2), *rows(4)])

        project.load()

        assert adapter.loaded("id") == [(1,), (2,), (3,), (4,)]

    def test_the_schema_evolves(self, adapter: Adapter) -> None:
        """A new column is added; a deleted one stays with what it had."""
        adapter.hold(rows(1, extra="e"))
        project = adapter.declare(adapter.increments)
        project.load()
        adapter.add([{"id": 2, "seen": 20, "more": 1.5}])

        project.load()

        assert adapter.loaded("id, name, extra, more") == [(1, "n1", "e", None), (2, None, None, 1.5)]

    def test_a_frozen_schema(self, adapter: Adapter) -> None:
        """A new column fails the load, and nothing changes."""
        adapter.hold(rows(1))
        project = adapter.declare(adapter.increments, "schema: freeze")
        project.load()
        adapter.hold(rows(1, 2, extra="e"))

        error = project.fail()

        assert (error.code, "'extra'" in error.message) == ("RW326", True)
        assert adapter.loaded() == [(1, "n1")]

    def test_a_new_column_in_quarantine(self, adapter: Adapter) -> None:
        """Rows that have a value in it are kept aside, the others land."""
        adapter.hold(rows(1))
        project = adapter.declare("write: merge", "key: [id]", "schema: quarantine")
        project.load()
        adapter.hold([*rows(1, extra=None), *rows(2, extra=None), *rows(3, extra="e")])

        output = project.load()

        assert output.summary["quarantined"] == 1
        assert (adapter.loaded("id"), adapter.quarantined()) == ([(1,), (2,)], [("extra", "e")])

    def test_values_that_do_not_fit(self, adapter: Adapter) -> None:
        """The row is kept aside as a whole, the others land; when it is mended it is gone from there."""
        adapter.hold([*rows(1, 2, 3, name="7"), *rows(4, name="x")])
        project = adapter.declare("types: {name: INTEGER}")

        assert project.load().summary["quarantined"] == 1
        assert adapter.quarantined("_reason, _column, _value, _row ->> 'id'") == [
            ("not an INTEGER", "name", "x", "4")
        ]

        adapter.hold(rows(1, 2, 3, 4, name="7"))
        project.load()

        assert (adapter.loaded("id"), adapter.quarantined()) == ([(1,), (2,), (3,), (4,)], [])

    def test_too_many_rows_that_do_not_fit(self, adapter: Adapter) -> None:
        """The load fails and leaves everything as it was."""
        adapter.hold([*rows(1, 2, name="7"), *rows(3, name="x")])
        project = adapter.declare("types: {name: INTEGER}", "max_quarantined: 0")

        error = project.fail()

        assert (error.code, "'x' is not an INTEGER" in error.message) == ("RW423", True)
        assert project.lake.table_names() == ()

    def test_a_key_that_is_missing(self, adapter: Adapter) -> None:
        """A row without its key is kept aside."""
        adapter.hold([*rows(1, 2), {"id": None, "name": "nobody", "seen": 30}])

        adapter.declare("write: merge", "key: [id]").load()

        assert (adapter.loaded("id"), adapter.quarantined("_reason")) == (
            [(1,), (2,)],
            [("no value for the key",)],
        )

    def test_of_rows_with_one_key_one_stays(self, adapter: Adapter) -> None:
        """Also within one load."""
        adapter.hold([*rows(1, name="old"), *rows(1, name="new")])

        adapter.declare("write: merge", "key: [id]").load()

        assert len(adapter.loaded("id")) == 1

    def test_names_that_look_like_sql(self, adapter: Adapter) -> None:
        """They are columns like any other."""
        name = "a'; DROP TABLE raw.things; --"
        adapter.hold([{"id": 1, "seen": 10, name: "x"}])

        adapter.declare(adapter.increments).load()

        assert adapter.loaded(f'id, "{name}"') == [(1, "x")]

    def test_killed_between_rows_and_watermark(self, adapter: Adapter) -> None:
        """Nothing of it stays, and the next load brings everything once."""
        adapter.hold(rows(1, 2))
        project = adapter.declare(adapter.increments)
        project.load()
        adapter.add(rows(3))
        project.close()

        code = KILLED.format(tests=str(TESTS), root=str(project.root))
        assert subprocess.run([sys.executable, "-c", code], check=False).returncode < 0

        assert adapter.loaded("id") == [(1,), (2,)]
        assert project.load().summary["added"] == 1
        assert adapter.loaded("id") == [(1,), (2,), (3,)]

    def test_secrets_show_nowhere(self, adapter: Adapter, monkeypatch: pytest.MonkeyPatch) -> None:
        """Not in facts, outputs, lake, database or logs; nor in the error when it goes wrong."""
        if adapter.secret is None:
            pytest.skip("this kind takes no secret")
        monkeypatch.setenv("CONTRACT_SECRET", SECRET)
        adapter.hold(rows(1))
        project = adapter.declare(adapter.secret)

        shown = f"{project.plan()}{project.load()}{project.run()}"
        project.close()

        assert SECRET not in shown
        files = (path for path in project.root.rglob("*") if path.is_file() and ".ropewalk" in path.parts)
        assert [path for path in files if SECRET.encode() in path.read_bytes()] == []

    def test_an_unreachable_source(self, adapter: Adapter) -> None:
        """The load fails, unless what was loaded last is to be kept."""
        adapter.hold(rows(1))
        project = adapter.declare(adapter.increments)
        project.load()
        adapter.stop()

        assert re.match("RW(6|22)", project.fail().code)
        kept = adapter.declare(adapter.increments, "on_unreachable: keep")
        assert kept.run().state is State.HIT
        assert adapter.loaded() == [(1, "n1")]
