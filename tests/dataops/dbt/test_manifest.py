"""Manifests that cannot be used, and files that are in the way: what is wrong, and what to do next."""

from __future__ import annotations

import pytest

from ropewalk.dataops.dbt import (
    ImportInTheWay,
    InvalidManifest,
    ManifestMissing,
    ManifestNotCompiled,
    convert_manifest,
    read_manifest,
    write_import,
)


def test_no_manifest(tmp_path):
    """A folder that dbt never compiled in."""
    with pytest.raises(ManifestMissing) as caught:
        read_manifest(tmp_path)

    assert "dbt compile" in str(caught.value.hint)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        b"{",
        b'{"metadata": {}, "nodes": {}}',
        b'{"metadata": 3}',
        b"\xff\xfe",
        b'{"metadata": {"dbt_schema_version": "x"}}',
    ],
)
def test_files_that_are_no_manifest(tmp_path, content):
    """Whatever a file holds, the answer is one sentence."""
    (tmp_path / "m.json").write_bytes(content)

    with pytest.raises(InvalidManifest):
        read_manifest(tmp_path / "m.json")


@pytest.mark.parametrize("version", [10, 11, 12, 20])
def test_versions_that_can_be_read(shop, version):
    """Also from the manifest's own file; the project is then where its target folder is."""
    root = shop.write(dbt_schema_version=f"https://schemas.getdbt.com/dbt/manifest/v{version}.json")

    assert read_manifest(root / "target/manifest.json").root == str(root)


def test_a_version_that_is_too_old(shop):
    """It is told which dbt writes one that can be read."""
    root = shop.write(
        dbt_schema_version="https://schemas.getdbt.com/dbt/manifest/v9.json", dbt_version="1.5.0"
    )

    with pytest.raises(InvalidManifest, match=r"written by dbt 1\.5\.0"):
        read_manifest(root)


def test_a_manifest_without_compiled_sql(shop):
    """`dbt parse` alone compiles nothing."""
    for node in shop.parts["nodes"].values():
        node.pop("compiled_code", None)

    with pytest.raises(ManifestNotCompiled) as caught:
        read_manifest(shop.write())

    assert "and 6 more of 9 models and snapshots have no compiled SQL" in caught.value.message
    assert "dbt compile --full-refresh" in str(caught.value.hint)


def test_sql_of_an_incremental_run(shop):
    """SQL that reads its own table is no table's whole SQL."""
    node = shop.parts["nodes"]["model.shop.order_log"]
    node["compiled_code"] += ' where order_id > (select max(order_id) from "shop"."main"."order_log")'

    with pytest.raises(ManifestNotCompiled, match="order_log was compiled for an incremental run"):
        read_manifest(shop.write())


def test_importing_twice_changes_nothing(shop, tmp_path):
    """The same import writes the same files with the same text."""
    found = convert_manifest(read_manifest(shop.write()))
    first = {path: path.read_bytes() for path in write_import(found, shop.root, tmp_path / "here")}

    again = {path: path.read_bytes() for path in write_import(found, shop.root, tmp_path / "here")}

    assert again == first


def test_files_in_the_way(shop, tmp_path):
    """What a person wrote is not overwritten, and nothing else is written either."""
    found = convert_manifest(read_manifest(shop.write()))
    mine = tmp_path / "here/tables/marts/orders.sql"
    mine.parent.mkdir(parents=True)
    mine.write_text("SELECT 1 AS mine")

    with pytest.raises(ImportInTheWay, match=r"already has tables/marts/orders\.sql"):
        write_import(found, shop.root, tmp_path / "here")

    assert [path.name for path in (tmp_path / "here").rglob("*.*")] == ["orders.sql"]


def test_into_a_project_that_is_there(shop, tmp_path):
    """Sources are added to a project that has none; one that has some is told which lines it lacks."""
    found = convert_manifest(read_manifest(shop.write()))
    here, there = tmp_path / "here", tmp_path / "there"
    for folder, text in ((here, "project: mine  # ours\n"), (there, "project: mine\nsources: {}\n")):
        folder.mkdir()
        (folder / "ropewalk.yaml").write_text(text)

    write_import(found, shop.root, here)
    with pytest.raises(ImportInTheWay) as caught:
        write_import(found, shop.root, there)

    assert (
        (here / "ropewalk.yaml").read_text().startswith("project: mine  # ours\nsources:\n  raw_customers: {")
    )
    assert (str(caught.value.place), str(caught.value.detail).count("\n")) == ("ropewalk.yaml:2:1", 2)


def test_into_the_dbt_project_itself(shop):
    """Both can stand in one folder: seeds stay where they are, and Git ignores the state beside what it ignored."""
    root = shop.write()
    (root / ".gitignore").write_text("target/\nlogs/")

    write_import(convert_manifest(read_manifest(root)), root, root)

    assert (root / ".gitignore").read_text() == "target/\nlogs/\n.ropewalk/\n"
    assert (root / "tables/marts/orders.sql").exists()
