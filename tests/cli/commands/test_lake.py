"""`ropewalk lake`: snapshots, pins, verifying, compacting, expiring and exporting, as a person does it."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest

FILES = {
    "ropewalk.yaml": "project: p\nsources:\n  orders: {kind: files, path: 'drops/*.csv'}\n",
    "drops/a.csv": "id,amount\n1,10\n2,20\n",
    "tables/mart/t.sql": "SELECT id, amount * 2 AS twice FROM raw.orders",
}


@pytest.fixture
def root(write_project, ropewalk, monkeypatch) -> Path:
    """Return a project that was run once."""
    monkeypatch.setenv("ROPEWALK_AUTHOR", "Ada")
    root = write_project(FILES)
    assert ropewalk("run", cwd=root).code == 0
    return root


def grow(root: Path, ropewalk) -> None:
    (root / "drops/b.csv").write_text("id,amount\n3,30\n")
    assert ropewalk("run", cwd=root).code == 0


def test_snapshots_say_who_and_what_for(root: Path, ropewalk) -> None:
    """Each commit of a run has its author, its node and the run; a table's own can be asked for."""
    run = ropewalk("runs", "--json", cwd=root).json["runs"][0]["id"]

    found = ropewalk("lake", "snapshots", "--json", cwd=root).json["snapshots"]

    assert [(one["number"], one["author"], one["message"], one["tables"]) for one in found[:2]] == [
        (3, "Ada", f"build mart.t (run {run})", ["mart.t"]),
        (2, "Ada", f"load orders (run {run})", ["raw.orders"]),
    ]
    assert f"build mart.t (run {run[:8]})  mart.t" in ropewalk("lake", "snapshots", cwd=root).out
    own = ropewalk("lake", "snapshots", "raw.orders", "--json", cwd=root).json["snapshots"]
    assert [one["number"] for one in own] == [2]


def test_pins_and_the_past(root: Path, ropewalk) -> None:
    """What was pinned can be asked for later, by its name, by a number and by a time, and survives collecting."""
    assert "first: 2 tables pinned" in ropewalk("lake", "pin", "first", "-m", "a look", cwd=root).out
    grow(root, ropewalk)
    ropewalk("gc", "--older-than", "0s", cwd=root, ROPEWALK_KEEP_HISTORY="0")
    count = "SELECT count(*) AS n FROM mart.t"

    assert ropewalk("sql", count, "--json", cwd=root).json["rows"] == [{"n": 3}]
    for moment in ("first", "3"):
        assert ropewalk("sql", count, "--json", "--at", moment, cwd=root).json["rows"] == [{"n": 2}]
    assert ropewalk("sql", count, "--json", "--at", "2999-01-01", cwd=root).json["rows"] == [{"n": 3}]
    pins = ropewalk("lake", "pins", "--json", cwd=root).json["pins"]
    assert [(pin["name"], pin["message"], len(pin["tables"])) for pin in pins] == [("first", "a look", 2)]
    assert ropewalk("lake", "unpin", "first", "--json", cwd=root).json["name"] == "first"
    assert "0 pins" in ropewalk("lake", "pins", cwd=root).err


def test_time_travel_in_sql(root: Path, ropewalk) -> None:
    """A query names a version or a time for each of its tables."""
    grow(root, ropewalk)
    sql = "SELECT (SELECT count(*) FROM mart.t AT (VERSION => 3)) AS then, count(*) AS now FROM mart.t"
    timed = "SELECT count(*) AS n FROM mart.t AT (TIMESTAMP => now())"

    assert ropewalk("sql", sql, "--json", cwd=root).json["rows"] == [{"then": 2, "now": 3}]
    assert ropewalk("sql", timed, "--json", cwd=root).json["rows"] == [{"n": 3}]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("sql", "SELECT 1", "--at", "frist"), "RW194", "neither a pin nor a snapshot nor a time"),
        (("sql", "SELECT 1", "--at", "99"), "RW221", "no snapshot 99"),
        (("sql", "SELECT 1", "--at", "1999-01-01"), "RW221", "no snapshot of 1999-01-01"),
        (("sql", "FROM mart.t", "--at", "2"), "RW220", "there is no table 'mart.t' at 2"),
        (("lake", "unpin", "x"), "RW223", "there is no pin 'x'"),
        (("lake", "pin", "7"), "RW194", "no name for a pin"),
        (("lake", "pin", "p", "nope"), "RW194", "neither a pin"),
        (("lake", "expire", "--older-than", "x"), "RW188", "'x' is no age"),
        (("lake", "export", "mart.x", "out"), "RW220", "no table 'mart.x'"),
        (("lake", "export", "mart.t@", "out"), "RW188", "names no moment"),
        (("lake", "export", "mart.t@x", "out"), "RW194", "neither a pin"),
        (("lake", "export", "t", "out"), "RW122", "not the name of a table"),
        (("lake", "export", "mart.t", "drops"), "RW322", "has files already"),
        (("lake", "export", "mart.t", "ropewalk.yaml"), "RW322", "has files already"),
        (("lake", "export", "mart.t", "ropewalk.yaml/x"), "RW426", "cannot be made"),
        (("lake", "snapshots", "x"), "RW122", "not the name of a table"),
    ],
)
def test_what_is_wrong_is_said(root: Path, ropewalk, arguments, code, said) -> None:
    """Each mistake has its code and says what is wrong."""
    answer = ropewalk(*arguments, cwd=root)

    assert answer.code != 0
    assert f"error[{code}]" in answer.err
    assert said in answer.err


