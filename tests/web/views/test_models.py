"""Models: versions with their gate's decision, their aliases and who serves them."""

from __future__ import annotations

import dataclasses

import pytest

from ropewalk.errors import NotFound
from ropewalk.mlops.registry import get_version
from ropewalk.pipeline import Workspace
from ropewalk.store.gates import GateDecision, GateResult, list_decisions
from ropewalk.web.errors import NothingCalled
from ropewalk.web.page import Visit
from ropewalk.web.views.models import card_page, decision_about, model_list, model_page, version_page


def test_list_has_what_is_registered(flights: Workspace) -> None:
    """Each model has its newest version, the one in production, and its metrics."""
    (line,) = model_list(Visit(flights)).models

    assert (line.name, line.latest, line.production, line.versions) == ("late", "1", "1", 1)
    assert line.metrics == {"evaluate.auc": 0.7712}


def test_list_has_what_is_declared(empty: Workspace) -> None:
    """A model that no run has made yet is named too."""
    found = model_list(Visit(empty))

    assert (found.models, found.declared) == ((), ("late",))


def test_model_has_versions_and_decisions(flights: Workspace) -> None:
    """A model's page has its versions, who serves them, and what the gate decided."""
    page = model_page(Visit(flights, {"name": "late"}))

    assert page.versions[0].deployments == ("late",)
    assert page.versions[0].aliases == ("production",)
    assert [decision.has_passed for decision in page.decisions] == [True]
    assert "model:late" in {node.id for node in page.nodes}


@pytest.mark.parametrize("version", ["1", "production", "latest"])
def test_version_by_number_or_alias(flights: Workspace, version: str) -> None:
    """A version is found by its number and by its aliases."""
    page = version_page(Visit(flights, {"name": "late", "version": version}))

    assert (page.model, page.line.version) == ("late", "1")
    assert page.decision is not None


@pytest.mark.parametrize(("name", "version"), [("lat", "1"), ("late", "9"), ("late", "staging")])
def test_unknown_version(flights: Workspace, name: str, version: str) -> None:
    """A model, version or alias that does not exist is told."""
    with pytest.raises(NotFound):
        version_page(Visit(flights, {"name": name, "version": version}))


def test_unknown_model_has_the_nearest(flights: Workspace) -> None:
    """A misspelt model is told with the nearest name."""
    with pytest.raises(NothingCalled) as caught:
        model_page(Visit(flights, {"name": "laet"}))

    assert caught.value.nearest == "late"


def decision(value: float | None, key: str = "k") -> GateDecision:
    """Return a decision that read that figure."""
    result = GateResult("evaluate.auc", value, "min", 0.7, None, None, "passed", "fine")
    return GateDecision("late", key, "run", 1, (result,))


def test_decision_is_the_one_that_read_its_figures(flights: Workspace) -> None:
    """Of all decisions of a gate a version has the one whose figures it was registered with."""
    version = get_version(flights, "late", "1")

    assert decision_about(version, [decision(0.5), decision(0.7712, "right")]) == decision(0.7712, "right")


@pytest.mark.parametrize(
    "decisions", [[], [decision(0.5)], [decision(None)], [GateDecision("late", "k", "r", 1, ())]]
)
def test_no_decision(flights: Workspace, decisions: list[GateDecision]) -> None:
    """A version that no gate judged has none."""
    assert decision_about(get_version(flights, "late", "1"), decisions) is None


def test_decisions_come_from_the_store(flights: Workspace) -> None:
    """The page shows what the store has, unchanged."""
    page = model_page(Visit(flights, {"name": "late"}))

    assert list(page.decisions) == list_decisions(flights.database, "late")
    assert dataclasses.asdict(page.decisions[0])["gate"] == "late"


def test_version_has_content_review_and_history(flights: Workspace) -> None:
    """A version's page says what it consists of, where its review stands and what happened to it."""
    page = version_page(Visit(flights, {"name": "late", "version": "1"}))

    assert (page.state, page.review.state, page.same, page.needs) == ("known", "not asked", (), {})
    assert len(page.content) == 64
    assert isinstance(page.history, tuple)


def test_card_of_a_version(flights: Workspace) -> None:
    """The page of a card has its Markdown without the front matter."""
    page = card_page(Visit(flights, {"name": "late", "version": "production"}))

    assert page.body.startswith("# late, version 1")
    assert page.text.startswith("---\n")
    assert page.body in page.text


def test_card_of_no_model(flights: Workspace) -> None:
    """A card of a model that is not there has its nearest name."""
    with pytest.raises(NothingCalled, match="no registered model 'lat'"):
        card_page(Visit(flights, {"name": "lat", "version": "1"}))
