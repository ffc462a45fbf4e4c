"""The section `monitor`: what it takes, and how wrong entries are told of."""

from __future__ import annotations

import pytest

from ropewalk import plugins
from ropewalk.devops.monitoring import Monitor
from ropewalk.project import InvalidProjectFile, UnknownKey, load_project

GOOD = """\
project: test
monitor:
  late:
    by: week
    time: scheduled_at
    labels: {table: mart.outcomes, key: flight_id, column: late}
    limits: {psi: 0.25, auc: {min: 0.70}, rate_shift: 0.08}
"""


def _load(write_project, text) -> Monitor:
    return (
        load_project(write_project({"ropewalk.yaml": text}), plugins.sections())
        .entries("monitor")["late"]
        .value
    )


def test_full_entry_is_read(write_project):
    """Window, time, labels and limits are what the file says."""
    monitor = _load(write_project, GOOD)

    assert (monitor.by, monitor.time, monitor.labels.table) == ("week", "scheduled_at", "mart.outcomes")
    assert (monitor.limits.psi, monitor.limits.auc.min, monitor.limits.rate_shift) == (0.25, 0.7, 0.08)


def test_defaults(write_project):
    """Months, no limits and 200 rows are what is meant when nothing is said."""
    text = GOOD.replace("    by: week\n", "").partition("    limits")[0]

    monitor = _load(write_project, text)

    assert (monitor.by, monitor.min_rows, monitor.ignore) == ("month", 200, ())
    assert monitor.limits.model_dump(exclude_none=True) == {}


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("by: week", "by: fortnight", 4, "by"),
        ("time: scheduled_at", "time: ''", 5, "time"),
        ("    time: scheduled_at\n", "", 3, "'time' is missing"),
        ("column: late", "column: [late]", 6, "column"),
        (", column: late", "", 6, "'column' is missing"),
        ("psi: 0.25", "psi: -1", 7, "psi"),
        ("psi: 0.25", "psi: .nan", 7, "psi"),
        ("psi: 0.25", "psi: yes", 7, "psi"),
        ("{min: 0.70}", "{min: 70}", 7, "auc.min"),
        ("{min: 0.70}", "{min: 0.9, max: 0.8}", 7, "min 0.9 is above max 0.8"),
        ("{min: 0.70}", "{}", 7, "at least one of min, max"),
        ("{min: 0.70}", "0.7", 7, "auc"),
        ("rate_shift: 0.08", "rate_shift: '8%'", 7, "rate_shift"),
        ("by: week", "min_rows: 0", 4, "min_rows"),
        ("by: week", "ignore: wind", 4, "ignore"),
        ("by: week", "ignore: [wind, '']", 4, "ignore"),
        ("by: week", "ignore: [7]", 4, "ignore"),
        ("by: week", "min_rows: 1.5", 4, "min_rows"),
    ],
)
def test_wrong_value_is_told_with_its_place(write_project, old, new, line, message):
    """Each value that does not fit names its key and line."""
    with pytest.raises(InvalidProjectFile) as caught:
        _load(write_project, GOOD.replace(old, new))

    assert message in caught.value.message
    assert caught.value.place.line == line


@pytest.mark.parametrize(
    ("old", "new", "near"),
    [
        ("by: week", "windows: week", None),
        ("by: week", "ignores: [wind]", "ignore"),
        ("psi: 0.25", "psy: 0.25", "psi"),
        ("key:", "keys:", "key"),
    ],
)
def test_unknown_key_names_the_nearest(write_project, old, new, near):
    """A misspelt key is no silent no-op, on any level."""
    with pytest.raises(UnknownKey) as caught:
        _load(write_project, GOOD.replace(old, new))

    assert caught.value.place.path == "ropewalk.yaml"
    assert near is None or caught.value.nearest == near
