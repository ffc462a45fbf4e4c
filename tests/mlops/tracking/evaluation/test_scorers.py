"""Scorers: texts in versions, never read as code."""

from __future__ import annotations

import json
import uuid

import pytest

from ropewalk.mlops.tracking.errors import (
    InvalidRequest,
    NotActive,
    RequestTooLarge,
    UnknownExperiment,
    UnknownGatewayPart,
    UnknownScorer,
)
from ropewalk.mlops.tracking.evaluation.issues import IssueChange, IssueOrigin, create_issue, search_issues
from ropewalk.mlops.tracking.evaluation.scorers import (
    delete_scorer,
    get_scorer,
    list_samplings,
    list_scorer_versions,
    list_scorers,
    register_scorer,
    sample_traces,
)
from ropewalk.mlops.tracking.evaluation.sets import create_evaluation_set, get_evaluation_set
from ropewalk.mlops.tracking.experiments import create_experiment, move_experiment
from ropewalk.mlops.tracking.gateway.bindings import list_bindings
from ropewalk.mlops.tracking.gateway.endpoints import (
    EndpointChange,
    RouteChoice,
    create_endpoint,
    delete_endpoint,
    update_endpoint,
)
from ropewalk.mlops.tracking.gateway.models import ModelChange, create_model
from ropewalk.mlops.tracking.gateway.secrets import create_secret
from ropewalk.pipeline import Workspace
from ropewalk.store.search import Page
from ropewalk.store.tracking.scorers import latest_scorers
from ropewalk.store.tracking.upkeep import remove_experiment_row

# What a client would run; here it is a text.
CODE = json.dumps({"name": "x", "call_source": "import os; os.system('touch /tmp/no')"})


@pytest.fixture
def place(workspace: Workspace, request: pytest.FixtureRequest) -> str:
    """Return the id of an experiment of the test's own."""
    return create_experiment(workspace, request.node.name)


def test_versions(workspace: Workspace, place: str) -> None:
    """Each registration is a version; the newest is what a name means."""
    made = [register_scorer(workspace, place, "length", CODE) for _ in range(3)]

    assert [one.version for one in made] == [1, 2, 3]
    assert len({one.id for one in made}) == 1
    assert get_scorer(workspace, place, "length", None).version == 3
    assert get_scorer(workspace, place, "length", 1).serialized == CODE
    assert [one.version for one in list_scorer_versions(workspace, place, "length")] == [1, 2, 3]
    assert [one.version for one in list_scorers(workspace, [place])] == [3]


def test_numbers_are_given_once(workspace: Workspace, place: str) -> None:
    """A version that was deleted leaves its number behind."""
    for _ in range(2):
        register_scorer(workspace, place, "length", CODE)
    delete_scorer(workspace, place, "length", 2)

    assert register_scorer(workspace, place, "length", CODE).version == 3


def test_delete(workspace: Workspace, place: str) -> None:
    """With its last version a scorer is gone, and without a version all of it goes."""
    register_scorer(workspace, place, "one", CODE)
    register_scorer(workspace, place, "two", CODE)
    register_scorer(workspace, place, "two", CODE)
    delete_scorer(workspace, place, "one", 1)
    delete_scorer(workspace, place, "two", None)

    assert list_scorers(workspace, [place]) == []
    for version in (None, 1):
        with pytest.raises(UnknownScorer):
            delete_scorer(workspace, place, "two", version)


def test_unknown(workspace: Workspace, place: str) -> None:
    """What is not there is not found, by name, version or experiment."""
    register_scorer(workspace, place, "length", CODE)

    with pytest.raises(UnknownScorer, match="version 9"):
        get_scorer(workspace, place, "length", 9)
    with pytest.raises(UnknownScorer, match="'width'"):
        list_scorer_versions(workspace, place, "width")
    with pytest.raises(UnknownExperiment):
        list_scorers(workspace, ["99999"])


@pytest.mark.parametrize("text", ["", "code", "[]", "1", "{" * 5000])
def test_texts_that_are_no_objects(workspace: Workspace, place: str, text: str) -> None:
    """A scorer's text is a JSON object."""
    with pytest.raises(InvalidRequest, match="JSON object"):
        register_scorer(workspace, place, "length", text)


@pytest.mark.parametrize("name", [" ", "a\nb", "<b>"])
def test_bad_names(workspace: Workspace, place: str, name: str) -> None:
    """A scorer's name is plain."""
    with pytest.raises(InvalidRequest, match="Invalid scorer name"):
        register_scorer(workspace, place, name, CODE)


def test_long_texts(workspace: Workspace, place: str) -> None:
    """Neither a name nor a text is longer than what is kept."""
    with pytest.raises(RequestTooLarge):
        register_scorer(workspace, place, "n" * 257, CODE)
    with pytest.raises(RequestTooLarge):
        register_scorer(workspace, place, "name", json.dumps({"a": "x" * 1_000_000}))


def test_deleted_experiments(workspace: Workspace, place: str) -> None:
    """A deleted experiment takes no scorers."""
    move_experiment(workspace, place, "deleted")

    with pytest.raises(NotActive):
        register_scorer(workspace, place, "length", CODE)


def _judge(model: str) -> str:
    return json.dumps({"instructions_judge_pydantic_data": {"model": model, "instructions": "be fair"}})


