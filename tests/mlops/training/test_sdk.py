"""What a step's file imports works in a plain test or notebook."""

from __future__ import annotations

import duckdb
import pandas as pd
import pytest
from lightgbm import Booster

import ropewalk
from ropewalk import Metrics, Model, Table, step
from ropewalk.mlops.training.flavours import flavour_of, log_object


def test_decorator_returns_the_function_itself():
    """A decorated step is called like any function, with or without options."""

    @step
    def one(x: int) -> int:
        return x + 1

    @step(model="late", timeout="5m", version="2")
    def two(x: int) -> int:
        return x + 2

    assert (one(1), two(1)) == (2, 3)


def test_table_of_a_frame():
    """A frame stands in for a table in tests."""
    frame = pd.DataFrame({"a": [1, 2]})

    table = Table.of(frame, "mart.x")

    pd.testing.assert_frame_equal(table.df(), frame)
    assert table.relation().aggregate("sum(a)").fetchall() == [(3,)]
    assert repr(table) == "Table('mart.x')"


def test_metrics_are_numbers():
    """Metrics take keywords or a mapping, and hold floats."""
    metrics = Metrics({"a": 1}, b=2)

    assert metrics == {"a": 1.0, "b": 2.0}
    assert all(isinstance(value, float) for value in metrics.values())


def test_metrics_refuse_what_is_no_number():
    """A word is not a metric."""
    with pytest.raises(ValueError, match="could not convert"):
        Metrics(a="good")


def test_model_made_here_loads_as_itself():
    """A model object that was not logged is its own native form."""
    made = object()

    assert Model(made).load() is made


def test_model_that_was_not_logged_has_no_address():
    """Asking for the address of an unlogged object says why there is none."""
    with pytest.raises(ValueError, match="not been logged"):
        _ = Model(object()).uri


def test_model_takes_the_address_of_what_was_logged():
    """What log_model returned tells the address."""

    class Info:
        model_uri = "models:/m-1"

    assert Model(Info()).uri == "models:/m-1"
    assert Model(uri="models:/m-2").uri == "models:/m-2"


def test_flavour_is_told_by_the_library():
    """A booster is LightGBM's, a subclass of an estimator scikit-learn's, a list nobody's."""
    from sklearn.linear_model import LogisticRegression

    class Mine(LogisticRegression):
        pass

    assert flavour_of(Booster.__new__(Booster)) == "lightgbm"
    assert flavour_of(Mine()) == "sklearn"
    assert flavour_of([]) is None


def test_unknown_model_object_is_refused():
    """An object of no known library is refused with what is known."""
    with pytest.raises(TypeError, match="no flavour here for list"):
        log_object([])


def test_unknown_attribute_of_the_package():
    """A misspelt import from ropewalk fails as usual."""
    with pytest.raises(AttributeError, match="no attribute 'Modle'"):
        _ = ropewalk.Modle


def test_a_table_of_ones_own_has_no_past() -> None:
    """What a test hands to a step was never in a lake; that is said at once."""
    with pytest.raises(ValueError, match="is no table of the lake, so it has no past"):
        Table.of([{"n": 1}]).at("base")


def test_the_past_is_read_when_it_is_asked_for() -> None:
    """A moment may be a number; nothing is opened before the rows are wanted."""
    asked: list[str] = []
    past = duckdb.sql("SELECT 7 AS n")

    table = Table("mart.t", lambda: past, lambda moment: asked.append(moment) or past).at(14)

    assert (repr(table), asked) == ("Table('mart.t@14')", [])
    assert table.relation().fetchall() == [(7,)]
    assert asked == ["14"]
