"""The gateway's keys: sealed where they are kept, never answered, never in an error or in the log."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from ropewalk.mlops.tracking.errors import (
    GatewayNameTaken,
    InvalidRequest,
    RequestTooLarge,
    UnknownGatewayPart,
    Unsealable,
)
from ropewalk.mlops.tracking.gateway.secrets import (
    create_secret,
    delete_secret,
    get_secret,
    list_secrets,
    mask,
    open_secret,
    update_secret,
)
from ropewalk.pipeline import Workspace

KEY = "sk-swordfish-0123456789"


@pytest.mark.parametrize(
    ("value", "shown"),
    [("", "***"), ("1234567", "***"), ("12345678", "123...5678"), (KEY, "sk-...6789")],
)
def test_mask(value: str, shown: str) -> None:
    """Of a long value its ends are shown, of a short one nothing."""
    assert mask(value) == shown


def test_opened_by_name(workspace: Workspace) -> None:
    """Who runs a gateway on this machine gets the values back."""
    create_secret(workspace, "whole", {"a": KEY, "b": "Zürich"})

    assert open_secret(workspace, "whole") == {"a": KEY, "b": "Zürich"}


def test_the_database_does_not_give_it_away(workspace: Workspace) -> None:
    """What the database holds of a secret has no part of it but what is shown."""
    made = create_secret(workspace, "kept", {"api_key": KEY})

    with workspace.database.read() as connection:
        row = connection.execute("SELECT * FROM gateway_secret WHERE id = ?", (made.id,)).fetchone()
    kept = b" ".join(value if isinstance(value, bytes) else str(value).encode() for value in row)
    assert b"swordfish" not in kept
    assert b"api_key" not in bytes(row["sealed"])


def test_rows_cannot_be_exchanged(workspace: Workspace) -> None:
    """Somebody who can write to the database cannot give one secret's value to another's name."""
    cheap, dear = (create_secret(workspace, name, {"api_key": name * 9}) for name in ("cheap", "dear"))
    with workspace.database.write() as connection:
        row = connection.execute("SELECT sealed FROM gateway_secret WHERE id = ?", (dear.id,)).fetchone()
        connection.execute("UPDATE gateway_secret SET sealed = ? WHERE id = ?", (row["sealed"], cheap.id))

    with pytest.raises(UnknownGatewayPart, match="another"):
        open_secret(workspace, "cheap")


def test_changed_bytes(workspace: Workspace) -> None:
    """A value that was changed in the database is not opened."""
    made = create_secret(workspace, "broken", {"api_key": KEY})
    with workspace.database.write() as connection:
        connection.execute("UPDATE gateway_secret SET sealed = ? WHERE id = ?", (b"\x01" * 40, made.id))

    with pytest.raises(Unsealable):
        open_secret(workspace, "broken")


def test_update(workspace: Workspace) -> None:
    """New values replace all old ones; settings alone leave the values."""
    made = create_secret(workspace, "turned", {"api_key": KEY}, provider="openai", auth_config={"a": "b"})
    changed = update_secret(workspace, made.id, {"other": KEY[::-1]}, auth_config={})
    again = update_secret(workspace, made.id, {}, auth_config={"c": "d"}, user="ada")

    assert open_secret(workspace, "turned") == {"other": KEY[::-1]}
    assert (changed.masked, changed.auth_config) == ({"other": mask(KEY[::-1])}, {"a": "b"})
    assert (again.masked, again.auth_config, again.updated_by) == (changed.masked, {"c": "d"}, "ada")
    assert made.updated_at < changed.updated_at < again.updated_at


def test_names_are_taken_once(workspace: Workspace) -> None:
    """Two secrets cannot have one name, and the refusal shows neither value."""
    create_secret(workspace, "twice", {"api_key": KEY})

    with pytest.raises(GatewayNameTaken, match="'twice'") as caught:
        create_secret(workspace, "twice", {"api_key": KEY})
    assert "swordfish" not in repr(caught.value)
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("values", [{}, {"api_key": ""}, {str(n): "x" for n in range(21)}])
def test_bad_values(workspace: Workspace, values: dict[str, str]) -> None:
    """A secret has values, and not too many."""
    with pytest.raises(InvalidRequest):
        create_secret(workspace, "bad", values)


def test_long_values(workspace: Workspace) -> None:
    """A value that is too long is refused without being shown."""
    with pytest.raises(RequestTooLarge) as caught:
        create_secret(workspace, "long", {"api_key": "swordfish" * 5000})
    with pytest.raises(RequestTooLarge):
        create_secret(workspace, "long", {"api_key": KEY}, auth_config={"a": "x" * 20_001})

    assert "swordfish" not in str(caught.value)


def test_lists_and_deletions(workspace: Workspace) -> None:
    """A list shows a provider's secrets, and a deleted one is gone."""
    made = create_secret(workspace, "mistral key", {"api_key": KEY}, provider="mistral")
    assert [one.name for one in list_secrets(workspace, "mistral")] == ["mistral key"]
    assert get_secret(workspace, None, "mistral key") == made
    delete_secret(workspace, made.id)

    assert list_secrets(workspace, "mistral") == []
    with pytest.raises(UnknownGatewayPart):
        delete_secret(workspace, made.id)


def test_no_answer_has_a_value(http: httpx.Client, capfd: pytest.CaptureFixture[str]) -> None:
    """Of what clients send no answer says more than the masked ends, nor does the server print it."""
    at = "/api/3.0/mlflow/gateway/secrets"
    body = {"secret_name": "over the wire", "secret_value": {"api_key": KEY}}
    answers = [http.post(f"{at}/create", json=body), http.post(f"{at}/create", json=body)]
    secret_id = answers[0].json()["secret"]["secret_id"]
    answers.append(http.get(f"{at}/get", params={"secret_id": secret_id}))
    answers.append(http.get(f"{at}/list"))
    answers.append(http.post(f"{at}/update", json={"secret_id": secret_id, "secret_value": {"x": KEY}}))
    answers.append(http.post(f"{at}/create", json={"secret_name": "", "secret_value": {"api_key": KEY}}))
    answers.append(http.request("DELETE", f"{at}/delete", json={"secret_id": secret_id}))

    assert [answer.status_code for answer in answers] == [200, 400, 200, 200, 200, 400, 200]
    assert all("swordfish" not in answer.text for answer in answers)
    assert answers[0].json()["secret"]["masked_values"] == {"api_key": "sk-...6789"}
    assert answers[1].json()["error_code"] == "RESOURCE_ALREADY_EXISTS"
    assert "swordfish" not in "".join(capfd.readouterr())


@pytest.mark.parametrize(
    "value", [KEY, [KEY], {"api_key": 7}, {"api_key": {"swordfish": KEY}}, {"api_key": None}]
)
def test_values_of_other_kinds(http: httpx.Client, value: Any) -> None:
    """A value of the wrong kind is refused without being repeated."""
    body = {"secret_name": "odd", "secret_value": value}
    answer = http.post("/api/3.0/mlflow/gateway/secrets/create", content=json.dumps(body), headers=JSON)

    assert answer.status_code == 400
    assert "swordfish" not in answer.text


JSON = {"Content-Type": "application/json"}
