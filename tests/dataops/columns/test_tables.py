"""The lineage of a project's tables: before and after they are made, and read once for each content."""

from __future__ import annotations

import subprocess
import sys

from ropewalk.dataops.columns import downstream_tables, read_table_lineage
from ropewalk.dataops.columns.cache import FILE, ColumnCache, content_digest

from .conftest import FILES


def _told(lineage) -> dict[str, list[str]]:
    return {f"{t}.{c.name}": [str(o) for o in c.values] for t, item in lineage.items() for c in item.columns}


def test_lineage_is_known_before_anything_runs(open_graph):
    """What is never loaded is taken at its readers' word, and SQL tells the rest."""
    workspace, graph = open_graph()

    found = read_table_lineage(workspace, graph)

    assert list(found) == ["staging.orders", "mart.cities", "mart.ranks"]
    assert _told(found)["staging.orders.late"] == ["raw.orders.late"]
    assert _told(found)["mart.cities.paid"] == ["staging.orders.amount"]
    assert found["mart.ranks"].reads == ("mart.cities",)
    assert [use.how for use in found["mart.ranks"].columns[1].uses] == ["window"]


def test_star_over_a_source_needs_its_columns(open_graph):
    """It is open until the source was loaded; then each column is told."""
    files = {**FILES, "tables/staging/orders.sql": "SELECT *, late = 1 AS is_late FROM raw.orders\n"}
    before = read_table_lineage(*open_graph(files))
    after = read_table_lineage(*open_graph(files, run=True))

    assert before["staging.orders"].unknown == "the columns of raw.orders are not known yet"
    assert [c.name for c in after["staging.orders"].columns] == [
        "id",
        "amount",
        "city",
        "late",
        "_file",
        "is_late",
    ]
    assert after["staging.orders"].unknown is None


def test_edited_sql_is_read_as_it_stands(open_graph):
    """What an earlier version of the SQL made does not name the columns of this one."""
    open_graph(run=True)
    edited = {**FILES, "tables/mart/cities.sql": "SELECT late AS city, city AS paid FROM staging.orders"}

    found = read_table_lineage(*open_graph(edited))

    assert _told(found)["mart.cities.paid"] == ["staging.orders.city"]


def test_declared_keys_reach_what_is_made_of_them(open_graph):
    """The contract's key is that of tables that keep it; a group makes one of its own."""
    files = {**FILES, "tables/mart/late.sql": "SELECT id AS order_id, city FROM staging.orders WHERE late"}

    found = read_table_lineage(*open_graph(files))

    assert (found["mart.late"].key, found["mart.cities"].key) == (("order_id",), ("city",))


def test_unchanged_tables_are_not_read_again(open_graph):
    """A second look takes what the first one kept, without loading a parser."""
    workspace, graph = open_graph()
    first = read_table_lineage(workspace, graph)
    code = (
        "import sys\nfrom pathlib import Path\nfrom ropewalk import plugins\nfrom ropewalk.project import load_project\n"
        "from ropewalk.pipeline import Workspace, declare_graph\nfrom ropewalk.settings import load_settings\n"
        "from ropewalk.dataops.columns import read_table_lineage\n"
        f"with Workspace(load_project(Path({str(workspace.root)!r}), plugins.sections()), load_settings({{}})) as w:\n"
        "    found = read_table_lineage(w, declare_graph(w.project, plugins.kinds()))\n"
        "print(len(found), 'sqlglot' in sys.modules)"
    )

    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert read_table_lineage(workspace, graph) == first
    assert said.stdout.split() == ["3", "False"]


def test_damaged_cache_counts_as_empty(open_graph):
    """It is read anew, and written whole."""
    workspace, graph = open_graph()
    first = read_table_lineage(workspace, graph)
    (workspace.state / FILE).write_bytes(b'{"version": "other", "lineage": {')

    assert read_table_lineage(workspace, graph) == first
    assert ColumnCache(workspace.state).lineage("nothing") is None


def test_cache_forgets_the_oldest(tmp_path, monkeypatch):
    """It stays within reason, also where branches come and go."""
    monkeypatch.setattr("ropewalk.dataops.columns.cache.MOST", 2)
    cache = ColumnCache(tmp_path)
    for number in range(4):
        cache.keep_columns("a.b", number, ("x",))
    cache.save()

    again = ColumnCache(tmp_path)

    assert [again.columns("a.b", number) for number in range(4)] == [None, None, ("x",), ("x",)]


def test_digest_of_content_tells_parts_apart():
    """Two parts are not one that reads alike."""
    assert content_digest("a", "b") != content_digest("ab", "")
    assert content_digest("a", None) != content_digest("a", "null")


def test_downstream_tables(open_graph):
    """Everything that is made of a table, over any number of steps."""
    found = read_table_lineage(*open_graph())

    assert downstream_tables(found, ["raw.orders"]) == {
        "raw.orders",
        "staging.orders",
        "mart.cities",
        "mart.ranks",
    }
    assert downstream_tables(found, ["mart.cities"]) == {"mart.cities", "mart.ranks"}


def test_histories_have_columns_of_the_build(open_graph):
    """When a row holds is not the SQL's to say, and nothing about it is unknown; no key of the SELECT is one."""
    files = {
        **FILES,
        "tables/mart/past.sql": "-- kind: history\n-- key: id\nSELECT id, city FROM staging.orders",
    }

    past = read_table_lineage(*open_graph(files))["mart.past"]

    assert [(column.name, len(column.values), column.unknown) for column in past.columns] == [
        ("id", 1, None),
        ("city", 1, None),
        ("valid_from", 0, None),
        ("valid_to", 0, None),
        ("is_current", 0, None),
    ]
    assert past.key == ()
