"""Two checkouts with states of their own and one shared cache: what one has executed, the other restores."""

from __future__ import annotations

import shutil

import pytest

FILES = {
    "ropewalk.yaml": "project: p\nsources:\n  rows: {kind: files, path: 'drops/*.csv'}\n",
    "drops/a.csv": "i\n" + "\n".join(str(i) for i in range(500)),
    "tables/staging/one.sql": "SELECT i, i % 7 AS k FROM raw.rows WHERE i % 3 <> 1",
    "steps/score.py": """
        from ropewalk import Metrics, Table, step

        @step
        def score(one: Table) -> Metrics:
            return Metrics(rows=len(one.relation().fetchall()))
        """,
}


@pytest.fixture
def here(write_project):
    """Return the first checkout."""
    return write_project(FILES)


@pytest.fixture
def there(here, tmp_path):
    """Return the second checkout."""
    shutil.copytree(here, tmp_path / "there")
    return tmp_path / "there"


def test_second_checkout_executes_nothing(here, there, tmp_path, ropewalk):
    """All comes from the cache with the same content, can be read, and is fresh from then on."""
    cache = {"ROPEWALK_CACHE": str(tmp_path / "cache")}
    made = ropewalk("run", "--json", cwd=here, **cache).json

    had = ropewalk("run", "--json", cwd=there, **cache).json

    assert (made["executed"], had["executed"], had["restored"]) == (3, 0, 3)
    assert [node["digest"] for node in had["nodes"]] == [node["digest"] for node in made["nodes"]]
    assert ropewalk("run", "--json", cwd=there).json["hits"] == 3


def test_only_what_differs_is_executed(here, there, tmp_path, ropewalk):
    """A change in the second checkout costs what it touches, also when nothing of the rest was ever there."""
    cache = {"ROPEWALK_CACHE": str(tmp_path / "cache")}
    ropewalk("run", cwd=here, **cache)
    step = there / "steps/score.py"
    step.write_text(step.read_text().replace("rows=len", "rows=1 + len"))

    had = ropewalk("run", "--json", cwd=there, **cache).json

    assert {node["id"]: node["state"] for node in had["nodes"]} == {
        "source:rows": "restored",
        "table:staging.one": "restored",
        "step:score": "executed",
    }


def test_storage_that_is_away_is_done_without(here, ropewalk):
    """The run goes on, says so once, and does not wait again for each node."""
    said = ropewalk(
        "run",
        cwd=here,
        ROPEWALK_CACHE="s3://nowhere/x",
        AWS_ENDPOINT_URL="http://127.0.0.1:1",
        AWS_ACCESS_KEY_ID="a",
        AWS_SECRET_ACCESS_KEY="b",
    )

    assert said.code == 0
    assert "3 executed" in said.out
    assert said.err.count("done without for the rest of this run") == 1


def test_damaged_object_is_not_taken(here, there, tmp_path, ropewalk):
    """What is not what its name says is executed instead, and the run says why."""
    cache = {"ROPEWALK_CACHE": str(tmp_path / "cache")}
    made = ropewalk("run", "--json", cwd=here, **cache).json
    for path in (tmp_path / "cache").rglob("*"):
        if path.is_file() and "cas" in path.parts:
            path.chmod(0o644)
            path.write_bytes(path.read_bytes()[:-1])

    had = ropewalk("run", "--json", cwd=there, **cache).json

    assert [node["digest"] for node in had["nodes"]] == [node["digest"] for node in made["nodes"]]
    assert had["executed"] >= 2
    assert any("was not had from the shared cache" in (node["warning"] or "") for node in had["nodes"])
