"""Values that declarations of sources have: limits, overlaps and addresses, at their edges."""

from __future__ import annotations

import duckdb
import pytest
from pydantic import BaseModel, ValidationError

from ropewalk.dataops.sources.entries import Cursor, Limit
from ropewalk.dataops.sources.git_declarations import GIT_TABLES, GitSource
from ropewalk.dataops.sources.write_modes import FittingRows, Written, name_list, since_sql


class Limited(BaseModel):
    """An entry with nothing but a limit."""

    limit: Limit


@pytest.mark.parametrize("limit", ["0%", "5 %", "5%", "99.5 %", "100 %", 0, 7])
def test_limits(limit: str | int) -> None:
    """A share of the rows, or a number of them."""
    assert Limited(limit=limit).limit == limit


@pytest.mark.parametrize("limit", ["101 %", "%", "5  %", "-1 %", "100.5 %", ".5 %", -1, 0.5])
def test_what_is_no_limit(limit: object) -> None:
    """More than all rows, or less than none, is a mistake."""
    with pytest.raises(ValidationError):
        Limited.model_validate({"limit": limit})


@pytest.mark.parametrize("overlap", [1, 0.5, "30s", "10 m", "2h", "1d", "1w"])
def test_overlaps(overlap: object) -> None:
    """A number, or a length of time."""
    assert Cursor.model_validate({"column": "at", "overlap": overlap}).overlap == overlap


@pytest.mark.parametrize("overlap", [0, -1, "", "h", "1y", "-1h", "1.5h", "1h 30m"])
def test_what_is_no_overlap(overlap: object) -> None:
    """Nothing would be taken again by it."""
    with pytest.raises(ValidationError):
        Cursor.model_validate({"column": "at", "overlap": overlap})


@pytest.mark.parametrize(
    ("watermark", "kind", "overlap", "value"),
    [
        ("5", "BIGINT", None, "5"),
        ("5", "BIGINT", 2, "3"),
        ("0.5", "DOUBLE", 0.25, "0.25"),
        ("2026-01-02 00:00:00", "TIMESTAMP", "1d", "2026-01-01 00:00:00"),
        ("2026-01-02 00:00:00", "TIMESTAMP", "30 s", "2026-01-01 23:59:30"),
        ("2026-01-08", "DATE", "1w", "2026-01-01"),
        ("it's", "VARCHAR", None, "it's"),
    ],
)
def test_where_rows_are_taken_again(
    watermark: str, kind: str, overlap: str | float | None, value: str
) -> None:
    """The engine finds the value that lies so far before the watermark, in the column's type."""
    row = duckdb.sql(f"SELECT CAST({since_sql(watermark, kind, overlap)} AS VARCHAR)").fetchone()

    assert row == (value,)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"write": "append"}, "write: the tables of a repository know themselves what is new"),
        ({"key": ["id"]}, "key: the tables of a repository"),
        ({"url": "https://x/y.git", "path": "."}, "either path or url"),
        ({"user": "me"}, "user and password are for a url"),
        ({"password": "secret://X"}, "user and password are for a url"),
        ({"table": "tags", "tables": ["tags"]}, "either table or tables"),
        ({"tables": []}, "at least 1 item"),
        ({"tables": ["branches"]}, "'commits', 'files', 'authors' or 'tags'"),
        ({"url": "git@host:x.git"}, "must start with https://"),
        ({"url": "ext::sh -c x"}, "must start with https://"),
        ({"url": "--upload-pack=x"}, "must start with https://"),
        ({"timeout": "soon"}, "timeout"),
    ],
)
def test_repositories_that_do_not_fit(options: dict[str, object], said: str) -> None:
    """They are refused with what to write instead, and no address is a program's option."""
    with pytest.raises(ValidationError, match=said):
        GitSource.model_validate({"kind": "git", **options})


@pytest.mark.parametrize(
    ("options", "tables"),
    [
        ({}, [f"repo_{table}" for table in GIT_TABLES]),
        ({"tables": ["tags", "commits", "tags"]}, ["repo_tags", "repo_commits"]),
        ({"table": "files"}, ["repo"]),
    ],
)
def test_tables_of_a_repository(options: dict[str, object], tables: list[str]) -> None:
    """Each once, in the order in which they are named; one alone has the source's own name."""
    expanded = list(GitSource.model_validate({"kind": "git", **options}).expand("repo"))

    assert [name for name, _ in expanded] == tables
    assert all(source.table for _, source in expanded)


@pytest.mark.parametrize(("timeout", "seconds"), [("90s", 90), ("30m", 1800), ("2h", 7200)])
def test_how_long_git_may_run(timeout: str, seconds: float) -> None:
    """In the units that people write."""
    assert GitSource.model_validate({"kind": "git", "timeout": timeout}).timeout_s == seconds


def test_the_last_row_of_each_key() -> None:
    """Of several rows with one key the one that came last; without a key all of them, in any case quoted."""
    sql = "SELECT * FROM (VALUES (1, 'a', 1), (2, 'b', 2), (1, 'c', 3)) t(\"i d\", v, _ropewalk_order)"

    keyed = duckdb.sql(FittingRows(sql, ("i d", "v"), ("i d",)).last_by_key()).fetchall()
    whole = duckdb.sql(FittingRows(sql, ("i d", "v"), ()).last_by_key()).fetchall()

    assert (keyed, len(whole)) == ([(2, "b"), (1, "c")], 3)
    assert name_list(('a"b', "c")) == '"a""b", "c"'


@pytest.mark.parametrize(
    ("written", "expected"),
    [(Written(), False), (Written(added=1), True), (Written(changed=1), True), (Written(removed=1), True)],
)
def test_whether_anything_was_written(written: Written, expected: bool) -> None:
    """Any row counts."""
    assert bool(written) is expected
