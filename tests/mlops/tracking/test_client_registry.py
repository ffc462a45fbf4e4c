"""The registry as the unmodified client uses it."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from ropewalk.mlops.registry import get_version, list_versions
from ropewalk.pipeline import Workspace

pytestmark = pytest.mark.filterwarnings("ignore")
Refused = Any


@pytest.fixture
def client(mlflow: ModuleType) -> Any:
    """Return the client."""
    return mlflow.MlflowClient()


@pytest.fixture
def refused(mlflow: ModuleType) -> Callable[[str], Refused]:
    """Return a function that expects the client's exception with a sentence."""
    return lambda match: pytest.raises(mlflow.exceptions.MlflowException, match=match)


@pytest.fixture
def add_version(client: Any) -> Callable[..., str]:
    """Return a function that registers the next version of a model, made when it is missing."""

    def add(name: str, **more: Any) -> str:
        if not client.search_registered_models(f"name = '{name}'"):
            client.create_registered_model(name)
        run = client.create_run("0").info
        return str(client.create_model_version(name, f"{run.artifact_uri}/model", run.run_id, **more).version)

    return add


def test_registered_model(client: Any) -> None:
    """A registered model is made with a description and tags, changed, renamed and deleted."""
    client.create_registered_model("life", tags={"team": "ops"}, description="before")
    client.update_registered_model("life", "after")
    client.set_registered_model_tag("life", "owner", "ada")
    client.delete_registered_model_tag("life", "team")
    client.rename_registered_model("life", "lives")
    found = client.get_registered_model("lives")
    client.delete_registered_model("lives")

    assert (found.description, found.tags) == ("after", {"owner": "ada"})
    assert client.search_registered_models("name = 'lives'") == []


def test_errors(client: Any, refused: Callable[[str], Refused]) -> None:
    """The client gets the sentences that MLflow's tests look for."""
    client.create_registered_model("once")

    with refused("RESOURCE_ALREADY_EXISTS.*already exists"):
        client.create_registered_model("once")
    with refused("RESOURCE_DOES_NOT_EXIST.*name=never not found"):
        client.get_registered_model("never")
    with refused("INVALID_PARAMETER_VALUE.*Invalid model name"):
        client.create_registered_model("a/b")
    with refused("Missing value for required parameter 'name'"):
        client.create_registered_model("")


def test_version(client: Any, add_version: Callable[..., str], workspace: Workspace) -> None:
    """A version keeps description, tags and run; other rooms see it."""
    number = add_version("versioned", description="first", tags={"a": "b"})
    client.update_model_version("versioned", number, "changed")
    client.set_model_version_tag("versioned", number, "c", "d")
    client.delete_model_version_tag("versioned", number, "a")

    found = client.get_model_version("versioned", number)
    assert (found.description, found.tags, found.status) == ("changed", {"c": "d"}, "READY")
    assert get_version(workspace, "versioned", number).run_id == found.run_id
    assert client.get_model_version_download_uri("versioned", number) == found.source


def test_numbers(client: Any, add_version: Callable[..., str], workspace: Workspace) -> None:
    """Versions count up, and a deleted number is not given again."""
    first, second = add_version("counted"), add_version("counted")
    client.delete_model_version("counted", second)
    third = add_version("counted")

    assert (first, second, third) == ("1", "2", "3")
    assert [version.version for version in list_versions(workspace, "counted")] == ["3", "1"]


def test_aliases(client: Any, add_version: Callable[..., str], refused: Callable[[str], Refused]) -> None:
    """An alias is set, moved, seen on model and version, and deleted."""
    add_version("aliased")
    add_version("aliased")
    client.set_registered_model_alias("aliased", "champion", "1")
    client.set_registered_model_alias("aliased", "champion", "2")

    assert client.get_model_version_by_alias("aliased", "champion").version == "2"
    assert client.get_registered_model("aliased").aliases == {"champion": "2"}
    assert client.get_model_version("aliased", "2").aliases == ["champion"]
    client.delete_registered_model_alias("aliased", "champion")
    with refused("alias champion not found"):
        client.get_model_version_by_alias("aliased", "champion")