def _endpoint(workspace: Workspace, name: str) -> str:
    secret = create_secret(workspace, f"key of {name}", {"api_key": "swordfish"})
    model = create_model(workspace, ModelChange(f"model of {name}", secret.id, "openai", "gpt-4"))
    said = EndpointChange(name=name, routes=[RouteChoice(model.id)], is_tracked=False)
    return create_endpoint(workspace, said).id


def test_a_judge_keeps_its_endpoint(workspace: Workspace, place: str) -> None:
    """A judge names an endpoint, follows it when it is renamed, and stays readable when it is gone."""
    endpoint = _endpoint(workspace, "judge")
    made = register_scorer(workspace, place, "fair", _judge("gateway:/judge"))
    assert endpoint in made.serialized
    update_endpoint(workspace, endpoint, EndpointChange(name="renamed"))
    assert "gateway:/renamed" in get_scorer(workspace, place, "fair", None).serialized
    delete_endpoint(workspace, endpoint)

    assert endpoint in get_scorer(workspace, place, "fair", None).serialized


def test_a_judge_is_bound_to_its_endpoint(workspace: Workspace, place: str) -> None:
    """An endpoint tells which scorers judge by it now, by name; one that is gone uses none."""
    before, now = _endpoint(workspace, "before"), _endpoint(workspace, "now")
    register_scorer(workspace, place, "fair", _judge("gateway:/before"))
    made = register_scorer(workspace, place, "fair", _judge("gateway:/now"))
    [bound] = list_bindings(workspace, now, None, None)
    assert (bound.resource_type, bound.resource_id, bound.name) == ("scorer", made.id, "fair")
    delete_scorer(workspace, place, "fair", None)

    assert list_bindings(workspace, now, None, None) == list_bindings(workspace, before, None, None) == []


@pytest.mark.parametrize(
    "around",
    [
        '{"builtin_scorer_pydantic_data": {"model": "gateway:/JUDGE"}}',
        '{"memory_augmented_judge_data": {"base_judge": {"builtin_scorer_pydantic_data": {"model": "gateway:/JUDGE"}}}}',
    ],
)
def test_judges_of_other_kinds(workspace: Workspace, place: str, around: str) -> None:
    """A judge that comes with the client, and one that wraps another, keep their endpoint too."""
    # The tests share a database, and an endpoint's name is taken once.
    name = uuid.uuid4().hex
    endpoint, text = _endpoint(workspace, name), around.replace("JUDGE", name)
    made = register_scorer(workspace, place, "fair", text)

    assert endpoint in made.serialized
    assert get_scorer(workspace, place, "fair", None).serialized == text


@pytest.mark.parametrize(
    "odd", ['{"memory_augmented_judge_data": 1}', '{"builtin_scorer_pydantic_data": []}']
)
def test_judges_of_odd_shape(workspace: Workspace, place: str, odd: str) -> None:
    """What is no judge after all is kept as it came."""
    assert register_scorer(workspace, place, "fair", odd).serialized == odd


def test_a_judge_of_no_endpoint(workspace: Workspace, place: str) -> None:
    """A judge cannot name an endpoint that is not there; a provider's model it can."""
    with pytest.raises(UnknownGatewayPart):
        register_scorer(workspace, place, "fair", _judge("gateway:/nowhere"))

    assert register_scorer(workspace, place, "fair", _judge("openai:/gpt-4")).version == 1


def test_sampling(workspace: Workspace, place: str) -> None:
    """The share of traces is kept for the scorer, the last word counts, and unknown scorers have none."""
    _endpoint(workspace, "sampler")
    made = register_scorer(workspace, place, "fair", _judge("gateway:/sampler"))
    sample_traces(workspace, place, "fair", 0.5, None)
    sample_traces(workspace, place, "fair", 0.25, "status = 'OK'")

    (found,) = list_samplings(workspace, [made.id, "no"])
    assert (found.rate, found.filter, str(found.experiment)) == (0.25, "status = 'OK'", place)


@pytest.mark.parametrize("rate", [-0.1, 1.1, float("nan")])
def test_shares_that_are_none(workspace: Workspace, place: str, rate: float) -> None:
    """A share lies between nothing and all."""
    register_scorer(workspace, place, "length", CODE)

    with pytest.raises(InvalidRequest, match="between"):
        sample_traces(workspace, place, "length", rate, None)


def test_only_judges_are_sampled(workspace: Workspace, place: str) -> None:
    """A scorer of code would have to be run by the server, which it never does."""
    register_scorer(workspace, place, "length", CODE)

    with pytest.raises(InvalidRequest, match="gateway model"):
        sample_traces(workspace, place, "length", 0.5, None)


def test_an_experiment_takes_its_own_with_it(workspace: Workspace, place: str) -> None:
    """What belongs to an experiment that is removed for good is removed too; what it only shares stays."""
    register_scorer(workspace, place, "length", CODE)
    create_issue(workspace, IssueChange("slow", "very"), IssueOrigin(place))
    shared = create_evaluation_set(workspace, "shared", [place, "0"], {})
    with workspace.database.write() as connection:
        remove_experiment_row(connection, place)

    with workspace.database.read() as connection:
        assert latest_scorers(connection, [place]) == []
    assert search_issues(workspace, place, None, Page(9)) == []
    assert get_evaluation_set(workspace, shared.id).experiment_ids == ("0",)
