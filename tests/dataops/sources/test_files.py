"""Loading files: what lands is loaded once, what changes is replaced, what goes is taken out."""

from __future__ import annotations

import gzip
import os
import signal
import subprocess
import sys
import time

import duckdb
import pytest

from ropewalk.pipeline import Status

CSV = '{kind: files, path: "landing/*.csv", nulls: [NA]}'


@pytest.fixture
def landed(project):
    """Return a project in which two monthly files have landed."""
    project.write("landing/2013-01.csv", "flight,delay\nUA1,3\nUA2,NA\n")
    project.write("landing/2013-02.csv", "flight,delay\nUA3,7\n")
    return project.declare(CSV)


def test_all_files_are_loaded(landed) -> None:
    """Rows of all files, with NULLs where the declaration says so."""
    output = landed.load()

    assert landed.rows() == [("UA1", 3), ("UA2", None), ("UA3", 7)]
    assert output.summary == {"rows": 3, "added": 3, "files": 2, "new": 2, "changed": 0, "removed": 0}


def test_each_row_knows_its_file(landed) -> None:
    """The path is relative to the project."""
    landed.load()

    assert landed.rows("SELECT flight, _file") == [
        ("UA1", "landing/2013-01.csv"), ("UA2", "landing/2013-01.csv"), ("UA3", "landing/2013-02.csv"),
    ]  # fmt: skip


def test_what_is_said_of_a_load(landed) -> None:
    """The output names snapshot, origins and the digests of the files that were read."""
    output = landed.load()

    assert output.reference == f"snapshot:{landed.lake.snapshot()}"
    assert output.origins == ("file:landing/2013-01.csv", "file:landing/2013-02.csv")
    assert set(output.observed) == {"landing/2013-01.csv", "landing/2013-02.csv"}
    assert landed.watcher.texts == ["reading 2 files", "3 rows"]


def test_a_second_run_does_nothing(landed) -> None:
    """The plan is fresh, the run a hit, and there is no new snapshot."""
    landed.load()
    before = landed.lake.snapshot()

    assert landed.plan().status is Status.FRESH
    assert landed.is_hit()
    assert landed.lake.snapshot() == before


def test_a_second_run_in_a_new_process_does_nothing(landed) -> None:
    """What is known of the files is on disk."""
    landed.load()
    landed.close()

    assert landed.is_hit()


def test_a_new_file_is_appended(landed) -> None:
    """Only its rows are added; the plan names it."""
    landed.load()
    landed.write("landing/2013-03.csv", "flight,delay\nUA4,1\n")

    reasons = [str(reason) for reason in landed.plan().reasons]
    output = landed.load()

    assert reasons == ["outside landing/2013-03.csv: added"]
    assert (output.summary["rows"], output.summary["added"], output.summary["new"]) == (4, 1, 1)


def test_rows_of_old_files_are_not_touched(landed) -> None:
    """The change feed of the snapshot shows inserts only."""
    landed.load()
    landed.write("landing/2013-03.csv", "flight,delay\nUA4,1\n")
    landed.load()

    now = landed.lake.snapshot()
    with landed.lake.cursor() as connection:
        changes = connection.execute(
            f"SELECT change_type, flight FROM ducklake_table_changes('lake', 'raw', 'things', {now}, {now})"
        ).fetchall()
    assert changes == [("insert", "UA4")]


def test_a_changed_file_is_replaced(landed) -> None:
    """Its old rows go, its new ones come, the others stay."""
    landed.load()
    landed.write("landing/2013-01.csv", "flight,delay\nUA9,9\n")

    output = landed.load()

    assert landed.rows() == [("UA3", 7), ("UA9", 9)]
    assert (output.summary["changed"], output.summary["new"], output.summary["added"]) == (1, 0, 1)


def test_a_vanished_file_is_taken_out(landed) -> None:
    """Its rows go, and the summary says so."""
    landed.load()
    (landed.root / "landing/2013-01.csv").unlink()

    output = landed.load()

    assert landed.rows() == [("UA3", 7)]
    assert output.summary["removed"] == 1


def test_a_touched_file_is_not_read_again(landed) -> None:
    """Only content counts, not time stamps."""
    landed.load()
    os.utime(landed.root / "landing/2013-01.csv", (1, 1))

    assert landed.is_hit()


def test_the_digest_does_not_depend_on_the_way(landed) -> None:
    """Loading file by file ends at the digest of loading all at once."""
    at_once = landed.load().digest
    landed.write("landing/2013-02.csv", "flight,delay\nother,0\n")
    landed.load()

    landed.write("landing/2013-02.csv", "flight,delay\nUA3,7\n")

    assert landed.load().digest == at_once


