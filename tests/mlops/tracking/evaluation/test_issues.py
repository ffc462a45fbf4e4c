"""Issues of quality: kept, changed, found."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

Ask = Callable[..., Any]


@pytest.fixture(scope="module")
def ask(http: httpx.Client) -> Ask:
    """Return a function that calls a path below the issues."""

    def send(method: str, path: str = "", status: int = 200, **content: Any) -> Any:
        response = http.request(method, f"/api/3.0/mlflow/issues{path}", **content)
        assert response.status_code == status, response.text
        return response.json()

    return send


def _make(ask: Ask, experiment: str, **more: Any) -> dict[str, Any]:
    body = {"experiment_id": experiment, "name": "slow", "description": "very", **more}
    return dict(ask("POST", json=body)["issue"])


def test_create(ask: Ask, experiment: str) -> None:
    """An issue is pending until somebody says otherwise, and says all that was said of it."""
    plain = _make(ask, experiment)
    full = _make(ask, experiment, severity="high", root_causes=["a", "b"], categories=["c"], created_by="ada")

    assert (plain["status"], plain["experiment_id"]) == ("pending", experiment)
    assert ask("GET", f"/{full['issue_id']}")["issue"] == full
    assert (full["severity"], full["root_causes"], full["categories"]) == ("high", ["a", "b"], ["c"])


def test_update(ask: Ask, experiment: str) -> None:
    """A change leaves what it does not name."""
    made = _make(ask, experiment, severity="low")
    changed = ask("PATCH", f"/{made['issue_id']}", json={"status": "resolved", "name": "fast"})["issue"]

    assert (changed["name"], changed["status"]) == ("fast", "resolved")
    assert (changed["description"], changed["severity"]) == ("very", "low")


@pytest.mark.parametrize(
    "more",
    [{"status": "open"}, {"severity": "awful"}, {"name": "n" * 251}, {"name": ""}, {"root_causes": "x"}],
)
def test_bad_issues(ask: Ask, experiment: str, more: dict[str, Any]) -> None:
    """A status or severity is one of those there are, and texts fit."""
    body = {"experiment_id": experiment, "name": "slow", "description": "very", **more}

    ask("POST", "", 400, json=body)


def test_unknown(ask: Ask) -> None:
    """What is not there is not found."""
    assert ask("GET", "/iss-no", 404)["error_code"] == "RESOURCE_DOES_NOT_EXIST"
    ask("PATCH", "/iss-no", 404, json={"name": "x"})
    ask("POST", "", 404, json={"experiment_id": "99999", "name": "x", "description": "y"})


def test_search(ask: Ask, call: Ask) -> None:
    """The most severe come first, a filter narrows, and the last page has an empty token."""
    place = call("POST", "experiments/create", json={"name": "issues"})["experiment_id"]
    for name, severity in (("c", None), ("b", "low"), ("a", "high")):
        _make(ask, place, name=name, **({"severity": severity} if severity else {}))
    first = ask("POST", "/search", json={"experiment_id": place, "max_results": 2})
    rest = ask(
        "POST",
        "/search",
        json={"experiment_id": place, "max_results": 2, "page_token": first["next_page_token"]},
    )

    assert [issue["name"] for issue in first["issues"]] == ["a", "b"]
    assert [issue["name"] for issue in rest["issues"]] == ["c"]
    assert rest["next_page_token"] == ""
    none = ask("POST", "/search", json={"experiment_id": place, "filter_string": "status = 'resolved'"})
    assert "issues" not in none


@pytest.mark.parametrize("body", [{"filter_string": "name = 'x'"}, {"max_results": 0}, {"page_token": "x"}])
def test_bad_searches(ask: Ask, body: dict[str, Any]) -> None:
    """A search names what can be searched."""
    ask("POST", "/search", 400, json=body)
