"""Tables that travel: packed in one lake, unpacked in another, the same rows in the same types."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from ropewalk.dataops.lake import (
    Column,
    ParcelDamaged,
    SnapshotMissing,
    holds_table,
    open_lake,
    pack_table,
    unpack_table,
)
from ropewalk.errors import Place
from ropewalk.pipeline import Node, Output, Packed, Workspace
from ropewalk.project import load_project
from ropewalk.settings import load_settings

NODE = Node("table:mart.a", Place("tables/mart/a.sql"))
TYPES = {
    "b": "true",
    "d": "DATE '2013-01-01'",
    "m": "1.50::DECIMAL(18, 2)",
    "f": "0.1::FLOAT",
    "s": "'naïve'",
    "n": "NULL::INTEGER",
    "u": "200::UTINYINT",
    "x": "'\\xAA'::BLOB",
    "tz": "TIMESTAMPTZ '2013-01-01 10:00:00+02'",
    "ns": "TIMESTAMP_NS '2013-01-01 10:00:00.123456789'",
    "l": "[1, NULL, 3]",
    "st": "{'a b': 1, 'c': ['x']}",
    "mp": "MAP {'k': 1.5}",
    "id": "UUID 'a3bb189e-8bf9-3888-9912-ace4e6543002'",
    "j": """'{"a": 1}'::JSON""",
    "i": "INTERVAL 3 DAY",
}


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[Callable[[str], Workspace]]:
    """Return a function that opens an empty project of a name, as another machine would."""
    with ExitStack() as stack:

        def open_it(name: str) -> Workspace:
            root = tmp_path / name
            root.mkdir(exist_ok=True)
            (root / "ropewalk.yaml").write_text("project: test\n")
            return stack.enter_context(Workspace(load_project(root, []), load_settings({})))

        yield open_it


def build(workspace: Workspace, select: str, key: str = "k") -> Output:
    with open_lake(workspace).transaction("build") as transaction:
        made = transaction.replace("mart.a", select)
        transaction.record_build(NODE.id, key, made)
    return Output(made.digest, f"snapshot:{transaction.snapshot}", {"rows": made.rows})


def send(packed: Packed | None, start: Workspace, goal: Workspace) -> Packed:
    """Copy the objects, as the shared cache does."""
    assert packed is not None
    for digest in packed.objects.values():
        assert goal.objects.put_file(start.objects.path(digest)).digest == digest
    return packed


@pytest.mark.parametrize("value", TYPES.values(), ids=TYPES)
def test_every_type_arrives_as_it_was(machines, value: str) -> None:
    """Rows, their types and so the digest are equal in the other lake."""
    here, there = machines("here"), machines("there")
    output = build(here, f"SELECT {value} AS v, 1 AS one UNION ALL SELECT NULL, 2")

    packed = send(pack_table(NODE, output, here, {}), here, there)
    arrived = unpack_table(NODE, "k", packed, there, {})

    assert arrived.digest == output.digest
    columns = [open_lake(workspace).tables()[0].columns for workspace in (here, there)]
    assert columns[0] == columns[1]


def test_what_arrives_is_held_for_node_and_key(machines) -> None:
    """The next plan takes it for made; its summary came along."""
    here, there = machines("here"), machines("there")
    output = build(here, "SELECT 1 AS n")

    arrived = unpack_table(NODE, "k", send(pack_table(NODE, output, here, {}), here, there), there, {})

    assert arrived.summary == {"rows": 1}
    assert holds_table(NODE, "k", arrived, there)
    assert not holds_table(NODE, "other", arrived, there)


def test_the_packed_version_is_that_of_the_output(machines) -> None:
    """A table that was rebuilt since is packed as the output names it, not as it is now."""
    here, there = machines("here"), machines("there")
    old = build(here, "SELECT 1 AS n")
    build(here, "SELECT 'new' AS other", "k2")

    arrived = unpack_table(NODE, "k", send(pack_table(NODE, old, here, {}), here, there), there, {})

    assert arrived.digest == old.digest
    assert open_lake(there).query("FROM mart.a").rows == ((1,),)


def test_equal_tables_are_equal_objects(machines) -> None:
    """The writer is deterministic, so that the store and the cache keep a table once."""
    here, there = machines("here"), machines("there")
    select = "SELECT i, hash(i) AS h, i::VARCHAR AS s FROM range(300000) r(i)"

    packed = [pack_table(NODE, build(workspace, select), workspace, {}) for workspace in (here, there)]

    assert packed[0].objects == packed[1].objects


def test_an_empty_table_travels(machines) -> None:
    """Its columns are all it has, and they arrive."""
    here, there = machines("here"), machines("there")
    output = build(here, "SELECT 1 AS n, 'x' AS s WHERE false")

    unpack_table(NODE, "k", send(pack_table(NODE, output, here, {}), here, there), there, {})

    assert open_lake(there).tables()[0].columns == (Column("n", "INTEGER"), Column("s", "VARCHAR"))


def test_books_travel_with_the_table(machines) -> None:
    """What is written down about it in the snapshot, not what is now, is known there."""
    here, there = machines("here"), machines("there")
    with open_lake(here).transaction("mark") as transaction:
        transaction.rewrite_book("watermarks", "a", [("a", "declared", "2013-02")])
    output = build(here, "SELECT 1 AS n")
    with open_lake(here).transaction("mark") as transaction:
        transaction.rewrite_book("watermarks", "a", [("a", "declared", "2013-03")])

    packed = send(pack_table(NODE, output, here, {"watermarks": "a"}), here, there)
    unpack_table(NODE, "k", packed, there, {"watermarks": "a"})

    assert open_lake(there).read_book("watermarks", "a") == [("a", "declared", "2013-02")]


def test_other_rows_than_packed_are_refused(machines) -> None:
    """Whatever happened on the way, the lake stays as it was."""
    here, there = machines("here"), machines("there")
    packed = send(pack_table(NODE, build(here, "SELECT 1 AS n"), here, {}), here, there)
    forged = dataclasses.replace(packed, output=dataclasses.replace(packed.output, digest="0" * 64))

    with pytest.raises(ParcelDamaged, match="not those that were packed"):
        unpack_table(NODE, "k", forged, there, {})

    assert open_lake(there).table_names() == ()


@pytest.mark.parametrize("content", [b"not JSON", b"[]", b'{"columns": [["n"]]}'])
def test_a_description_that_is_none_is_refused(machines, content: bytes) -> None:
    """An object of the right name and the wrong content is an error of ours."""
    here = machines("here")
    packed = pack_table(NODE, build(here, "SELECT 1 AS n"), here, {})
    objects = {**packed.objects, "about.json": here.objects.put_bytes(content).digest}

    with pytest.raises(ParcelDamaged):
        unpack_table(NODE, "k", Packed(packed.output, objects), here, {})


def test_rows_that_are_no_parquet_are_refused(machines) -> None:
    """So is a file of rows that is something else."""
    here = machines("here")
    packed = pack_table(NODE, build(here, "SELECT 1 AS n"), here, {})
    objects = {**packed.objects, "rows.parquet": here.objects.put_bytes(b"rows").digest}

    with pytest.raises(ParcelDamaged):
        unpack_table(NODE, "k", Packed(packed.output, objects), here, {})


def test_what_is_gone_cannot_be_packed(machines) -> None:
    """A snapshot that the lake let go of is an error, not an empty parcel."""
    here = machines("here")
    output = dataclasses.replace(build(here, "SELECT 1 AS n"), reference="snapshot:99")

    with pytest.raises(SnapshotMissing):
        pack_table(NODE, output, here, {})


def test_what_is_no_table_is_not_packed(machines) -> None:
    """An output without a snapshot is not this room's to pack."""
    assert pack_table(NODE, Output("d", "run:1"), machines("here"), {}) is None


def test_a_type_that_parquet_does_not_keep_is_not_packed(machines) -> None:
    """A time loses its offset there; better no parcel than another table."""
    here = machines("here")

    assert pack_table(NODE, build(here, "SELECT TIMETZ '10:00:00+02' AS t"), here, {}) is None


def test_scratch_files_do_not_stay(machines) -> None:
    """Packing leaves nothing beside the objects."""
    here = machines("here")

    pack_table(NODE, build(here, "SELECT 1 AS n"), here, {})

    assert not list(here.state.glob("parcel-*"))
