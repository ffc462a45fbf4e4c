"""Pages over HTTP: joined they are the whole answer, each row once, for every search that has pages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

Call = Any
COUNT = 7


@pytest.fixture(scope="module")
def filled(call: Call, experiment: str) -> str:
    """Return an experiment with runs, logged models, a registered model with versions, and prompts among models."""
    for number in range(COUNT):
        call("POST", "runs/create", json={"experiment_id": experiment, "run_name": f"r{number}"})
        call("POST", "logged-models", json={"experiment_id": experiment, "name": f"m{number}"})
        call("POST", "experiments/create", json={"name": f"paged {number}"})
        call("POST", "registered-models/create", json={"name": f"paged {number}"})
        tags = [{"key": "mlflow.prompt.is_prompt", "value": "true"}]
        call("POST", "registered-models/create", json={"name": f"paged prompt {number}", "tags": tags})
        call("POST", "model-versions/create", json={"name": "paged 0", "source": f"s3://bucket/{number}"})
    return experiment


def _pages(call: Call, method: str, path: str, asked: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the pages of a search until one has no token."""
    token = None
    for _ in range(20):
        wanted = {**asked, **({"page_token": token} if token else {})}
        page = call(method, path, **({"params": wanted} if method == "GET" else {"json": wanted}))
        yield page
        token = page.get("next_page_token")
        if not token:
            return
    raise AssertionError(path)


SEARCHES = [
    ("POST", "runs/search", "runs", {}),
    ("POST", "runs/search", "runs", {"order_by": ["attributes.run_name ASC"]}),
    ("POST", "logged-models/search", "models", {}),
    ("POST", "logged-models/search", "models", {"order_by": [{"field_name": "name", "ascending": True}]}),
    ("POST", "experiments/search", "experiments", {"filter": "name LIKE 'paged %'"}),
    ("GET", "experiments/search", "experiments", {"filter": "name LIKE 'paged %'"}),
    ("GET", "registered-models/search", "registered_models", {"filter": "name LIKE 'paged %'"}),
    ("GET", "model-versions/search", "model_versions", {"filter": "name = 'paged 0'"}),
]


@pytest.mark.parametrize("size", [1, 3, COUNT, COUNT + 1])
@pytest.mark.parametrize(("method", "path", "name", "asked"), SEARCHES)
def test_pages_join(  # noqa: PLR0917  # one parameter per column of the table above
    call: Call, filled: str, method: str, path: str, name: str, asked: dict[str, Any], size: int
) -> None:
    """Pages of any size hold what one page holds, in its order, and only the last has no token."""
    within = {"experiment_ids": [filled]} if name in {"runs", "models"} else {}
    whole = call(method, path, **_sent(method, {**asked, **within, "max_results": 100}))

    pages = list(_pages(call, method, path, {**asked, **within, "max_results": size}))

    assert [row for page in pages for row in page[name]] == whole[name]
    assert len(whole[name]) == COUNT
    assert [len(page[name]) for page in pages[:-1]] == [size] * (len(pages) - 1)


def _sent(method: str, asked: dict[str, Any]) -> dict[str, Any]:
    return {"params": asked} if method == "GET" else {"json": asked}


@pytest.mark.parametrize("asked", ["tag.`mlflow.prompt.is_prompt` = 'true' AND name LIKE 'paged %'"])
def test_prompts_only_when_asked_for(call: Call, filled: str, asked: str) -> None:
    """Prompts stand among the registered models, and are shown to whoever asks for them."""
    found = call("GET", "registered-models/search", params={"filter": asked})["registered_models"]

    assert filled
    assert {model["name"] for model in found} == {f"paged prompt {number}" for number in range(COUNT)}


@pytest.mark.parametrize("path", ["runs/search", "logged-models/search"])
def test_no_experiment_is_none(call: Call, filled: str, path: str) -> None:
    """A search that names no experiment finds nothing; it never means all of them."""
    assert filled
    assert call("POST", path, json={"experiment_ids": []}) == {}


def test_a_page_of_what_grows(call: Call) -> None:
    """A token that was given before more runs came still leads to a page, and to no error."""
    experiment = call("POST", "experiments/create", json={"name": "grows"})["experiment_id"]
    asked = {"experiment_ids": [experiment], "max_results": 2}
    for number in range(4):
        call("POST", "runs/create", json={"experiment_id": experiment, "start_time": number})
    token = call("POST", "runs/search", json=asked)["next_page_token"]
    call("POST", "runs/create", json={"experiment_id": experiment, "start_time": 99})

    assert len(call("POST", "runs/search", json={**asked, "page_token": token})["runs"]) == 2
