"""Files of an import in a folder, and the columns that its tables can be told to have."""

from __future__ import annotations

import pytest

from ropewalk.dataops.dbt import ImportInTheWay, write_import
from ropewalk.dataops.dbt.columns import find_columns
from ropewalk.dataops.dbt.manifest import DependsOn, Manifest, Metadata, Node
from ropewalk.dataops.dbt.moves import Import
from ropewalk.project import NotWritten


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, b".ropewalk/\n"),
        (b"", b".ropewalk/\n"),
        (b"\n\n", b".ropewalk/\n"),
        (b"target/", b"target/\n.ropewalk/\n"),
        (b"target/\r\n.ropewalk/\r\n", b"target/\r\n.ropewalk/\r\n"),
        (b"# caf\xe9\n", b"# caf\xe9\n.ropewalk/\n"),
        (b"# .ropewalk/\n", b"# .ropewalk/\n.ropewalk/\n"),
    ],
)
def test_what_git_ignores(tmp_path, before, after):
    """The state is ignored too; what stands there already stays, byte for byte."""
    if before is not None:
        (tmp_path / ".gitignore").write_bytes(before)

    write_import(Import("shop"), tmp_path, tmp_path)

    assert (tmp_path / ".gitignore").read_bytes() == after


def test_more_files_in_the_way_than_can_be_told(tmp_path):
    """Five are named, the others counted, and nothing is written."""
    files = {f"tables/a/{number}.sql": "new" for number in range(7)}
    (tmp_path / "tables/a").mkdir(parents=True)
    for path in files:
        (tmp_path / path).write_text("old")

    with pytest.raises(ImportInTheWay, match=r"tables/a/4\.sql and 2 more, which say something else"):
        write_import(Import("shop", files), tmp_path, tmp_path)
    assert not (tmp_path / "ropewalk.yaml").exists()


def test_seed_that_is_not_there(tmp_path):
    """It is told which, and how its folder is named; nothing is written."""
    found = Import("shop", {"tables/a/b.sql": "x"}, copies={"seeds/s.csv": "seeds/s.csv"})

    with pytest.raises(NotWritten, match=r"s\.csv, a seed of the dbt project, cannot be read") as caught:
        write_import(found, tmp_path / "dbt", tmp_path / "new")
    assert "folder of the dbt project itself" in caught.value.hint
    assert not (tmp_path / "new").exists()


def test_file_where_a_folder_has_to_be(tmp_path):
    """What the folder refuses is told with the path."""
    (tmp_path / "tables").write_text("")

    with pytest.raises(NotWritten, match="cannot be written"):
        write_import(Import("shop", {"tables/a/b.sql": "x"}), tmp_path, tmp_path)


def test_sources_of_the_project(tmp_path):
    """They stand below one key in order; a project that has them all is left as it is."""
    found = Import("shop", sources={"b": '{"kind": "files"}', "a": "{}"})
    write_import(found, tmp_path, tmp_path)
    text = (tmp_path / "ropewalk.yaml").read_text()

    assert text == 'project: shop\nsources:\n  a: {}\n  b: {"kind": "files"}\n'
    write_import(Import("other", sources={"a": "{}"}), tmp_path, tmp_path)
    assert (tmp_path / "ropewalk.yaml").read_text() == text


def columns(tmp_path, above=None, **tables):
    """Return the columns that can be told of tables with these SELECTs."""
    nodes = {
        f"model.shop.{name}": Node(
            f"model.shop.{name}",
            name,
            "model",
            depends_on=DependsOn([f"model.shop.{other}" for other in (above or {}).get(name, ())]),
        )
        for name in tables
    }
    names = {node_id: f"mart.{node.name}" for node_id, node in nodes.items()}
    files = {f"tables/mart/{name}.sql": sql for name, sql in tables.items()}
    manifest = Manifest(Metadata(), nodes, root=str(tmp_path))
    return find_columns(manifest, names, Import("shop", files))


@pytest.mark.parametrize(
    ("sql", "known"),
    [
        ("SELECT 1 AS Id, 2 AS b", {"id", "b"}),
        ("SELECT A, b AS c FROM raw.gone", {"a", "c"}),
        ("SELECT * FROM raw.gone", None),
        ("SELECT a, * FROM raw.gone", None),
        ("not SQL at all", None),
        ("-- kind: history\nSELECT 1 AS id", {"id", "valid_from", "valid_to", "is_current"}),
        ("-- kind: history\nSELECT id FROM raw.gone", None),
        ("WITH x AS (SELECT 1 AS n) SELECT * FROM x", {"n"}),
    ],
)
def test_columns_of_one_select(tmp_path, sql, known):
    """What runs without rows tells its columns; else those count that are written, or none are told."""
    assert columns(tmp_path, t=sql).get("mart.t") == (known and frozenset(known))


def test_columns_through_tables(tmp_path):
    """A table that reads another has its columns, whatever order they come in."""
    found = columns(tmp_path, {"a": ["b"]}, a="SELECT *, 1 AS more FROM mart.b", b="SELECT 1 AS id")

    assert found["mart.a"] == {"id", "more"}


def test_tables_in_a_circle(tmp_path):
    """They are no reason to stop: each says what it can."""
    found = columns(tmp_path, {"a": ["b"], "b": ["a"]}, a="SELECT x FROM mart.b", b="SELECT y FROM mart.a")

    assert found == {"mart.a": {"x"}, "mart.b": {"y"}}
