"""Rules of retention as `ropewalk.yaml` writes them, and forms of a gateway's providers: what fits, and what does not."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from ropewalk.errors import RopewalkError
from ropewalk.mlops.tracking.errors import InvalidRequest
from ropewalk.mlops.tracking.gateway.providers import provider_form, provider_names
from ropewalk.mlops.tracking.upkeep.section import HOUR_MS, RetentionRule


@pytest.mark.parametrize(
    ("text", "hours"),
    [("1h", 1), ("36h", 36), ("2d", 48), ("1w", 168), ("0h", 0), ("999999h", 999_999), (None, 0)],
)
def test_ages(text: str | None, hours: int) -> None:
    """A number and a unit; without one, runs of any age."""
    rule = RetentionRule.model_validate({"older_than": text, "keep_best": {"metric": "auc"}})

    assert rule.age_ms == hours * HOUR_MS


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({}, "needs older_than, keep_best or both"),
        ({"filter": "metrics.auc > 0.5"}, "needs older_than, keep_best or both"),
        ({"older_than": "2 days"}, "'2 days' is no age"),
        ({"older_than": "5m"}, "'5m' is no age"),
        ({"older_than": "1d\n"}, "is no age"),
        ({"older_than": "1234567h"}, "is no age"),
        ({"older_than": "-1d"}, "is no age"),
        ({"older_than": ""}, "is no age"),
        ({"older_than": "1d", "filter": "metrics.auc >"}, "metric 'auc'"),
        ({"older_than": "1d", "filter": "colour = 'red'"}, "Invalid attribute key 'colour'"),
        ({"older_than": "1d", "experiment": ""}, "at least 1 character"),
        ({"older_than": "1d", "remove": "all"}, "'run' or 'artifacts'"),
        ({"older_than": "1d", "older": "1d"}, "Extra inputs"),
        ({"keep_best": {"metric": ""}}, "at least 1 character"),
        ({"keep_best": {"metric": "auc", "count": 0}}, "greater than or equal to 1"),
        ({"keep_best": {"metric": "auc", "goal": "most"}}, "'max' or 'min'"),
        ({"keep_best": {}}, "Field required"),
    ],
)
def test_rules_that_do_not_fit(rule: dict[str, object], said: str) -> None:
    """They are refused where they are written, not when runs are to go."""
    with pytest.raises(ValidationError, match=said):
        RetentionRule.model_validate(rule)


def test_a_metric_that_no_column_can_be() -> None:
    """Its name cannot be written in MLflow's language."""
    with pytest.raises((ValidationError, RopewalkError)):
        RetentionRule.model_validate({"keep_best": {"metric": "a`b"}})


def test_what_a_rule_does_unless_it_says_so() -> None:
    """Runs of all experiments, into the trash; one of them stays where the best are kept."""
    rule = RetentionRule.model_validate({"keep_best": {"metric": "val auc"}})

    assert (rule.experiment, rule.filter, rule.remove) == (None, "", "run")
    assert rule.keep_best is not None
    assert (rule.keep_best.count, rule.keep_best.goal) == (1, None)


@pytest.mark.parametrize("provider", [*provider_names(), "somebody new"])
def test_forms_of_providers(provider: str) -> None:
    """Each has a way to sign in, the default among them, and each way its fields once."""
    form = provider_form(provider)
    modes = form["auth_modes"]

    assert isinstance(modes, list)
    assert form["default_mode"] in [mode["mode"] for mode in modes]
    for mode in modes:
        names = [field["name"] for field in (*mode["secret_fields"], *mode["config_fields"])]
        assert len(set(names)) == len(names) > 0
        assert all(field["required"] for field in mode["secret_fields"])


def test_no_provider() -> None:
    """It has no form."""
    with pytest.raises(InvalidRequest, match="Provider parameter is required"):
        provider_form("")


def test_providers_are_sorted() -> None:
    """People look for theirs in a list."""
    assert provider_names() == sorted(set(provider_names()))
    assert {"openai", "bedrock"} <= set(provider_names())
