"""Options of a declaration, through the whole way from YAML to the table."""

from __future__ import annotations

import gzip

import pytest

from ropewalk.pipeline import State, Status


@pytest.mark.parametrize(
    ("options", "content", "rows"),
    [
        ('delimiter: ";"', "a;b\n1;x\n", [(1, "x")]),
        ('delimiter: "\\t"', "a\tb\n1\tx\n", [(1, "x")]),
        ("header: false", "1,x\n2,y\n", [(1, "x"), (2, "y")]),
        ('nulls: ["-", "n/a"]', "a,b\n-,x\n2,n/a\n", [(2, None), (None, "x")]),
        ("types: {a: VARCHAR}", "a,b\n01,x\n", [("01", "x")]),
        ("types: {a: DOUBLE, B: VARCHAR}", "a,b\n1,2\n", [(1.0, "2")]),
        ("header: false, types: {column1: VARCHAR}", "1,x\n", [("1", "x")]),
    ],
)  # fmt: skip
def test_options_of_csv(project, options: str, content: str, rows: list[tuple[object, ...]]) -> None:
    """Each does what its help says."""
    project.write("landing/a.csv", content)

    project.declare(f"{{kind: files, path: landing/a.csv, {options}}}").load()

    assert project.rows() == rows


@pytest.mark.parametrize("options", ["nulls: [x]", 'delimiter: ";"', "header: false", "types: {a: VARCHAR}"])
def test_every_option_is_a_reason(project, options: str) -> None:
    """Changing it makes the source stale, and the reason names it."""
    project.write("landing/a.csv", "a\n1\n")
    project.declare("{kind: files, path: landing/a.csv}").load()

    project.declare(f"{{kind: files, path: landing/a.csv, {options}}}")

    planned = project.plan()
    assert planned.status is Status.STALE
    assert [reason.what for reason in planned.reasons] == [options.partition(":")[0]]


def test_formatting_of_the_declaration_counts_for_nothing(project) -> None:
    """Quotes, order of keys and comments change no key."""
    project.write("landing/a.csv", "a\n1\n")
    project.declare("{kind: files, path: landing/a.csv, nulls: [NA]}").load()

    project.declare('{nulls: ["NA"], path: "landing/a.csv", kind: files} # the same')

    assert project.is_hit()


def test_waiting_and_keeping_are_no_reasons(project, serve) -> None:
    """They say what to do when the source is down, not what is loaded."""
    from .conftest import Reply

    server = serve(lambda _: Reply([{"id": 1}]))
    project.declare(f"{{kind: rest, url: '{server.url}', key: [id]}}").load()

    project.declare(f"{{kind: rest, url: '{server.url}', key: [id], timeout: 3, on_unreachable: keep}}")

    assert project.is_hit()


def test_a_mended_declaration_after_a_failure(project) -> None:
    """The failed load left nothing that the right one would trip over."""
    project.write("landing/a.csv", "a;b\n1;x\n")
    assert project.declare('{kind: files, path: landing/a.csv, delimiter: "|"}').run().state is State.FAILED

    project.declare('{kind: files, path: landing/a.csv, delimiter: ";"}').load()

    assert project.types() == {"a": "BIGINT", "b": "VARCHAR"}


def test_gzipped_and_plain_files_together(project) -> None:
    """One format, packed or not."""
    project.write("landing/a.csv", "a\n1\n")
    project.write("landing/b.csv.gz", gzip.compress(b"a\n2\n"))

    project.declare('{kind: files, path: "landing/*.csv*"}').load()

    assert project.rows("SELECT a, _file") == [(1, "landing/a.csv"), (2, "landing/b.csv.gz")]


def test_a_file_of_one_month_may_be_corrected_again_and_again(project) -> None:
    """Each correction replaces the last; the ledger stays as small as the folder."""
    project.write("landing/a.csv", "a\n0\n")
    project.write("landing/b.csv", "a\n100\n")
    project.declare('{kind: files, path: "landing/*.csv"}').load()

    for number in range(1, 4):
        project.write("landing/a.csv", f"a\n{number}\n")
        project.load()

    assert project.rows() == [(3,), (100,)]
    assert len(project.lake.read_book("source_files", "things")) == 2
