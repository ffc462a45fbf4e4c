"""`ropewalk status` fits a terminal and says what is so."""

from __future__ import annotations

import re
import subprocess

import pytest

from ropewalk.cli.commands.status import LINE, facts, headline

DOCUMENT = {
    "project": "shop",
    "environment": "dev",
    "commit": "0123456789abcdef",
    "branch": "main",
    "snapshot": 7,
    "last_run": {"run_id": "fedcba9876543210", "state": "succeeded"},
}


def test_headline_names_all_that_is_spoken_of():
    """Project, environment, commit, snapshot and last run stand on one line."""
    assert headline(DOCUMENT) == (
        "shop, environment dev, main 01234567, snapshot 7, last run fedcba98 succeeded"
    )


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"commit": None}, "nothing committed yet"),
        ({"commit": None, "branch": None}, "not in Git"),
        ({"branch": None}, "dev, 01234567, snapshot"),
    ],
)
def test_headline_without_a_commit(changed, said):
    """Outside Git, before the first commit and on a detached head the line stays true."""
    assert said in headline({**DOCUMENT, **changed})


def test_headline_before_the_first_run():
    """Where nothing ran, no run is named."""
    assert headline({**DOCUMENT, "last_run": None}).endswith("snapshot 7")


@pytest.mark.parametrize(
    ("summary", "said"),
    [
        (None, ""),
        ({}, ""),
        ({"rows": 0, "added": 0}, "rows 0"),
        ({"rows": 12_345, "added": 0, "new": 2}, "rows 12,345, new 2"),
        ({"metrics": {"auc": 0.78381, "n": 2185.0}}, "auc 0.7838, n 2,185"),
        ({"passed": True, "columns": ["a"], "version": 3}, "version 3"),
        ({"rows": 5, "contract": {"checks": 4, "passed": 4}}, "rows 5, contract 4 of 4 hold"),
    ],
)
def test_facts_of_a_summary(summary, said):
    """Of a summary the numbers are told, without the noughts that say nothing."""
    assert facts(summary) == said


def test_table_fits_a_terminal(shop, ropewalk):
    """No line is wider than what is promised, and times have no more than minutes."""
    lines = ropewalk("status", cwd=shop).out.splitlines()

    assert all(len(line) <= LINE for line in lines)
    assert lines[1].split() == ["node", "made", "finished", "(UTC)", "what", "is", "known", "of", "it"]
    assert any(re.search(r"^table:mart\.totals .* contract \d of \d hold$", line) for line in lines)


def test_commit_is_named(shop, ropewalk):
    """In a repository the branch and the short commit stand in the first line."""
    for arguments in (
        ["init", "-q", "-b", "trunk"],
        ["-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-q", "--allow-empty", "-m", "one"],
    ):
        subprocess.run(["git", *arguments], cwd=shop, check=True)

    said = ropewalk("status", "--json", cwd=shop).json

    assert f"trunk {said['commit'][:8]}" in ropewalk("status", cwd=shop).out


def test_json_has_what_the_table_cuts(shop, ropewalk):
    """For programs ids, digests and times are whole."""
    said = ropewalk("status", "--json", cwd=shop).json

    table = next(node for node in said["nodes"] if node["id"] == "table:mart.totals")
    assert table["summary"]["columns"] == ["late", "amount"]
    assert table["finished_at"].endswith("+00:00")
    assert len(table["digest"]) > 16


def test_nothing_declared(make_project, ropewalk):
    """An empty project has a first line and no table."""
    root = make_project({"ropewalk.yaml": "project: empty\n"}, ran=False)

    assert ropewalk("status", cwd=root).out.splitlines()[0].startswith("empty, environment dev")
