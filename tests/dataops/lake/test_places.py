"""The lake is the same wherever its catalogue and its data are."""

from __future__ import annotations

import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ropewalk.dataops.lake import (
    Asking,
    InvalidQuery,
    Lake,
    LakeBusy,
    Masks,
    QueryNotAllowed,
    QueryTooLarge,
    SnapshotMissing,
    StorageTaken,
    StorageUnreachable,
    TableMissing,
    compact_lake,
    open_reader,
    verify_lake,
)
from ropewalk.dataops.lake.home import find_home
from ropewalk.errors import RopewalkError
from ropewalk.settings import InvalidSetting, Settings

if TYPE_CHECKING:
    from conftest import Place

ROWS = "SELECT i AS id, i * 2 AS v FROM range(100) r(i)"
SEVEN = "SELECT CAST(7 AS BIGINT) AS id, CAST(8 AS BIGINT) AS v"
EVERYWHERE = pytest.mark.parametrize("place", ["postgres-disk", "sqlite-s3", "postgres-s3"], indirect=True)
NODE = "table:mart.t"


def build(lake: Lake, sql: str = ROWS, key: str = "k") -> int:
    with lake.transaction("build", author="ada") as transaction:
        transaction.record_build(NODE, key, transaction.replace("mart.t", sql))
    return transaction.snapshot


@EVERYWHERE
def test_tables_at_snapshots(placed: Lake) -> None:
    """What was committed is read back, at each of its snapshots, by every door."""
    assert not placed.exists
    first = build(placed)
    second = build(placed, SEVEN, "l")

    assert placed.exists
    assert placed.query("SELECT count(*) FROM mart.t", tables={"mart.t": first}).rows == ((100,),)
    assert placed.query("SELECT * FROM mart.t", tables={"mart.t": second}).rows == ((7, 8),)
    assert [info.rows for info in placed.tables_at({"mart.t": first})] == [100]
    assert placed.columns_at("mart.t", first) == placed.columns_at("mart.t", second)
    with open_reader(placed.home, first) as reader:
        assert reader.sql("FROM mart.t").count("*").fetchall() == [(100,)]


@EVERYWHERE
def test_what_was_built_is_known(placed: Lake, place: Place) -> None:
    """The lake tells this machine and another one what each snapshot was made for, also after the next commit."""
    first = build(placed)
    digest = placed.build(NODE).digest.digest

    assert placed.holds(NODE, "k", digest, first)
    second = build(placed, SEVEN, "l")
    assert placed.holds(NODE, "l", placed.build(NODE).digest.digest, second)
    with Lake(place.home()) as other:
        assert other.holds(NODE, "k", digest, first)
        assert not other.holds(NODE, "k", digest, second)


def test_a_failed_transaction_leaves_nothing(placed: Lake) -> None:
    """An error in the middle leaves the table and the books as they were."""
    first = build(placed)

    def fail() -> None:
        with placed.transaction("fails") as transaction:
            transaction.replace("mart.t", SEVEN)
            transaction.replace("mart.u", "SELECT nothing")

    with pytest.raises(InvalidQuery):
        fail()

    assert placed.snapshot() == first
    assert placed.query("SELECT count(*) FROM mart.t").rows == ((100,),)


def test_changes_and_expiry(placed: Lake) -> None:
    """Changes are told, and files that only old snapshots needed are removed, with their bytes counted beforehand."""
    first = build(placed)
    with placed.transaction("delete") as transaction:
        transaction.connection.execute("DELETE FROM lake.mart.t WHERE id < 10")
    last = placed.snapshot()

    changes = placed.changes("mart.t", first, last)
    with placed.cursor() as connection:
        assert connection.sql(f"SELECT count(*) FROM ({changes.sql})").fetchall() == [(10,)]
    build(placed, "SELECT 1 AS id, 2 AS v")
    would = placed.expire(set(), older_than_ms=0, is_dry=True)
    expired = placed.expire(set(), older_than_ms=0)
    assert would == expired
    assert expired.files > 0
    assert expired.bytes > 0
    with pytest.raises(SnapshotMissing):
        placed.columns_at("mart.t", first)


@EVERYWHERE
def test_upkeep(placed: Lake) -> None:
    """Pins, compaction and verifying work wherever the files are; a file that is gone is found."""
    numbers = [build(placed, f"SELECT i, {n} AS v FROM range(5) r(i)", str(n)) for n in range(3)]
    placed.pin("first", {"mart.t": numbers[0]})
    compact_lake(placed)
    placed.expire(set(), older_than_ms=0)

    found = verify_lake(placed, {})
    with placed.cursor() as connection:
        rows = connection.execute(
            "SELECT path FROM __ducklake_metadata_lake.ducklake_data_file WHERE begin_snapshot = "
            f"{numbers[0]} AND end_snapshot IS NOT NULL AND record_count = 5"
        ).fetchall()

    assert (found.problems, found.unknown) == ([], ())
    assert {table.names for table in found.tables} == {("head",), ("pin first",)}
    _remove(placed, rows[0][0])
    assert f"{rows[0][0]} is gone" in verify_lake(placed, {}).problems


