"""`ropewalk env`: list, show, diff and drop, for people and as JSON."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

OTHER = "SELECT late, sum(amount) + 1 AS amount FROM staging.orders GROUP BY late\n"


@pytest.fixture
def forked(ropewalk, shop: Path, tmp_path: Path) -> Path:
    """Return a copy of the shop with an environment `mr-7` in which one table differs."""
    root = Path(shutil.copytree(shop, tmp_path / "shop"))
    (root / "tables/mart/totals.sql").write_text(OTHER)
    assert ropewalk("run", "-e", "mr-7", cwd=root).code == 0
    return root


def test_list_tells_what_there_is(ropewalk, forked: Path) -> None:
    """The current one is marked; a fork names its base."""
    said = ropewalk("env", "list", cwd=forked)
    found = ropewalk("env", "list", "--json", cwd=forked).json

    assert "*  dev" in said.out
    assert [(line["name"], line["base"], line["pointers"]) for line in found["environments"]] == [
        ("dev", None, 3),
        ("mr-7", "dev", 3),
    ]
    assert found["current"] == "dev"


def test_show_tells_what_brought_each_node(ropewalk, forked: Path) -> None:
    """The base for what was not touched, the run for what was."""
    said = ropewalk("env", "show", "mr-7", cwd=forked)
    nodes = ropewalk("env", "show", "mr-7", "--json", cwd=forked).json["nodes"]

    assert said.out.startswith("environment mr-7: 3 nodes\n")
    assert [(node["node"], node["cause"][:4]) for node in nodes] == [
        ("source:orders", "base"),
        ("table:mart.totals", "run:"),
        ("table:staging.orders", "base"),
    ]


def test_show_without_a_name_is_about_the_current_one(ropewalk, forked: Path) -> None:
    """As `ropewalk run` would be."""
    assert ropewalk("env", "show", "--json", cwd=forked).json["environment"] == "dev"


def test_history_is_newest_first(ropewalk, forked: Path) -> None:
    """Each change with what moved."""
    said = ropewalk("env", "show", "mr-7", "--history", cwd=forked)
    found = ropewalk("env", "show", "mr-7", "--history", "--json", cwd=forked).json

    assert [change["version"] for change in found["changes"]] == [2, 1]
    (move,) = found["changes"][0]["moves"]
    assert (move["node"], move["before"], move["after"]) == ("table:mart.totals", "snapshot:4", "snapshot:5")
    assert "base:dev" in said.out


def test_diff_tells_what_differs_and_why(ropewalk, forked: Path) -> None:
    """Node by node, against the current environment when only one is named."""
    said = ropewalk("env", "diff", "mr-7", cwd=forked)
    found = ropewalk("env", "diff", "dev", "mr-7", "--json", cwd=forked).json

    assert said.out.startswith(
        "1 node differs between mr-7 and dev\n  table:mart.totals: snapshot:5 -> snapshot:4\n"
    )
    assert "sql: " in said.out
    assert found["differ"] == 1
    assert found["nodes"][0]["reasons"][0].startswith("sql: ")


def test_drop_asks_before_work_goes(ropewalk, forked: Path) -> None:
    """What no other environment has is dropped only when that is said."""
    refused = ropewalk("env", "drop", "mr-7", cwd=forked)

    assert (refused.code, "such as table:mart.totals" in refused.err) == (4, True)
    assert ropewalk("env", "drop", "mr-7", "--yes", "--json", cwd=forked).json == {"dropped": "mr-7"}
    assert ropewalk("env", "show", "mr-7", cwd=forked).code == 3


def test_the_default_environment_stays(ropewalk, forked: Path) -> None:
    """Whatever is said."""
    said = ropewalk("env", "drop", "dev", "--yes", cwd=forked)

    assert (said.code, "error[RW317]" in said.err) == (4, True)


def test_an_environment_that_is_not_there_is_told(ropewalk, forked: Path) -> None:
    """With the nearest one."""
    said = ropewalk("env", "diff", "mr-8", cwd=forked)

    assert (said.code, "did you mean: mr-7" in said.err) == (3, True)
