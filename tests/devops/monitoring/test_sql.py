"""The SQL of monitors: any name may be used, and what an issue shows is what was run."""

from __future__ import annotations

import dataclasses

import pytest

from ropewalk.devops.monitoring.drift import drift_by_window
from ropewalk.devops.monitoring.figures import compute_windows
from ropewalk.devops.monitoring.profile import column_types, take_profile
from ropewalk.devops.monitoring.sql import auc_sql, drift_sql, figures_sql, table_source, versions_sql

HOSTILE = ["start", "key", "label", "version", "name", "select", 'a "b"', "it's", "x; DROP TABLE y", "Größe"]


@pytest.mark.parametrize(
    ("table", "snapshot", "source"),
    [
        ("mart.flights", None, '"mart"."flights"'),
        ("mart.flights", 14, '"mart"."flights" AT (VERSION => 14)'),
        ("predictions.late-2", None, '"predictions"."late-2"'),
        ("flights", None, '"flights"'),
    ],
)
def test_source_of_a_table(table, snapshot, source):
    """Names are quoted, a snapshot is asked for as the lake has it."""
    assert table_source(table, snapshot) == source


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("role", ["key", "time", "label"])
def test_columns_may_be_called_anything(served, role, name):
    """No name of a column can change what a query means."""
    expected, _ = compute_windows(served.connection, served.sources(), "late", 200)
    old = getattr(served.sources(), role)
    served.predictions = served.predictions.rename(columns={old: name})
    served.outcomes = served.outcomes.rename(columns={old: name})
    served.reload()

    sources = dataclasses.replace(served.sources(), **{role: name})

    assert compute_windows(served.connection, sources, "late", 200)[0] == expected


@pytest.mark.parametrize("name", HOSTILE)
def test_features_may_be_called_anything(served, name):
    """A request's column is compared under its own name."""
    served.predictions = served.predictions.rename(columns={"wind": name})
    served.reload()
    profile = take_profile(served.connection, "predictions.late", "late", [name])
    columns = column_types(served.connection, "predictions.late")

    drift = drift_by_window(served.connection, served.sources(), profile, columns)

    assert set(drift["2013-07"]) == {name}
    assert drift["2013-07"][name] < 0.1


@pytest.mark.parametrize("text", [figures_sql, auc_sql, versions_sql, lambda s: drift_sql(s, "count(*)")])
def test_each_query_is_one_select(served, text):
    """What an issue shows can be pasted into a console that allows nothing else."""
    (statement,) = served.connection.extract_statements(text(served.sources()))

    assert statement.type.name == "SELECT"
