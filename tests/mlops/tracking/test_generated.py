"""The generated structs against the client's own protobuf messages: same JSON in, same JSON out."""

from __future__ import annotations

import importlib
import json
from typing import Any

import msgspec
import pytest

from ropewalk.mlops.tracking.wire import (
    evaluation,
    gateway,
    gateway_secrets,
    issues,
    logged_models,
    models,
    registry,
    requests,
)
from ropewalk.mlops.tracking.wire.compat import answer, check_required, decode

pytestmark = pytest.mark.filterwarnings("ignore")
MODULES = (models, requests, logged_models, registry, evaluation, issues, gateway, gateway_secrets)
STRUCTS = {
    name: found
    for module in MODULES
    for name, found in vars(module).items()
    if isinstance(found, type) and issubclass(found, msgspec.Struct) and found.__module__ == module.__name__
}


def _message(struct: type[msgspec.Struct]) -> Any:
    """Return the protobuf class that a struct's docstring names."""
    assert struct.__doc__
    for module in ("service", "model_registry", "mlflow_artifacts"):
        importlib.import_module(f"mlflow.protos.{module}_pb2")
    from google.protobuf import descriptor_pool, message_factory

    found = descriptor_pool.Default().FindMessageTypeByName(struct.__doc__.split("`")[1])
    return message_factory.GetMessageClass(found)


def _fill(message: Any, *, is_default: bool) -> None:
    """Set every field of a message: to something, or explicitly to its type's zero."""
    for field in message.DESCRIPTOR.fields:
        if "deployment_job" in field.name:
            continue
        if field.message_type and field.message_type.GetOptions().map_entry:
            getattr(message, field.name)["key"] = "" if is_default else "text ß"
            continue
        if field.message_type:
            inner = getattr(message, field.name)
            _fill(inner.add() if field.is_repeated else inner, is_default=is_default)
            if not field.is_repeated:
                inner.SetInParent()
            continue
        value = _value(field, is_default=is_default)
        if field.is_repeated:
            getattr(message, field.name).append(value)
        else:
            setattr(message, field.name, value)


def _value(field: Any, *, is_default: bool) -> Any:
    if field.enum_type:
        return field.enum_type.values[0].number
    if field.cpp_type == field.CPPTYPE_STRING:
        return "" if is_default else "text ß"
    if field.cpp_type == field.CPPTYPE_BOOL:
        return not is_default
    if field.cpp_type in (field.CPPTYPE_DOUBLE, field.CPPTYPE_FLOAT):
        return 0.0 if is_default else 0.5
    return 0 if is_default else 2**31 - 1


@pytest.mark.parametrize("name", STRUCTS)
@pytest.mark.parametrize("is_default", [True, False])
def test_same_json(imported_mlflow: Any, name: str, is_default: bool) -> None:
    """What the client writes is read, and written again is what MLflow's own server would write."""
    from mlflow.utils.proto_json_utils import message_to_json

    message = _message(STRUCTS[name])()
    _fill(message, is_default=is_default)
    text = message_to_json(message)

    read = decode(text.encode(), STRUCTS[name])

    assert json.loads(answer(read).body) == json.loads(text)


@pytest.mark.parametrize("name", STRUCTS)
def test_unset_is_the_empty_object(name: str) -> None:
    """A struct of which nothing is set is the empty object, and is read from it."""
    assert answer(STRUCTS[name]()).body == b"{}"
    assert decode(b"{}", STRUCTS[name]) == STRUCTS[name]()


@pytest.mark.parametrize("name", STRUCTS)
def test_null_is_unset(name: str) -> None:
    """A null stands for a field that is not set, as in any proto JSON."""
    fields = msgspec.structs.fields(STRUCTS[name])
    nulls = {field.name: None for field in fields if field.default is None}

    assert decode(json.dumps(nulls).encode(), STRUCTS[name]) == STRUCTS[name]()


@pytest.mark.parametrize("name", [name for name in STRUCTS if hasattr(STRUCTS[name], "required")])
def test_required_fields_are_the_clients(imported_mlflow: Any, name: str) -> None:
    """What upstream's server requires is required here, and nothing else."""
    from mlflow.protos import databricks_pb2

    fields = _message(STRUCTS[name]).DESCRIPTOR.fields
    required = [f.name for f in fields if f.GetOptions().Extensions[databricks_pb2.validate_required]]

    assert list(STRUCTS[name].required) == required  # type: ignore[attr-defined]
    with pytest.raises(Exception, match=f"'{required[0]}'"):
        check_required(STRUCTS[name]())


def test_enumerations_have_all_numbers() -> None:
    """Every enumeration's members can be named by number."""
    for literal, numbers in models.NUMBERS.items():
        assert set(numbers.values()) == set(literal.__args__)  # type: ignore[attr-defined]