def test_another_declaration_loads_all_anew(landed) -> None:
    """A changed type changes the loaded table, and the plan names the key."""
    landed.load()
    landed.declare('{kind: files, path: "landing/*.csv", nulls: [NA], types: {delay: DOUBLE}}')

    assert [reason.what for reason in landed.plan().reasons] == ["types"]
    landed.load()

    assert landed.types() == {"flight": "VARCHAR", "delay": "DOUBLE"}


def test_another_glob_keeps_what_is_loaded(landed) -> None:
    """Files that both globs find are not read again."""
    landed.load()
    landed.declare('{kind: files, path: "landing/2013-02.*", nulls: [NA]}')

    output = landed.load()

    assert output.summary == {"rows": 1, "added": 0, "files": 1, "new": 0, "changed": 0, "removed": 1}


def test_a_table_that_is_gone_is_loaded_again(landed) -> None:
    """The ledger alone is not believed when more arrives."""
    landed.load()
    with landed.lake.transaction("somebody drops it") as transaction:
        transaction.drop("raw.things")
    landed.write("landing/2013-03.csv", "flight,delay\nUA4,9\n")

    landed.load()

    assert len(landed.rows()) == 4


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", b"n,s\n1,x\n2,y\n"),
        ("a.csv.gz", gzip.compress(b"n,s\n1,x\n2,y\n", mtime=0)),
        ("a.tsv", b"n\ts\n1\tx\n2\ty\n"),
        ("a.json", b'[{"n": 1, "s": "x"},\n {"n": 2, "s": "y"}]'),
        ("a.ndjson", b'{"n": 1, "s": "x"}\n{"n": 2, "s": "y"}\n'),
        ("a.jsonl", b'{"n": 1, "s": "x"}\n{"n": 2, "s": "y"}\n'),
        ("a.ndjson.gz", gzip.compress(b'{"n": 1, "s": "x"}\n{"n": 2, "s": "y"}\n', mtime=0)),
        ("A.CSV", b"n,s\n1,x\n2,y\n"),
        ("with space.csv", b"n,s\n1,x\n2,y\n"),
        ("it's.csv", b"n,s\n1,x\n2,y\n"),
    ],
)
def test_formats(project, name: str, content: bytes) -> None:
    """Each format gives the same rows and types."""
    project.write(f"landing/{name}", content)
    project.declare(f'{{kind: files, path: "landing/{name}"}}')

    project.load()

    assert project.rows() == [(1, "x"), (2, "y")]
    assert project.types() == {"n": "BIGINT", "s": "VARCHAR"}


def test_parquet(project) -> None:
    """Parquet keeps its own types."""
    path = project.write("landing/a.parquet", b"")
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (SELECT 1::SMALLINT AS n, DATE '2013-01-01' AS d) TO '{path}' (FORMAT parquet)"
        )

    project.declare("{kind: files, path: landing/a.parquet}").load()

    assert project.types() == {"n": "SMALLINT", "d": "DATE"}


def test_folders_below_and_hidden_files(project) -> None:
    """`**` finds files in folders; hidden ones, such as a half-copied file, are left alone."""
    project.write("landing/2013/01.csv", "n\n1\n")
    project.write("landing/2013/.02.csv", "n\n2\n")

    project.declare('{kind: files, path: "landing/**/*.csv"}').load()

    assert project.rows("SELECT _file") == [("landing/2013/01.csv",)]


def test_an_absolute_path(project, tmp_path) -> None:
    """Files may stand outside the project; they are named as declared."""
    (tmp_path / "outside.csv").write_text("n\n1\n")

    project.declare(f"{{kind: files, path: {tmp_path / 'outside.csv'}}}").load()

    assert project.rows("SELECT _file") == [(str(tmp_path / "outside.csv"),)]


def test_a_path_that_leads_upwards(project, tmp_path) -> None:
    """A relative path may leave the project."""
    (tmp_path / "outside.csv").write_text("n\n1\n")

    project.declare('{kind: files, path: "../*.csv"}').load()

    assert project.rows("SELECT _file") == [("../outside.csv",)]


def test_no_file_names_the_nearest(project) -> None:
    """A misspelt folder is an error with the folder there is, and a plan says it too."""
    project.write("landing/flights/2013-01.csv", "n\n1\n")
    project.declare("{kind: files, path: landing/fligths/2013-01.csv}")

    error = project.fail()

    assert (error.code, error.nearest) == ("RW225", "landing/flights/2013-01.csv")
    assert str(error.place) == "ropewalk.yaml:3:3"
    assert project.plan().status is Status.STALE


