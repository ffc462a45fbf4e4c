"""Parsing once: what is kept between plans, and what is done when it cannot be kept."""

from __future__ import annotations

import subprocess
import sys

import pytest

from ropewalk.dataops.transform import InvalidSQL
from ropewalk.dataops.transform.cache import FILE, ParseCache

SQL = "-- Flights.\nSELECT * FROM raw.flights"
CONTRACT = "apiVersion: v3.1.0\nkind: DataContract\nid: a\nversion: 1.0.0\nschema: [{name: a}]\n"
# A plan of its own process, which says which parsers it had to import.
PLAN = """
import sys
from pathlib import Path
from ropewalk.dataops.transform import TableKind
from ropewalk.project import load_project
nodes = TableKind().declare(load_project(Path(sys.argv[1]), []))
print(len(nodes), *(name for name in ("sqlglot", "open_data_contract_standard") if name in sys.modules))
"""


def plan(root):
    done = subprocess.run([sys.executable, "-c", PLAN, str(root)], capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_kept_result_is_the_same(tmp_path):
    """What is read back from the cache equals what was parsed."""
    first = ParseCache(tmp_path)
    parsed = first.sql(SQL, "tables/a/b.sql")
    first.save()

    second = ParseCache(tmp_path)

    assert (tmp_path / FILE).is_file()
    assert second.sql(SQL, "tables/a/b.sql") == parsed
    assert second._known.sql != {}


def test_unchanged_project_plans_without_parsers(write_project):
    """The second plan of the same files imports neither sqlglot nor the contract model."""
    root = write_project({"tables/mart/a.sql": "SELECT 1 AS a", "contracts/mart.a.odcs.yaml": CONTRACT})
    (root / ".ropewalk").mkdir()

    assert plan(root) == ["1", "sqlglot", "open_data_contract_standard"]
    assert plan(root) == ["1"]
    (root / "tables/mart/b.sql").write_text("SELECT 2")
    assert plan(root) == ["2", "sqlglot"]


def test_nothing_is_written_without_a_state_folder(write_project):
    """Planning a project that was never opened leaves its folder as it is."""
    root = write_project({"tables/mart/a.sql": "SELECT 1"})

    plan(root)

    assert sorted(path.name for path in root.iterdir()) == ["ropewalk.yaml", "tables"]


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff\xfe", b'{"version": 1}', b'{"version": "other", "sql": {}}', b"[]"]
)
def test_broken_cache_counts_as_empty(tmp_path, content):
    """A cache that cannot be read, or that another version wrote, is written anew."""
    (tmp_path / FILE).write_bytes(content)
    cache = ParseCache(tmp_path)

    cache.sql(SQL, "tables/a/b.sql")
    cache.save()

    assert list(ParseCache(tmp_path)._known.sql) == list(cache._used.sql)


def test_cache_that_cannot_be_written_is_left(tmp_path):
    """Where a folder stands in the file's place, planning goes on without keeping anything."""
    (tmp_path / FILE).mkdir()
    cache = ParseCache(tmp_path)

    parsed = cache.sql(SQL, "tables/a/b.sql")
    cache.save()

    assert parsed.description == "Flights."
    assert (tmp_path / FILE).is_dir()


def test_errors_are_not_kept(tmp_path):
    """Broken SQL is complained about each time, in the file that has it."""
    cache = ParseCache(tmp_path)

    for path in ("tables/a/b.sql", "tables/a/c.sql"):
        with pytest.raises(InvalidSQL) as caught:
            cache.sql("SELECT (", path)
        assert caught.value.place.path == path


def test_what_is_no_longer_used_is_forgotten(tmp_path):
    """The cache does not grow with every edit."""
    for number in (1, 2):
        cache = ParseCache(tmp_path)
        cache.sql(f"SELECT {number}", "tables/a/b.sql")
        cache.save()

    assert [parsed.statement for parsed in ParseCache(tmp_path)._known.sql.values()] == ["SELECT 2"]