def test_a_whole_lake(root: Path, ropewalk) -> None:
    """Nothing is wrong with a lake that was only used."""
    ropewalk("lake", "pin", "first", cwd=root)
    grow(root, ropewalk)

    said = ropewalk("lake", "verify", cwd=root)
    found = ropewalk("lake", "verify", "--json", cwd=root)

    assert (said.code, found.json["problems"]) == (0, [])
    assert "the lake is whole" in said.out
    assert [(t["table"], t["snapshot"], t["names"]) for t in found.json["tables"][:2]] == [
        ("mart.t", 3, ["pin first"]),
        ("mart.t", 6, ["head", "dev"]),
    ]


@pytest.mark.parametrize("harm", ["gone", "cut", "other"])
def test_a_damaged_lake(root: Path, ropewalk, harm: str) -> None:
    """A file that is gone, cut short or another one is found, named, and fails the command; so does asking for it."""
    path = next((root / ".ropewalk/lake/data/mart").rglob("*.parquet"))
    if harm == "gone":
        path.unlink()
    elif harm == "cut":
        path.write_bytes(path.read_bytes()[:-20])
    else:
        duckdb.sql("SELECT 1 AS id, 2 AS twice").write_parquet(str(path))

    found = ropewalk("lake", "verify", "--json", cwd=root)
    asked = ropewalk("sql", "FROM mart.t", cwd=root)

    assert found.code == 1
    assert any(path.name in problem for problem in found.json["problems"])
    assert any(problem.startswith("mart.t at snapshot 3") for problem in found.json["problems"])
    assert ("error[RW424]" in asked.err) == (harm != "other")
    said = ropewalk("lake", "verify", cwd=root)
    assert (said.code, "error[RW425]" in said.err) == (1, True)
    assert "x mart.t at snapshot 3" in said.out


def test_compact_and_expire(root: Path, ropewalk) -> None:
    """Small files become one, and what nobody needs goes; a dry run says so beforehand and does nothing."""
    for number in range(4):
        (root / f"drops/{number}.csv").write_text(f"id,amount\n{number},1\n")
        assert ropewalk("run", "raw.orders", cwd=root).code == 0
    options = ("lake", "expire", "--older-than", "0s", "--json")

    done = ropewalk("lake", "compact", "--json", cwd=root).json
    would = ropewalk(*options, "--dry-run", cwd=root, ROPEWALK_KEEP_HISTORY="0").json
    did = ropewalk(*options, cwd=root, ROPEWALK_KEEP_HISTORY="0").json

    assert done["files_after"] < done["files_before"]
    assert did == {**would, "dry_run": False}
    assert did["files"] > 0
    assert ropewalk("lake", "verify", cwd=root).code == 0
    assert ropewalk("run", "--json", cwd=root).json["failed"] == 0


def test_expire_keeps_what_somebody_stands_for(root: Path, ropewalk) -> None:
    """What the environment has stays, and what was made within the last minute: somebody may be reading it."""
    grow(root, ropewalk)
    held = ropewalk("lake", "snapshots", "--json", cwd=root).json

    said = ropewalk("lake", "expire", "--older-than", "0s", cwd=root, ROPEWALK_KEEP_HISTORY="0").out

    assert said == "0 snapshots and 0 files went, 0 B\n"
    assert ropewalk("lake", "snapshots", "--json", cwd=root).json == held
    assert ropewalk("run", "--json", cwd=root).json["executed"] == 0


def test_export(root: Path, ropewalk) -> None:
    """A table of then and all tables of now are plain Parquet, with a list that has their digests."""
    ropewalk("lake", "pin", "first", cwd=root)
    grow(root, ropewalk)

    one = ropewalk("lake", "export", "mart.t@first", "one", "--json", cwd=root).json["tables"]
    ropewalk("lake", "export", "all", "now", cwd=root)

    assert duckdb.read_parquet(str(root / "one/mart/t.parquet")).count("*").fetchone() == (2,)
    assert duckdb.read_parquet(str(root / "now/raw/orders.parquet")).count("*").fetchone() == (3,)
    manifest = json.loads((root / "now/manifest.json").read_text())
    assert [(t["table"], t["content"]["rows"]) for t in manifest["tables"]] == [
        ("mart.t", 3),
        ("raw.orders", 3),
    ]
    assert json.loads((root / "one/manifest.json").read_text())["tables"] == one


def test_export_to_iceberg(root: Path, ropewalk) -> None:
    """Tables become Iceberg tables that pyiceberg reads; exporting again adds a snapshot to what changed."""
    catalog = pytest.importorskip("pyiceberg.catalog.sql")
    ropewalk("lake", "export", "all", "ice", "--format", "iceberg", cwd=root)
    grow(root, ropewalk)

    made = ropewalk("lake", "export", "all", "ice", "--format", "iceberg", "--json", cwd=root).json["tables"]

    opened = catalog.SqlCatalog(
        "ropewalk", uri=f"sqlite:///{root}/ice/catalog.sqlite", warehouse=(root / "ice").as_uri()
    )
    rows = opened.load_table("mart.t").scan().to_arrow().num_rows
    opened.close()
    assert rows == 3
    assert (root / "ice" / made[0]["file"]).is_file()


def test_before_there_is_a_lake(write_project, ropewalk) -> None:
    """Looking makes no lake, and is no error."""
    root = write_project(FILES)

    for command in ("snapshots", "verify", "compact", "expire", "pins"):
        assert ropewalk("lake", command, cwd=root).code == 0
        assert isinstance(ropewalk("lake", command, "--json", cwd=root).json, dict)
    assert not (root / ".ropewalk/lake/catalog.sqlite").exists()
