"""The statements that run on every request or page find their rows by an index, whatever the tables hold."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

import pytest

from ropewalk.store.artifacts import artifacts_below, blocks_path, list_folder
from ropewalk.store.registry import LATEST, find_alias, find_version, search_versions
from ropewalk.store.search import Condition, Ordering, Page
from ropewalk.store.tracking.logged_models import search_logged_models, searched_models
from ropewalk.store.tracking.metrics import metric_points
from ropewalk.store.tracking.runs import find_run_row, read_runs, search_runs

PAGE = Page(100)
EXPERIMENT = Condition("attribute", "experiment_id", "IN", ("0",))
ACTIVE = Condition("attribute", "stage", "IN", ("active",))
Plans = Callable[[Callable[[sqlite3.Connection], object]], list[str]]


def _runs(*conditions: Condition, order: tuple[Ordering, ...] = ()) -> Callable[[sqlite3.Connection], object]:
    return lambda connection: search_runs(connection, [EXPERIMENT, ACTIVE, *conditions], order, PAGE)


def test_newest_runs_need_no_sorting(plans: Plans) -> None:
    """The first page of an experiment is read off its index, also of millions of runs."""
    first, second, *_ = plans(_runs())

    assert "INDEX run_by_start (experiment=? AND stage=?)" in first
    assert "TEMP B-TREE" not in second


@pytest.mark.parametrize(
    ("condition", "index"),
    [
        (Condition("metric", "auc", ">", 0.7), "latest_metric_by_value (key=? AND value>?)"),
        (Condition("metric", "auc", "=", 0.7), "latest_metric_by_value (key=? AND value=?)"),
        (Condition("parameter", "depth", "=", "3"), "run_param_by_value (key=? AND value=?)"),
        (Condition("tag", "team", "=", "ops"), "run_tag_by_value (key=? AND value=?)"),
        (Condition("tag", "team", "LIKE", "op%"), "run_tag_by_value (key=?"),
    ],
)
def test_filters_use_the_satellites_index(plans: Plans, condition: Condition, index: str) -> None:
    """A filter is a range of an index that holds all it needs, not a look into every run."""
    found = plans(_runs(condition))

    assert any(f"COVERING INDEX {index}" in line for line in found), found


def test_no_statement_of_a_run_scans(plans: Plans) -> None:
    """A run is read by its number, with all it logged, without passing over other runs' rows."""
    found = plans(lambda connection: (find_run_row(connection, "x"), read_runs(connection, [])))

    scanned = [line for line in found if line.startswith("SCAN") and "json_each" not in line]
    assert scanned == []


@pytest.mark.parametrize(
    ("block", "index"),
    [
        (lambda c: artifacts_below(c, "0/x"), "PRIMARY KEY (path>? AND path<?)"),
        (lambda c: list_folder(c, "0/x"), "PRIMARY KEY (path>? AND path<?)"),
        (lambda c: blocks_path(c, "0/x/y"), "PRIMARY KEY (path=?)"),
        (lambda c: find_version(c, "late", "1"), "PRIMARY KEY (model=? AND version=?)"),
        (lambda c: find_alias(c, "late", "champion"), "PRIMARY KEY (model=? AND alias=?)"),
    ],
)
def test_reads_by_primary_key(
    plans: Plans, block: Callable[[sqlite3.Connection], object], index: str
) -> None:
    """Tables are laid out by the key they are read by, so a read touches only what it returns."""
    found = plans(block)

    assert any(index in line for line in found), found
    assert not any(line.startswith("SCAN artifact") for line in found)


def test_history_passes_other_keys_over(plans: Plans) -> None:
    """Reading one key opens its own segments and the shared ones, by one index."""

    def read(connection: sqlite3.Connection) -> object:
        connection.execute("INSERT INTO metric_key (name) VALUES ('loss')")
        return metric_points(connection, 1, "loss")

    segments = [line for line in plans(read) if "metric_segment" in line]

    assert len(segments) == 2
    assert all("INDEX metric_segment_by_key (run=? AND sole_key=?)" in line for line in segments)


def test_known_content_is_looked_for_in_its_model_alone(plans: Plans) -> None:
    """Registering compares a content with the versions of its model, not with those of all models."""
    same = [Condition("attribute", "name", "=", "late"), Condition("attribute", "digest", "=", "d")]
    found = plans(lambda connection: search_versions(connection, same, [LATEST], PAGE))

    assert any("SEARCH model_version USING" in line and "(model=?" in line for line in found)
    assert not any("SCAN model_version" in line for line in found)


def test_newest_logged_models_need_no_sorting(plans: Plans) -> None:
    """The first page of an experiment's models is read off its index."""
    found = plans(lambda c: search_logged_models(c, searched_models(), [EXPERIMENT], [], PAGE))

    assert any("INDEX logged_model_by_creation (experiment=?)" in line for line in found)
    assert not any("TEMP B-TREE" in line for line in found)
