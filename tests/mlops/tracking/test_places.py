"""Page tokens of a metric's history."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ropewalk.mlops.tracking.errors import InvalidRequest
from ropewalk.mlops.tracking.wire.places import place_token, read_place
from ropewalk.pipeline import Workspace

Call = Callable[..., dict[str, Any]]
INT64 = st.integers(-(2**63), 2**63 - 1)


@given(st.tuples(INT64, INT64, st.floats()))
def test_a_token_names_its_point(workspace: Workspace, point: tuple[int, int, float]) -> None:
    """Every point comes back from its token, NaN and infinities too."""
    assert repr(read_place(workspace, place_token(workspace, point, "run", "loss"), "run", "loss")) == repr(
        point
    )


@pytest.mark.parametrize("token", ["!", "bm90IG91cnM=", "WzEsMl0=", "WzEsMiwieCIsInkiXQ==", "é"])
def test_a_token_of_nobody(workspace: Workspace, token: str) -> None:
    """What is no token of ours is refused, whatever it is."""
    with pytest.raises(InvalidRequest):
        read_place(workspace, token, "run", "loss")


@given(st.text(max_size=60))
def test_any_text_as_a_token(workspace: Workspace, token: str) -> None:
    """No text raises anything but the error that clients are told."""
    with suppress(InvalidRequest):
        read_place(workspace, token, "run", "loss")


def test_a_token_of_another_series(workspace: Workspace) -> None:
    """A token is good for the series that it came from only."""
    token = place_token(workspace, (1, 1, 1.0), "run", "loss")

    with pytest.raises(InvalidRequest, match="not of this search"):
        read_place(workspace, token, "run", "gain")


def test_points_that_arrive_between_pages(call: Call, run: str) -> None:
    """Who reads page by page gets each point once, whatever is logged before the place meanwhile."""
    late = {"key": "loss", "value": 9, "timestamp": 0, "step": 0}
    points = [{"key": "loss", "value": step, "timestamp": 1, "step": step} for step in range(1, 7)]
    points[2]["value"] = "NaN"
    call("POST", "runs/log-batch", json={"run_id": run, "metrics": points})
    query = {"run_id": run, "metric_key": "loss", "max_results": 3}

    first = call("GET", "metrics/get-history", params=query)
    call("POST", "runs/log-batch", json={"run_id": run, "metrics": [late]})
    query["page_token"] = first["next_page_token"]
    second = call("GET", "metrics/get-history", params=query)

    assert [point["step"] for point in (*first["metrics"], *second["metrics"])] == [1, 2, 3, 4, 5, 6]
    assert first["metrics"][2]["value"] == "NaN"
    assert "next_page_token" not in second
