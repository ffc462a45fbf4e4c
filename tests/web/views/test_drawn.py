"""Answers as charts, and runs as lines of a table: what is drawn, and what is left out."""

from __future__ import annotations

from decimal import Decimal

import pytest

from ropewalk.mlops.tracking import Column, Run
from ropewalk.store.tracking.values import Metric
from ropewalk.web.grid import make_grid
from ropewalk.web.views.drawn import MOST_LINES, MOST_PLACES, _number, draw
from ropewalk.web.views.run_lines import RunLine, label, run_line, telling_params

RUN = Run(1, "r", "1", "one", "me", "FINISHED", "active", 1000, 4000, "here")


def _grid(*rows: tuple[object, ...]):
    return make_grid([("x", "VARCHAR"), ("y", "DOUBLE"), ("z", "DOUBLE"), ("c", "VARCHAR")], rows)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (1, 1.0),
        (0.5, 0.5),
        (Decimal("1.5"), 1.5),
        ("1.5", 1.5),
        ("9007199254740993", 9007199254740992.0),
        ("", None),
        ("x", None),
        ("nan", None),
        ("inf", None),
        (float("-inf"), None),
        (10**400, None),
        (True, None),
        (None, None),
        ([1], None),
    ],
)
def test_numbers(value: object, found: float | None) -> None:
    """Texts of numbers are numbers; what has no height is none."""
    assert _number(value) == found


def test_a_line_for_each_measure() -> None:
    """Over the places in the order in which they come; a missing value is a gap."""
    chart = draw(
        _grid(("b", 1, 5, "k"), ("a", None, 6, "k"), ("c", 3, 7, "k")), "T", "x", ["y", "z"], is_share=True
    )

    assert chart is not None
    assert (chart.title, chart.windows, chart.is_share) == ("T", ("b", "a", "c"), True)
    assert {line.name: line.values for line in chart.series} == {"z": (5.0, 6.0, 7.0), "y": (1.0, None, 3.0)}


def test_a_line_for_each_value() -> None:
    """The tallest first; where one has no row it has a gap."""
    chart = draw(
        _grid(("a", 1, 0, "k"), ("a", -9, 0, "m"), ("b", 2, 0, "k")), "T", "x", ["y"], "c", is_share=False
    )

    assert chart is not None
    assert [(line.name, line.values) for line in chart.series] == [("m", (-9.0, None)), ("k", (1.0, 2.0))]


def test_a_line_that_is_not_a_number_somewhere() -> None:
    """It does not stand before taller ones for that."""
    rows = [("a", float("nan"), 0, "k"), ("b", 1, 0, "k"), ("a", 5, 0, "m")]

    chart = draw(_grid(*rows), "T", "x", ["y"], "c", is_share=False)

    assert chart is not None
    assert [(line.name, line.values) for line in chart.series] == [("m", (5.0, None)), ("k", (None, 1.0))]


@pytest.mark.parametrize(
    ("x", "ys", "color"),
    [
        ("missing", ["y"], None),
        ("x", ["missing"], None),
        ("x", ["y", "missing"], None),
        ("x", ["y"], "missing"),
        ("x", ["c"], None),
    ],
)
def test_nothing_to_draw(x: str, ys: list[str], color: str | None) -> None:
    """A column that is missing, or one without a number, is no chart."""
    assert draw(_grid(("a", 1, 2, "k")), "T", x, ys, color, is_share=False) is None


def test_no_rows() -> None:
    """An empty answer is no chart."""
    assert draw(_grid(), "T", "x", ["y"], is_share=False) is None


def test_more_than_can_be_read() -> None:
    """The last places and the tallest lines stay."""
    rows = [
        (f"p{place:03}", line + 1, 0, f"l{line}") for place in range(MOST_PLACES + 5) for line in range(9)
    ]

    chart = draw(_grid(*rows), "T", "x", ["y"], "c", is_share=False)

    assert chart is not None
    assert (len(chart.windows), chart.windows[0]) == (MOST_PLACES, "p005")
    assert [line.name for line in chart.series] == [f"l{line}" for line in range(8, 8 - MOST_LINES, -1)]


@pytest.mark.parametrize(
    ("column", "said"),
    [
        (Column("metric", "auc"), "auc"),
        (Column("metric", "auc", "max"), "max(auc)"),
        (Column("metric", "loss", "at", 0), "at(loss, 0)"),
        (Column("metric", "loss", "at", 100), "at(loss, 100)"),
    ],
)
def test_names_of_columns(column: Column, said: str) -> None:
    """The last value goes without saying."""
    assert label(column) == said


def test_a_run_as_a_line() -> None:
    """The last value of each metric that is a number, unless others are asked for."""
    metrics = {"a": Metric("a", 0.5, 0, 1), "b": Metric("b", float("nan"), 0, 1)}
    run = Run(**{**RUN.__dict__, "metrics": metrics})

    assert run_line(run).metrics == {"a": 0.5}
    assert run_line(run, {}).metrics == {}
    assert run_line(run).duration_ms == 3000
    assert run_line(Run(**{**RUN.__dict__, "ended_at": None})).duration_ms is None


@pytest.mark.parametrize(
    ("params", "telling"),
    [
        ([], ()),
        ([{"a": "1", "b": "2"}], ("a", "b")),
        ([{"a": "1", "b": "2"}, {"a": "1", "b": "3"}], ("b",)),
        ([{"a": "1"}, {}], ("a",)),
        ([{"b": "1", "a": "1"}, {"b": "2", "a": "2"}], ("a", "b")),
        ([{"a": "1"}, {"a": "1"}], ()),
    ],
)
def test_parameters_that_tell_runs_apart(params: list[dict[str, str]], telling: tuple[str, ...]) -> None:
    """Those in which they differ, one that only some have among them; of one run all."""
    assert telling_params([RunLine("r", "n", "s", 0, None, given) for given in params]) == telling