def test_stages(client: Any, add_version: Callable[..., str]) -> None:
    """The old stages still work, as old clients and `models:/NAME/latest` need them."""
    for _ in range(3):
        add_version("staged")
    for number in ("1", "2"):
        client.transition_model_version_stage("staged", number, "production", archive_existing_versions=True)

    latest = {found.current_stage: found.version for found in client.get_latest_versions("staged")}
    production = client.get_latest_versions("staged", stages=["Production"])
    assert latest == {"None": "3", "Production": "2", "Archived": "1"}
    assert [found.version for found in production] == ["2"]


def test_unknown_stage(
    client: Any, add_version: Callable[..., str], refused: Callable[[str], Refused]
) -> None:
    """A stage that MLflow does not have is refused."""
    add_version("unstaged")

    with refused("Invalid Model Version stage"):
        client.transition_model_version_stage("unstaged", "1", "nowhere")


def test_search_models(client: Any) -> None:
    """Models are found by pattern and tag, in order and page by page."""
    for number in range(5):
        client.create_registered_model(f"find-{number}", tags={"even": str(number % 2 == 0)})

    pattern = "name LIKE 'find-%'"
    page = client.search_registered_models(pattern, max_results=3, order_by=["name DESC"])
    rest = client.search_registered_models(
        pattern, max_results=3, order_by=["name DESC"], page_token=page.token
    )
    even = client.search_registered_models(f"{pattern} AND tags.even = 'True'")

    assert [model.name for model in [*page, *rest]] == [f"find-{number}" for number in (4, 3, 2, 1, 0)]
    assert [model.name for model in even] == ["find-0", "find-2", "find-4"]
    assert not rest.token


def test_search_versions(client: Any, add_version: Callable[..., str]) -> None:
    """Versions are found by name, run and tag, and ordered by number."""
    add_version("sought", tags={"good": "yes"})
    add_version("sought")
    first = client.get_model_version("sought", "1")

    by_name = client.search_model_versions("name = 'sought'", order_by=["version_number ASC"])
    by_run = client.search_model_versions(f"run_id = '{first.run_id}'")
    by_tag = client.search_model_versions("name = 'sought' AND tags.good = 'yes'")

    assert [found.version for found in by_name] == ["1", "2"]
    assert [found.version for found in by_run] == ["1"]
    assert [found.version for found in by_tag] == ["1"]


def test_copy(client: Any, add_version: Callable[..., str]) -> None:
    """A version is copied to another model, as promotion between models does."""
    add_version("origin")

    copied = client.copy_model_version("models:/origin/1", "target")

    assert (copied.name, copied.version, copied.source) == ("target", "1", "models:/origin/1")


def test_bad_sources(client: Any, refused: Callable[[str], Refused]) -> None:
    """A source on the server's own disk is refused."""
    client.create_registered_model("unsourced")

    for source in ("file:///etc", "/etc", "mlflow-artifacts:/0/../../etc"):
        with refused("Invalid model version source"):
            client.create_model_version("unsourced", source)


def test_prompts(mlflow: ModuleType, client: Any) -> None:
    """Prompts, which MLflow keeps as registered models, are registered, loaded and kept out of the models."""
    mlflow.genai.register_prompt("greeting", "Hello {{name}}", tags={"tone": "kind"})
    mlflow.genai.set_prompt_alias("greeting", "live", 1)

    loaded = mlflow.genai.load_prompt("prompts:/greeting@live")
    listed = [model.name for model in client.search_registered_models()]
    found = [prompt.name for prompt in mlflow.genai.search_prompts()]

    assert loaded.format(name="Ada") == "Hello Ada"
    assert "greeting" not in listed
    assert found == ["greeting"]


def test_semantic_versions_load_exactly(mlflow: ModuleType, url: str) -> None:
    """`models:/semver/1.2.0` is that version for the unmodified client, and an unknown one is an error."""
    client = mlflow.MlflowClient(url)
    client.create_registered_model("semver")
    for semantic in ("1.2.0", "2.0.0"):
        client.create_model_version("semver", f"s3://bucket/{semantic}", tags={"gitlab.version": semantic})
    from mlflow.store.artifact.utils.models import get_model_name_and_version

    assert get_model_name_and_version(client, "models:/semver/1.2.0") == ("semver", "1")
    assert client.get_model_version("semver", "2.0.0").version == "2"
    assert client.get_model_version_by_alias("semver", "1.2.0").version == "1"
    with pytest.raises(mlflow.MlflowException, match="not found"):
        get_model_name_and_version(client, "models:/semver/1.3.0")
