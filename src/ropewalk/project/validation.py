"""Holding what a YAML file says against a model, and saying where and how it does not fit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, TypeVar, get_args, get_origin

from pydantic import TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from ropewalk.errors import nearest
from ropewalk.project.errors import InvalidProjectFile
from ropewalk.project.unknown_keys import unknown_key
from ropewalk.project.yaml import Document, Location

T = TypeVar("T")
Schema = Mapping[str, object]


def validate(document: Document, model: type[T] | object, location: Location = ()) -> T:
    """Return the part of `document` at `location` as `model` (anything pydantic can validate).

    Raises:
        UnknownKey: a key that the model does not have; the error lists those that are valid beside it.
        InvalidProjectFile: a value that does not fit.
    """
    data = document.at(location)
    adapter: TypeAdapter[T] = TypeAdapter(_chosen(model, data))  # type: ignore[arg-type]  # also takes annotated unions
    try:
        return adapter.validate_python(data)
    except ValidationError as error:
        raise _translate(document, adapter, error, location) from error


def _chosen(model: object, data: object) -> object:
    """Return the member of a union that a key of `data` (such as `kind`) chooses; else `model` as it is."""
    # A validator for every kind there is costs more to build than most projects to read.
    union, *notes = get_args(model) if get_origin(model) is Annotated else (None,)
    key = next((note.discriminator for note in notes if isinstance(note, FieldInfo)), None)
    tag = data.get(key) if isinstance(data, Mapping) and isinstance(key, str) else None
    for member in get_args(union) if tag is not None else ():
        if tag in get_args(member.model_fields[key].annotation):
            return member
    return model


def _translate(
    document: Document, adapter: TypeAdapter[T], error: ValidationError, location: Location
) -> InvalidProjectFile:
    problems = error.errors(include_url=False)
    # Unknown keys first: a misspelt key also makes the right one "missing".
    problem = next((p for p in problems if p["type"] == "extra_forbidden"), problems[0])
    where = document.known((*location, *problem["loc"]))
    others = f"{len(problems) - 1} more in this entry" if len(problems) > 1 else None
    if problem["type"] == "extra_forbidden":
        # pydantic's error does not say which keys the model has; its JSON Schema does, whatever kind of model it is.
        schema = adapter.json_schema(ref_template="{model}")
        valid = sorted(set(_valid_keys(schema, document, location, where[:-1])))
        return unknown_key(document, where, valid, others)
    name = ".".join(str(part) for part in where) or "the file"
    # What is missing has no place of its own: it is told of where it should stand.
    if problem["type"] == "missing":
        message = f"{name}: key {problem['loc'][-1]!r} is missing"
        return InvalidProjectFile(message, place=document.place(where), detail=others)
    if problem["type"] == "union_tag_invalid":
        return _wrong_tag(document, problem, where)
    message = f"{name}: {problem['msg'].removeprefix('Value error, ')}"
    # A validator that knows the valid names says which of them is nearest.
    close = problem.get("ctx", {}).get("nearest")
    return InvalidProjectFile(message, place=document.place(where), nearest=close, detail=others)


def _wrong_tag(document: Document, problem: ErrorDetails, where: Location) -> InvalidProjectFile:
    """Return the error for a key such as `kind` that chooses between models, and names none of them."""
    context = problem["ctx"]
    key, tag = str(context["discriminator"]).strip("'"), str(context["tag"])
    valid = [name.strip("'") for name in str(context["expected_tags"]).split(", ")]
    return InvalidProjectFile(
        f"{'.'.join(str(part) for part in (*where, key))}: {tag!r} is not one of {', '.join(valid)}",
        place=document.place((*where, key)),
        nearest=nearest(tag, valid),
    )


def _valid_keys(root: Schema, document: Document, top: Location, where: Location) -> Iterator[str]:
    """Yield the keys that `root`, the schema of the part at `top`, allows in the mapping at `where`."""
    schemas = list(_alternatives(root, root, document.at(top)))
    for depth in range(len(top), len(where)):
        below = [child for schema in schemas for child in _children(schema, where[depth])]
        data = document.at(where[: depth + 1])
        schemas = [found for child in below for found in _alternatives(child, root, data)]
    for schema in schemas:
        yield from _mapping(schema, "properties")


def _children(schema: Schema, step: str | int) -> Iterator[Schema]:
    """Yield the schemas of the value at a key, or of the items of a list."""
    if isinstance(step, int):
        yield _mapping(schema, "items")
    else:
        named = _mapping(schema, "properties")
        yield _mapping(named, step) if step in named else _mapping(schema, "additionalProperties")


def _alternatives(schema: Schema, root: Schema, data: object) -> Iterator[Schema]:
    """Yield the plain schemas that `schema` stands for, without those whose constants `data` contradicts."""
    if isinstance(name := schema.get("$ref"), str):
        yield from _alternatives(_mapping(_mapping(root, "$defs"), name), root, data)
        return
    members = [*_list(schema, "anyOf"), *_list(schema, "oneOf")]
    for member in members:
        yield from _alternatives(member, root, data)
    if not members and not _is_contradicted(schema, data):
        yield schema


def _is_contradicted(schema: Schema, data: object) -> bool:
    if not isinstance(data, Mapping):
        return False
    constants = {
        key: value["const"]
        for key, value in _mapping(schema, "properties").items()
        if isinstance(value, Mapping) and "const" in value
    }
    # Of a union chosen by `kind`, only the member that this `kind` chooses says which keys are valid.
    return any(key in data and data[key] != constant for key, constant in constants.items())


def _mapping(schema: Schema, key: str) -> Schema:
    found = schema.get(key)
    return found if isinstance(found, Mapping) else {}


def _list(schema: Schema, key: str) -> list[Schema]:
    found = schema.get(key)
    return found if isinstance(found, list) else []
