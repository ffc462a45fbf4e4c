"""Publishing files: the manifest names one whole version, whoever else writes and whatever is killed."""

from __future__ import annotations

import json

import pytest

from ropewalk import plugins
from ropewalk.dataops.publish import (
    InvalidPublication,
    TargetDrifted,
    TargetTaken,
    TargetUnreachable,
    publish_again,
    read_standings,
)
from ropewalk.dataops.publish.storage import SwapLost, open_storage
from ropewalk.pipeline import declare_graph

FOLDER = "{kind: parquet, path: out}"
ALL = [(1, "ann", 1.5), (2, "bob", 2.5), (3, None, None)]
MORE = "SELECT 2 AS id, 'bea' AS who, 2.5::DOUBLE AS price"
OTHERS = ["SELECT 3 AS id, 'c' AS who, 0::DOUBLE AS price", "SELECT 4 AS id, 'd' AS who, 0::DOUBLE AS price"]


def node_of(workspace):
    return declare_graph(workspace.project, plugins.kinds()).nodes["publish:orders"]


def manifest(shop, folder="out"):
    return json.loads((shop.root / folder / "manifest.json").read_text())


def rows(shop, read_files, folder="out"):
    return read_files(shop.root / folder, manifest(shop, folder)["files"])


def standing(shop):
    workspace = shop.open()
    return next(read_standings(workspace, [node_of(workspace)])).state


def test_manifest_names_the_rows(shop, read_files):
    """The files that the manifest names hold just the table, and it says what they are."""
    shop.declare(FOLDER)

    shop.run()

    assert rows(shop, read_files) == ALL
    assert (manifest(shop)["rows"], manifest(shop)["publication"]) == (3, "orders")


def test_replace_keeps_as_many_versions_as_asked(shop, read_files):
    """Readers of the version before still find its files; older ones go."""
    shop.declare(FOLDER)
    for sql in (None, MORE, *OTHERS):
        shop.run(sql)

    assert rows(shop, read_files) == [(4, "d", 0.0)]
    assert len(list((shop.root / "out/versions").rglob("*.parquet"))) == 2


def test_append_lists_all_versions(shop, read_files):
    """Append: the manifest names the files of all versions, each once."""
    shop.declare(FOLDER, write="append")
    first = (shop.root / "tables/mart/orders.sql").read_text()
    for sql in (None, MORE, first):
        shop.run(sql)

    assert [row[0] for row in rows(shop, read_files)] == [1, 2, 2, 3]
    assert {row[3] for row in rows(shop, read_files)} == {
        version["snapshot"] for version in manifest(shop)["versions"]
    }


def test_append_of_other_columns(shop):
    """Files of other columns do not come among those that are there."""
    shop.declare(FOLDER, write="append")
    shop.run()

    assert isinstance(shop.run("SELECT 1 AS other").error, TargetDrifted)


def test_killed_before_the_manifest(shop, read_files):
    """Files that no manifest names do no harm: the next run writes them again."""
    shop.declare(FOLDER)
    shop.run()
    (shop.root / "out/manifest.json").unlink()

    assert standing(shop) == "missing"
    workspace = shop.open()
    assert publish_again(workspace, node_of(workspace)).is_new
    assert rows(shop, read_files) == ALL


def test_lost_file_is_written_again(shop, read_files):
    """A version whose file is gone is not taken for published."""
    shop.declare(FOLDER)
    shop.run()
    next((shop.root / "out").rglob("*.parquet")).unlink()

    assert standing(shop) == "missing"
    workspace = shop.open()
    publish_again(workspace, node_of(workspace))
    assert (standing(shop), rows(shop, read_files)) == ("current", ALL)


@pytest.mark.parametrize(
    "text", ["{}", "no json", '{"publication": "x", "environment": "dev", "versions": []}']
)
def test_folder_of_others(shop, text):
    """A manifest that is not this publication's stays as it is."""
    shop.declare(FOLDER)
    shop.write("out/manifest.json", text)

    assert isinstance(shop.run().error, TargetTaken)
    assert (shop.root / "out/manifest.json").read_text() == text


def test_each_environment_in_its_own_folder(shop, read_files):
    """The placeholder keeps environments apart."""
    shop.declare("{kind: parquet, path: 'out/{environment}'}", environments="['*']")
    shop.run()
    shop.run(MORE, environment="mr-7")

    assert rows(shop, read_files, "out/dev") == ALL
    assert len(rows(shop, read_files, "out/mr-7")) == 1


def test_environment_that_begins_with_anothers(shop):
    """An environment that starts from what `dev` has publishes it, although nothing is executed there."""
    shop.declare("{kind: parquet, path: 'out/{environment}'}", environments="['*']")
    shop.run()

    shop.run(environment="stage")

    assert manifest(shop, "out/stage")["environment"] == "stage"


@pytest.mark.parametrize("path", ["gs://bucket/x", "s3://UPPER/x", "s3://key:secret@bucket/x"])
def test_address_that_is_none(shop, path):
    """An address that cannot be read is refused, and not repeated."""
    shop.declare(f"{{kind: parquet, path: '{path}'}}")

    failed = shop.run().error

    assert isinstance(failed, InvalidPublication)
    assert path not in failed.message


def test_bucket_that_does_not_answer(shop, monkeypatch):
    """Storage that is down is told of, without a word of its credentials."""
    monkeypatch.setattr("ropewalk.dataops.publish.storage.RETRIES", 0)
    for name, value in {
        "ENDPOINT_URL": "http://127.0.0.1:1",
        "SECRET_ACCESS_KEY": "hidden",
        "ACCESS_KEY_ID": "k",
    }.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    shop.declare("{kind: parquet, path: 's3://bucket/x'}")

    failed = shop.run().error

    assert isinstance(failed, TargetUnreachable)
    assert "hidden" not in str(failed.as_json())


def test_second_writer_loses(tmp_path):
    """Who read an older manifest than there is now does not overwrite it."""
    one, two = open_storage("out", tmp_path), open_storage("out", tmp_path)
    one.swap("manifest.json", b"1", None)
    seen = two.read("manifest.json")
    one.swap("manifest.json", b"2", one.read("manifest.json")[1])

    with pytest.raises(SwapLost):
        two.swap("manifest.json", b"3", seen[1])
    with pytest.raises(SwapLost):
        two.swap("manifest.json", b"3", None)
    assert one.read("manifest.json")[0] == b"2"
