"""The lake's part in collecting garbage: snapshots that records name stay, the others go."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from ropewalk.dataops.lake import SnapshotMissing, open_lake, sweep_lake
from ropewalk.pipeline import Kept, Output, Workspace
from ropewalk.project import Project
from ropewalk.settings import load_settings
from ropewalk.store import now_ms


def kept(*references: str, is_dry: bool = False) -> Kept:
    # Everything that was made until now may go.
    return Kept({}, frozenset(references), frozenset(), frozenset({"dev"}), now_ms() + 1000, 0, is_dry=is_dry)


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace(Project(tmp_path, "test", {}), load_settings({})) as opened:
        yield opened


def write(workspace: Workspace, *values: int) -> list[int]:
    """Write versions of a table and return their snapshots."""
    found = []
    for value in values:
        with open_lake(workspace).transaction("build") as transaction:
            made = transaction.replace("mart.a", f"SELECT {value} AS n FROM range(20000)")
            transaction.record_build("table:mart.a", str(value), made)
        found.append(transaction.snapshot)
    return found


def read(workspace: Workspace, snapshot: int) -> object:
    return open_lake(workspace).query(f"SELECT max(n) FROM mart.a AT (VERSION => {snapshot})").rows[0][0]


def test_named_snapshots_stay(workspace: Workspace) -> None:
    """What an output or an input is at can be read afterwards; what nobody names cannot."""
    first, second, third = write(workspace, 1, 2, 3)

    swept = {
        one.what: one for one in sweep_lake(workspace, kept(f"snapshot:{second}", "run:7", "snapshot:x"))
    }

    assert swept["snapshots"].count >= 1
    assert (read(workspace, second), read(workspace, third)) == (2, 3)
    with pytest.raises(SnapshotMissing):
        read(workspace, first)


def test_young_snapshots_stay(workspace: Workspace) -> None:
    """What was the newest a moment ago may be read by somebody who has not said so yet."""
    first, _ = write(workspace, 1, 2)
    young = Kept({}, frozenset(), frozenset(), frozenset({"dev"}), now_ms() - 3_600_000, 0)

    swept = sweep_lake(workspace, young)

    assert sum(one.count for one in swept) == 0
    assert read(workspace, first) == 1


def test_a_lake_that_was_never_made(workspace: Workspace) -> None:
    """Sweeping makes no lake."""
    assert sweep_lake(workspace, kept()) == []
    assert not (workspace.state / "lake/catalog.sqlite").exists()


def test_tables_of_nobody_are_dropped(workspace: Workspace) -> None:
    """What no environment has and nobody declares leaves the head, with its books and what did not fit."""
    write(workspace, 1)
    lake, output = open_lake(workspace), Output("d", "snapshot:1")
    with lake.transaction("load gone") as transaction:
        transaction.record_build("source:gone", "k", transaction.replace("raw.gone", "SELECT 1 AS n"))
        transaction.replace("quarantine.gone", "SELECT 1 AS n")
        transaction.replace("predictions.x", "SELECT 1 AS n")
        transaction.rewrite_book("watermarks", "gone", [("gone", "d", "7")])
    known = dataclasses.replace(kept(), outputs={"table:mart.a": (output,)})

    would = {one.what: one.count for one in sweep_lake(workspace, dataclasses.replace(known, is_dry=True))}
    swept = {one.what: one.count for one in sweep_lake(workspace, known)}

    assert (would["tables"], swept["tables"]) == (1, 1)
    assert lake.table_names() == ("mart.a", "predictions.x")
    assert lake.read_book("watermarks", "gone") == []
    assert lake.built_nodes() == {"table:mart.a"}
    assert lake.snapshots(limit=1)[0].message == "gc drops raw.gone"


def test_tables_that_may_be_wanted_stay(workspace: Workspace) -> None:
    """Young tables, pinned ones, and all of a lake whose records are new are not dropped."""
    write(workspace, 1)
    other = {"table:mart.other": (Output("d", "snapshot:1"),)}
    young = dataclasses.replace(kept(), outputs=other, before_ms=now_ms() - 3_600_000)

    sweep_lake(workspace, young)
    sweep_lake(workspace, kept())
    pin = open_lake(workspace).pin("p", {"mart.a": open_lake(workspace).snapshot()})
    sweep_lake(workspace, dataclasses.replace(kept(), outputs=other))

    assert open_lake(workspace).table_names() == ("mart.a",)
    assert pin.tables


def test_a_project_that_cannot_be_read_drops_nothing(workspace: Workspace) -> None:
    """Who cannot tell what is declared must not take it for given up."""
    write(workspace, 1)
    (workspace.root / "tables/mart").mkdir(parents=True)
    (workspace.root / "tables/mart/a.sql").write_text("SELEC nothing FROM")
    other = {"table:mart.other": (Output("d", "snapshot:1"),)}

    sweep_lake(workspace, dataclasses.replace(kept(), outputs=other))

    assert open_lake(workspace).table_names() == ("mart.a",)


def test_dry_run(workspace: Workspace) -> None:
    """A dry run touches no snapshot."""
    first, _ = write(workspace, 1, 2)

    would = {one.what: one.count for one in sweep_lake(workspace, kept(is_dry=True))}

    assert would["snapshots"] > 0
    assert read(workspace, first) == 1
