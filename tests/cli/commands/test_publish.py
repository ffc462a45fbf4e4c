"""`ropewalk publish` asks targets how they stand, and mends them."""

from __future__ import annotations

import json
from textwrap import dedent

import pytest

PROJECT = """
    project: shop
    publish:
      totals:
        table: mart.totals
        to: {kind: parquet, path: out}
        environments: [dev]
    """
FILES = {"ropewalk.yaml": PROJECT, "tables/mart/totals.sql": "SELECT 1 AS id, 2.5 AS amount"}


@pytest.fixture
def root(make_project):
    """Return the root of a project that has published."""
    return make_project(FILES)


def test_check_says_how_targets_stand(root, ropewalk):
    """What the target has is told, and the exit code says whether it is enough."""
    fine = ropewalk("publish", "--check", "-e", "dev", cwd=root)
    (root / "out/manifest.json").unlink()
    lost = ropewalk("publish", "--check", "-e", "dev", "--json", cwd=root)

    assert (fine.code, lost.code) == (0, 1)
    assert fine.out.splitlines()[1].split() == ["totals", "mart.totals", "parquet:out", "1", "current"]
    assert lost.json["publications"][0]["state"] == "missing"


def test_publish_mends_what_was_lost(root, ropewalk):
    """A target that lost what was published gets it again, once."""
    (root / "out/manifest.json").unlink()

    first = ropewalk("publish", "totals", "-e", "dev", "--json", cwd=root).json["publications"]
    second = ropewalk("publish", "-e", "dev", cwd=root)

    assert (first[0]["state"], first[0]["rows"]) == ("written", 1)
    assert second.out.splitlines()[1].endswith("current")


def test_other_environment_does_not_publish(root, ropewalk):
    """Who names a publication in an environment that does not publish it is told which do."""
    named = ropewalk("publish", "totals", "-e", "stage", cwd=root)
    checked = ropewalk("publish", "--check", "-e", "stage", "--json", cwd=root)

    assert "error[RW197]: environment 'stage' does not publish 'totals'" in named.err
    assert "its environments are dev" in named.err
    assert checked.json["publications"][0]["state"] == "elsewhere"


def test_unknown_publication(root, ropewalk):
    """A name that is none is told with the nearest."""
    assert "did you mean: publish:totals" in ropewalk("publish", "total", cwd=root).err


def test_check_and_rebuild(root, ropewalk):
    """One changes nothing and the other does."""
    assert ropewalk("publish", "--check", "--rebuild", cwd=root).code == 2


def test_apply_publishes(make_project, ropewalk):
    """In a protected environment the release publishes, and the release before it publishes what it had."""
    project = dedent(PROJECT).replace("[dev]", "[production]")
    root = make_project(
        {**FILES, "ropewalk.yaml": f"{project}environments: {{production: {{protected: true}}}}\n"}
    )

    def release(sql):
        (root / "tables/mart/totals.sql").write_text(sql)
        ropewalk("run", "-e", "dev", cwd=root)
        ropewalk("promote", "production", "--from", "dev", cwd=root)
        return ropewalk("apply", "production", "--allow-dirty", cwd=root)

    before = (root / "out").exists()
    first = release("SELECT 1 AS id, 2.5 AS amount")
    one = json.loads((root / "out/manifest.json").read_text())
    second = release("SELECT 1 AS id, 3.5 AS amount UNION ALL SELECT 2, 1.0")
    two = json.loads((root / "out/manifest.json").read_text())

    assert (before, first.code, second.code) == (False, 0, 0)
    assert (one["rows"], two["rows"]) == (1, 2)
    assert two["environment"] == "production"