def test_all_files_gone_is_an_error(landed) -> None:
    """An empty folder does not empty the table."""
    landed.load()
    for path in landed.root.glob("landing/*.csv"):
        path.unlink()

    assert landed.fail().code == "RW225"
    assert len(landed.rows()) == 3


def test_mixed_formats_are_refused(project) -> None:
    """One source has one format."""
    project.write("landing/a.csv", "n\n1\n")
    project.write("landing/a.json", "[]")

    error = project.declare('{kind: files, path: "landing/a.*"}').fail()

    assert error.code == "RW125"
    assert ".csv, .json" in error.message


def test_an_unknown_format_names_the_nearest(project) -> None:
    """A suffix that tells no format is refused."""
    project.write("landing/a.parqet", "n\n1\n")

    error = project.declare("{kind: files, path: landing/a.parqet}").fail()

    assert (error.code, error.nearest) == ("RW125", ".parquet")


def test_a_file_that_cannot_be_read(project) -> None:
    """What the disk does not give is said with its path."""
    project.write("landing/b.csv", "n\n1\n")
    (project.root / "landing/a.csv").symlink_to("/proc/self/mem")
    project.declare(CSV)

    error = project.fail()

    assert error.code == "RW126"


def test_a_file_that_changes_while_it_is_read(landed, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is loaded, and the next run loads all."""
    from ropewalk.dataops.sources.file_rows import FileRows

    land = FileRows.land

    def land_and_change(self, paths, **options):
        landed.write("landing/2013-01.csv", "flight,delay\nUA1,3\nlate,1\n")
        return land(self, paths, **options)

    with monkeypatch.context() as patched:
        patched.setattr(FileRows, "land", land_and_change)
        assert landed.fail().code == "RW325"

    assert landed.lake.table_names() == ()
    assert landed.load().summary["rows"] == 3


def test_an_error_leaves_all_as_it_was(landed) -> None:
    """When one of several new files is wrong, none of them is loaded."""
    landed.declare(CSV.removesuffix("}") + ", max_quarantined: 0}").load()
    before = landed.lake.snapshot()
    landed.write("landing/2013-03.csv", "flight,delay\nUA4,1\n")
    landed.write("landing/2013-04.csv", "flight,delay\nUA5,soon\n")

    error = landed.fail()

    assert str(error.place) == "landing/2013-04.csv:2"
    assert landed.lake.snapshot() == before
    assert len(landed.rows()) == 3


def test_after_the_file_is_mended_all_is_loaded(landed) -> None:
    """An error is no state: the next run starts from the files."""
    landed.write("landing/2013-03.csv", "flight,delay\nUA4\n")
    assert landed.declare(CSV.removesuffix("}") + ", max_quarantined: 0}").fail().code == "RW423"

    landed.write("landing/2013-03.csv", "flight,delay\nUA4,4\n")

    assert landed.load().summary["rows"] == 4


LOAD = """
import sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from conftest import SourceProject
project = SourceProject(Path({root!r}))
print("loading", flush=True)
print(project.run().state, flush=True)
"""


def test_killed_at_any_time_the_load_is_whole_or_not_there(project) -> None:
    """Loads killed after longer and longer times leave the table as it was; the last one gets the right content."""
    lines = "".join(f"flight {number},{number}\n" for number in range(40_000))
    for month in range(3):
        project.write(f"landing/{month}.csv", "flight,delay\n" + lines)
    project.declare(CSV)
    code = LOAD.format(tests=os.path.dirname(__file__), root=str(project.root))  # noqa: PTH120

    for pause in (0.4, 0.7, 1.0):
        process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        assert process.stdout.readline().strip() == "loading"
        time.sleep(pause)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        counts = [table.rows for table in project.lake.tables()]
        assert counts in ([], [120_000])
        project.close()

    project.load()
    assert project.rows("SELECT count(*), count(DISTINCT _file), sum(delay)") == [(120_000, 3, 2_399_940_000)]


@pytest.mark.parametrize("folder", ["it's a läke #1", "q?x [1] *", "per%20cent;"])
def test_folders_and_files_with_odd_names(tmp_path, folder: str) -> None:
    """A name is a name: nothing in it is taken for a pattern, a URL or SQL."""
    from .conftest import SourceProject

    odd = SourceProject(tmp_path / folder)
    for name in ("a[1].csv", "b?.csv", "c*.csv", "d'd.csv"):
        odd.write(f"landing/{name}", "n\n1\n")

    odd.declare(CSV).load()

    assert [row[0] for row in odd.rows("SELECT _file")] == [
        "landing/a[1].csv", "landing/b?.csv", "landing/c*.csv", "landing/d'd.csv",
    ]  # fmt: skip
    odd.close()
