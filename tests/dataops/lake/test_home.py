"""Where a lake is: what the settings say, and what the storage may be asked for."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from ropewalk.dataops.lake.catalog_file import FileCatalog
from ropewalk.dataops.lake.home import find_home, local_home
from ropewalk.dataops.lake.storage import LakeStorage, own_storage, read_storage, use_s3
from ropewalk.settings import InvalidSetting, Settings

URL = "postgresql://ada:geheim@db/flights"


def test_by_default_all_is_in_the_state_folder(tmp_path: Path) -> None:
    """Without settings, and with a database alone, the lake is on this machine."""
    for settings in (Settings(), Settings(database_url=URL)):
        home = find_home(settings, tmp_path / "state", tmp_path)

        assert home.is_local
        assert home == local_home(tmp_path / "state/lake") or home.storage == own_storage(home.folder)
        assert isinstance(home.catalog, FileCatalog)
        assert home.storage.path == f"{tmp_path}/state/lake/data/"


def test_storage_alone_moves_the_data(tmp_path: Path) -> None:
    """A folder is found from the project's root; an address is taken as it is."""
    folder = find_home(Settings(storage="../there"), tmp_path / "p/state", tmp_path / "p")
    bucket = find_home(Settings(storage="s3://bucket/a/b/"), tmp_path, tmp_path)

    assert (folder.storage.path, folder.is_local) == (f"{tmp_path}/there/", True)
    assert (bucket.storage.path, bucket.is_local) == ("s3://bucket/a/b/", False)
    assert isinstance(bucket.catalog, FileCatalog)


def test_both_make_a_lake_for_several_machines(tmp_path: Path) -> None:
    """The catalogue is in the database then, and its password in no text."""
    pytest.importorskip("pg8000")
    home = find_home(Settings(storage="s3://bucket", database_url=URL), tmp_path, tmp_path)

    assert not home.is_local
    assert home.catalog.shown == "postgresql://ada:***@db/flights"
    assert "geheim" not in repr(home)


@pytest.mark.parametrize(
    "setting",
    ["s3://", "s3://b", "s3:/bucket", "S3://Bucket/x", "s3://bucket/*", "https://host/x", "s3://bucket/'x"],
)
def test_addresses_that_are_none(tmp_path: Path, setting: str) -> None:
    """What is no place is refused; what could be a folder is one."""
    if "://" in setting:
        with pytest.raises(InvalidSetting, match="neither a folder nor"):
            read_storage(setting, tmp_path, tmp_path)
    else:
        assert not read_storage(setting, tmp_path, tmp_path).is_remote


@pytest.mark.parametrize(
    ("stored", "now", "is_right"),
    [
        ("/old/lake/data/", LakeStorage("/new/lake/data/", is_remote=False, is_own=True), True),
        ("s3://a/b/", LakeStorage("s3://a/b/", is_remote=True, is_own=False), True),
        ("s3://a/b/", LakeStorage("s3://a/c/", is_remote=True, is_own=False), False),
        ("s3://a/b/", LakeStorage("/new/", is_remote=False, is_own=True), False),
        ("/old/lake/data/", LakeStorage("s3://a/b/", is_remote=True, is_own=False), False),
        ("/gone/shared/", LakeStorage("/mnt/shared/", is_remote=False, is_own=False), True),
        ("/tmp/", LakeStorage("/mnt/shared/", is_remote=False, is_own=False), False),  # it is there
    ],
)
def test_data_that_moved(stored: str, now: LakeStorage, is_right: bool) -> None:
    """A folder that was moved with its lake is followed; data that are elsewhere are not lost sight of."""
    if is_right:
        now.require_same(stored)
        return
    with pytest.raises(InvalidSetting, match="the data of this lake are in"):
        now.require_same(stored)


def test_secrets_stay_in_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Key, secret and token are used and not shown, by no setting and by no list."""
    pytest.importorskip("duckdb_extension_httpfs")
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN"):
        monkeypatch.setenv(f"AWS_{name}", f"hidden-{name}'")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://s3.example:9000")
    with duckdb.connect(":memory:", config={"allow_unsigned_extensions": "true"}) as connection:
        use_s3(connection, "s3://bucket/x/", "one")
        use_s3(connection, "s3://bucket/x/", "one")

        secrets = connection.execute("SELECT name, scope, secret_string FROM duckdb_secrets()").fetchall()
        settings = connection.execute("SELECT value FROM duckdb_settings()").fetchall()

    assert [(name, scope) for name, scope, _ in secrets] == [("one", ["s3://bucket/x/"])]
    assert "endpoint=s3.example:9000" in secrets[0][2]
    assert "url_style=path" in secrets[0][2]
    assert "hidden-SECRET" not in repr((secrets, settings))
    assert "hidden-SESSION" not in repr((secrets, settings))
