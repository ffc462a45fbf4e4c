"""A project whose lake several machines share: catalogue in PostgreSQL, data in S3, as its people run it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

FILES = {
    "ropewalk.yaml": "project: p\nsources:\n  orders: {kind: files, path: 'drops/*.csv'}\n",
    "drops/a.csv": "id,amount\n1,10\n2,20\n",
    "tables/mart/t.sql": "SELECT id, amount * 2 AS twice FROM raw.orders",
    "steps/count.py": (
        "from ropewalk import Metrics, Table, step\n\n\n"
        "@step\ndef count(t: Table) -> Metrics:\n    return Metrics(rows=len(t.relation().fetchall()))\n"
    ),
}
Machine = Callable[[str], Path]


@pytest.fixture
def machine(tmp_path, database_server, object_server, monkeypatch) -> Machine:
    """Return a function that checks the project out as another machine would: with a state of its own."""
    object_server.use(monkeypatch)
    object_server.make_bucket("team")
    with database_server.database("template0") as name:
        monkeypatch.setenv("ROPEWALK_DATABASE_URL", database_server.network_url(name))
        monkeypatch.setenv("ROPEWALK_STORAGE", f"s3://team/{tmp_path.name}")

        def check_out(name: str) -> Path:
            for path, text in FILES.items():
                (tmp_path / name / path).parent.mkdir(parents=True, exist_ok=True)
                (tmp_path / name / path).write_text(text)
            return tmp_path / name

        yield check_out


def test_one_lake_for_two_machines(machine: Machine, ropewalk) -> None:
    """What one machine has built the other finds fresh, reads, builds on, pins and verifies."""
    one, two = machine("one"), machine("two")

    assert ropewalk("run", "--json", cwd=one).json["executed"] == 3
    assert ropewalk("run", "--json", cwd=two).json["executed"] == 0
    assert ropewalk("sql", "SELECT sum(twice) AS s FROM mart.t", "--json", cwd=two).json["rows"] == [
        {"s": 60}
    ]
    (two / "drops/b.csv").write_text("id,amount\n3,30\n")
    assert ropewalk("run", "--json", cwd=two).json["executed"] == 3
    assert ropewalk("lake", "pin", "both", cwd=two).code == 0
    assert ropewalk("sql", "SELECT count(*) AS n FROM mart.t", "--at", "both", "--json", cwd=one).json[
        "rows"
    ] == [{"n": 3}]
    assert "the lake is whole" in ropewalk("lake", "verify", cwd=one).out
    assert ropewalk("gc", "--older-than", "0s", cwd=one, ROPEWALK_KEEP_HISTORY="0").code == 0
    assert ropewalk("lake", "verify", cwd=two).code == 0
    assert not list(one.rglob("*.parquet"))


def test_nothing_secret_is_written(machine: Machine, ropewalk) -> None:
    """Neither what is printed nor any file of the state has a password or a key."""
    root = machine("one")

    said = [ropewalk(*words, cwd=root) for words in (("run",), ("settings",), ("lake", "snapshots"))]
    said.append(ropewalk("run", cwd=root, AWS_ENDPOINT_URL="http://127.0.0.1:9"))
    said.append(ropewalk("sql", "FROM mart.t", cwd=root, AWS_ENDPOINT_URL="http://127.0.0.1:9"))

    assert "error[RW626]" in said[-1].err
    texts = [f"{one.out}{one.err}" for one in said]
    texts += [path.read_bytes().decode(errors="replace") for path in root.rglob("*") if path.is_file()]
    for secret in ("hidden-key", "s3cret-word"):
        assert not [text for text in texts if secret in text]
