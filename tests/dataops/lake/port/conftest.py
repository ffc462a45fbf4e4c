"""Both adapters of the lake's port, empty."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ropewalk.dataops.lake import Lake, LakePort


@pytest.fixture(params=["ducklake", "iceberg", "iceberg-s3"])
def port(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LakePort]:
    """Return an empty store of versioned tables, of each kind that ships."""
    if request.param == "ducklake":
        with Lake(tmp_path / "lake") as lake:
            yield lake
        return
    pytest.importorskip("pyiceberg", reason="pyiceberg is not installed (ropewalk[iceberg])")
    from ropewalk.dataops.lake.iceberg import IcebergLake

    warehouse, properties = (tmp_path / "warehouse").as_uri(), {}
    if request.param == "iceberg-s3":
        server = request.getfixturevalue("object_server")
        server.make_bucket("bucket")
        warehouse = f"s3://bucket/{tmp_path.name}"
        names = {"endpoint": "endpoint", "access_key_id": "access-key-id"}
        names |= {"secret_access_key": "secret-access-key", "region": "region"}
        properties = {f"s3.{names[name]}": value for name, value in server.credentials().items()}
    with IcebergLake(f"sqlite:///{tmp_path}/catalog.sqlite", warehouse, **properties) as iceberg:
        yield iceberg
