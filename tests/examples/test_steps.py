"""The steps of the flights project, called as the plain functions they are."""

from __future__ import annotations

import lightgbm
import numpy as np
import pandas as pd
import pytest

from ropewalk import Model, Table
from ropewalk.project import read_steps

from .conftest import FLIGHTS


@pytest.fixture(scope="module")
def flights() -> pd.DataFrame:
    """Flights of June and July; the later in the day, the likelier late."""
    from features import FEATURES

    random = np.random.default_rng(1)
    frame = pd.DataFrame(random.random((400, len(FEATURES))), columns=FEATURES)
    frame["late"] = random.random(400) < frame["departure_minute"]
    frame["flight_date"] = pd.to_datetime(["2013-06-30", "2013-07-01"] * 200)
    frame["scheduled_at"] = frame["flight_date"]
    frame["flight_id"] = [f"{number:03}" for number in range(400)]
    return frame


def test_examples_are_of_the_days_in_a_fixed_order(flights: pd.DataFrame) -> None:
    """Rows come by time and id, however the table has them, and only those of the days asked for."""
    from features import FEATURES, examples

    known, late = examples(Table.of(flights), "2013-07-01", "2013-07-31")
    shuffled, _ = examples(Table.of(flights.sample(frac=1, random_state=1)), "2013-07-01", "2013-07-31")

    assert len(known) == len(late) == 200
    assert list(known.columns) == FEATURES
    pd.testing.assert_frame_equal(known, shuffled)


def test_the_model_sees_no_outcome_and_nothing_that_names_a_flight() -> None:
    """Neither the label nor an identity nor what tells the season is among the features."""
    from features import FEATURES

    assert not {"late", "flight_id", "flight_date", "scheduled_at", "tail_number", "temperature"} & set(
        FEATURES
    )


def test_evaluate_judges_july_alone(flights: pd.DataFrame) -> None:
    """The figures are of July's flights, and a model that knows the pattern finds it."""
    from evaluate import evaluate
    from features import examples

    known, late = examples(Table.of(flights), "2013-06-01", "2013-06-30")
    settings = {"objective": "binary", "verbose": -1, "num_threads": 1, "deterministic": True, "seed": 1}
    booster = lightgbm.train(settings, lightgbm.Dataset(known, late), num_boost_round=5)

    metrics = evaluate(Model(booster), Table.of(flights))

    assert metrics["rows"] == 200
    assert metrics["auc"] > 0.7
    assert metrics["standby_precision"] > metrics["late_rate"]


def test_the_steps_are_what_the_project_declares() -> None:
    """Planning finds two steps: one makes the model `late`, the other judges it."""
    steps = {step.name: step for step in read_steps(FLIGHTS)}

    assert {name: step.makes for name, step in steps.items()} == {"train": "Model", "evaluate": "Metrics"}
    assert steps["train"].options["model"] == "late"