def _remove(lake: Lake, name: str) -> None:
    path = lake.home.storage.path
    if not lake.home.storage.is_remote:
        next(Path(path).rglob(name)).unlink()
        return
    obstore = pytest.importorskip("obstore")
    bucket, _, prefix = path.removeprefix("s3://").partition("/")
    store = obstore.store.S3Store(bucket, client_options={"allow_http": True})
    obstore.delete(store, f"{prefix}mart/t/{name}")


def test_only_one_writes(placed: Lake, place: Place) -> None:
    """Who comes second waits, and is told who is writing."""
    build(placed)

    with placed.transaction("long"), Lake(place.home(), wait_s=0.1) as other:
        with pytest.raises(LakeBusy, match=r"has been writing to the lake for more than 0\.1 s"):
            build(other)
        assert other.query("SELECT count(*) FROM mart.t").rows == ((100,),)


def test_threads_read_while_one_writes(placed: Lake) -> None:
    """Every thread has an engine of its own, here too."""
    build(placed)
    found: list[object] = []

    def read() -> None:
        found.append(placed.query("SELECT count(*) FROM mart.t").rows)

    with placed.transaction("write") as transaction:
        transaction.replace("mart.t", "SELECT 1 AS id, 1 AS v")
        threads = [threading.Thread(target=read) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert found == [((100,),)] * 3


FORBIDDEN = (
    "SELECT * FROM __ducklake_metadata_lake.public.environment",
    "SELECT * FROM duckdb_secrets()",
    "SELECT * FROM postgres_query('lake', 'SELECT 1')",
    "SELECT * FROM 's3://bucket/made'",
    "SELECT getenv('AWS_SECRET_ACCESS_KEY')",
)


@EVERYWHERE
def test_people_who_ask_see_tables_only(placed: Lake) -> None:
    """Neither the metadata beside the catalogue, nor other objects, nor credentials can be asked for."""
    build(placed)

    for query in FORBIDDEN:
        with pytest.raises(RopewalkError) as refused:
            placed.query(query)
        assert refused.value.code in ("RW123", "RW124", "RW220")
        assert "hidden-key" not in str(refused.value.as_json())


@EVERYWHERE
def test_what_may_grow_is_answered_apart(placed: Lake) -> None:
    """A process of its own reads the same lake by what it is handed: tables at snapshots, files as answers, masks."""
    first = build(placed)
    build(placed, SEVEN, "l")
    grown = "SELECT repeat('x', CAST(max(id) AS INTEGER)) AS s FROM mart.t"

    assert placed.query(grown).rows == (("xxxxxxx",),)
    assert placed.ask(grown, Asking(), {"mart.t": first}).rows == (("x" * 99,),)
    assert placed.ask(grown, Asking(form="parquet")).content.startswith(b"PAR1")
    masked = placed.ask(
        "SELECT repeat('x', 2) AS s, v FROM mart.t", Asking(), masks=Masks({"mart.t": {"v": "null"}})
    )
    assert masked.rows == (("xx", None),)


@EVERYWHERE
def test_what_is_answered_apart_shows_no_credentials(placed: Lake) -> None:
    """Neither the query's own functions nor its errors reach them, and a limit ends that process alone."""
    build(placed)

    for query in (
        "SELECT repeat(nope, 2) FROM mart.t",
        "SELECT repeat(current_setting('s3_secret_access_key'), 2)",
    ):
        try:
            said = str(placed.query(query).rows)
        except RopewalkError as error:
            said = f"{error.as_json()}{error.__cause__}"
        assert "hidden-key" not in said
        assert "s3cret-word" not in said
    with pytest.raises(QueryTooLarge):
        placed.ask("SELECT repeat('x', 4000000000)", Asking(memory="100MB"))
    assert placed.query("SELECT count(*) FROM mart.t").rows == ((100,),)


def test_settings_of_the_engine_have_no_credentials(placed: Lake) -> None:
    """What the storage's extension copies from the environment is taken out again."""
    build(placed)

    for setting in ("s3_secret_access_key", "s3_access_key_id"):
        with suppress(InvalidQuery):
            assert placed.query(f"SELECT current_setting('{setting}')").rows == (("",),)


def test_nothing_secret_is_shown(placed: Lake) -> None:
    """Neither what the engine shows of itself nor what the lake says of its place has a password."""
    build(placed)

    with placed.cursor() as connection:
        shown = [
            connection.execute(f"FROM {function}()").fetchall()
            for function in ("duckdb_secrets", "duckdb_databases", "duckdb_settings")
        ]

    for text in (repr(shown), repr(placed.home), placed.home.catalog.shown):
        assert "hidden-key" not in text
        assert "s3cret-word" not in text


@pytest.mark.parametrize("place", ["postgres-disk", "postgres-s3"], indirect=True)
def test_two_machines_share_one_lake(placed: Lake, place: Place) -> None:
    """A table that one machine builds is read, built upon and kept apart by snapshots on another."""
    first = build(placed)

    with Lake(place.home("two"), wait_s=5) as other:
        assert other.exists
        with other.transaction("on top", reads={"mart.t": first}) as transaction:
            transaction.replace("mart.sum", "SELECT sum(v) AS total FROM mart.t")

    assert placed.query("SELECT total FROM mart.sum").rows == ((9900,),)


@pytest.mark.parametrize("place", ["postgres-disk"], indirect=True)
def test_a_lost_lease_writes_nothing(placed: Lake, place: Place, database_server) -> None:
    """A writer whose connection broke does not commit: another one may have begun meanwhile."""
    first = build(placed)
    name = place.settings.database_url.rpartition("/")[2]

    def cut_off() -> None:
        with placed.transaction("cut off") as transaction:
            transaction.replace("mart.t", SEVEN)
            database_server.run(
                "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND database = "
                f"(SELECT oid FROM pg_database WHERE datname = '{name}')"
            )

    with pytest.raises(LakeBusy, match="with it went the right to write"):
        cut_off()

    assert placed.snapshot() == first


@pytest.mark.parametrize("place", ["sqlite-s3", "postgres-disk"], indirect=True)
def test_a_place_with_files_is_not_taken(placed: Lake, place: Place, tmp_path: Path) -> None:
    """Another lake is not made over the files of this one, which each would take for left behind."""
    build(placed)
    settings = Settings(storage=place.settings.storage)
    other = Lake(find_home(settings, tmp_path / "other", tmp_path))

    with pytest.raises(StorageTaken, match="holds files already"):
        build(other)
    assert not other.exists


@pytest.mark.parametrize("place", ["sqlite-s3"], indirect=True)
def test_data_that_are_elsewhere(placed: Lake, place: Place, tmp_path: Path) -> None:
    """A setting that was changed under a lake is an error, and makes nothing."""
    build(placed)
    placed.close()

    for storage in ("", "s3://bucket/other", str(tmp_path / "new")):
        moved = Lake(find_home(Settings(storage=storage), tmp_path / "one", tmp_path))
        with pytest.raises(InvalidSetting, match=r"the data of this lake are in s3://bucket/"):
            moved.tables()


def test_a_storage_that_is_none(tmp_path: Path) -> None:
    """What is no address is refused, without repeating what may be a password."""
    for setting in ("s3://key:hidden-key@host/x", "gs://bucket/x", "s3://B", "s3://bucket/a?b"):
        with pytest.raises(InvalidSetting, match="neither a folder nor") as refused:
            find_home(Settings(storage=setting), tmp_path, tmp_path)
        assert "hidden" not in str(refused.value.as_json())


def test_a_storage_that_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Storage that is down, or refuses, is told as such, and leaves no lake."""
    pytest.importorskip("duckdb_extension_httpfs")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hidden-key")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    lake = Lake(find_home(Settings(storage="s3://bucket/x"), tmp_path, tmp_path))

    with pytest.raises(StorageUnreachable) as refused:
        build(lake)

    assert not lake.exists
    assert "hidden-key" not in str(refused.value.as_json())


def test_a_server_that_does_not_answer(tmp_path: Path) -> None:
    """A database that is down is told with its URL, less the password."""
    pytest.importorskip("pg8000")
    settings = Settings(storage=str(tmp_path / "d"), database_url="postgresql://ada:geheim@127.0.0.1:1/x")
    lake = Lake(find_home(settings, tmp_path, tmp_path))

    with pytest.raises(RopewalkError, match=r"ada:\*\*\*@127\.0\.0\.1:1/x does not answer"):
        build(lake)


def test_settings_of_a_wrong_database(tmp_path: Path) -> None:
    """The URL is judged before anything is opened."""
    settings = Settings(storage=str(tmp_path), database_url="mysql://ada:geheim@x/y")

    with pytest.raises(InvalidSetting, match="must begin with postgresql://"):
        find_home(settings, tmp_path, tmp_path)


def test_a_lake_that_was_never_made(place: Place) -> None:
    """Reading makes no lake."""
    home = place.home()

    with pytest.raises(TableMissing, match="no lake in"):
        open_reader(home)
    assert not Lake(home).exists
    with pytest.raises(QueryNotAllowed), Lake(home) as lake:
        lake.query("DROP TABLE x")
