"""`ropewalk import dbt`: what it says, what it writes, and how it goes wrong."""

from __future__ import annotations

import json

import pytest

MODEL = {
    "unique_id": "model.shop.a",
    "name": "a",
    "resource_type": "model",
    "package_name": "shop",
    "path": "mart/a.sql",
    "database": "d",
    "schema": "main",
    "config": {"materialized": "view"},
    "compiled_code": "select 1 as n",
}


@pytest.fixture
def dbt(tmp_path):
    """Return a folder that dbt compiled one model in."""
    manifest = {
        "metadata": {
            "dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json",
            "project_name": "my shop",
            "adapter_type": "duckdb",
        },
        "nodes": {"model.shop.a": MODEL},
        "metrics": {"metric.shop.m": {"name": "m"}},
    }
    (tmp_path / "dbt/target").mkdir(parents=True)
    (tmp_path / "dbt/target/manifest.json").write_text(json.dumps(manifest))
    return tmp_path / "dbt"


def test_import_and_run(dbt, tmp_path, ropewalk):
    """What moved, and what is left to do, is said; the project that comes of it runs."""
    here = tmp_path / "here"

    said = ropewalk("import", "dbt", str(dbt), "--into", str(here), cwd=tmp_path)

    assert said.code == 0
    assert said.out.startswith("moved: 1 view model\n\nfor you to do:\n")
    assert ropewalk("run", cwd=here).code == 0
    assert (here / "ropewalk.yaml").read_text() == "project: my-shop\n"


def test_a_dry_run_writes_nothing(dbt, tmp_path, ropewalk):
    """It says as much, and leaves the folder alone; a program gets all of it as one object."""
    here = tmp_path / "here"

    said = ropewalk("import", "dbt", str(dbt), "--into", str(here), "--dry-run", "--json", cwd=tmp_path)

    found = json.loads(said.out)
    assert (found["files"], found["written"], here.exists()) == (["tables/mart/a.sql"], [], False)
    assert [item["name"] for item in found["left"]] == ["m"]


def test_a_folder_without_a_manifest(tmp_path, ropewalk):
    """The error says how to make one."""
    said = ropewalk("import", "dbt", str(tmp_path), cwd=tmp_path)

    assert said.code == 3
    assert "error[RW233]" in said.err
    assert "dbt compile --full-refresh" in said.err
