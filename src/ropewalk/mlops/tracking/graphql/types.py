"""The types of the GraphQL schema, made from the protocol's structs.

Names are in camelCase and begin with `Mlflow`; 64-bit integers are texts; a field that is unset has its type's zero, as
protobuf's messages do; a number that JSON lacks is null.
"""

from __future__ import annotations

import math
import types
from collections.abc import Callable, Mapping
from functools import cache
from typing import Annotated, Any, Literal, Union, cast, get_args, get_origin, get_type_hints

import msgspec
from graphql import (
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLField,
    GraphQLFloat,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLInt,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLResolveInfo,
    GraphQLScalarType,
    GraphQLString,
)

from ropewalk.mlops.tracking.wire.models import Int64

Struct = type[msgspec.Struct]

LONG = GraphQLScalarType("LongString", serialize=str, parse_value=int)
_SCALARS: Mapping[object, GraphQLScalarType] = {
    str: GraphQLString,
    bool: GraphQLBoolean,
    float: GraphQLFloat,
    int: GraphQLInt,
}
_ZEROS: Mapping[object, object] = {str: "", bool: False, float: 0.0, int: 0}


def camel(name: str) -> str:
    """Return a field's name as GraphQL writes it."""
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


@cache
def object_type(struct: Struct) -> GraphQLObjectType:
    """Return the type of an answer's struct."""
    return GraphQLObjectType(f"Mlflow{struct.__name__}", lambda: output_fields(struct))


def output_fields(struct: Struct) -> dict[str, GraphQLField]:
    """Return the fields of an answer's struct."""
    return {
        camel(name): GraphQLField(_output(hint), resolve=_reader(name, hint))
        for name, hint in _hints(struct).items()
    }


@cache
def input_type(struct: Struct) -> GraphQLInputObjectType:
    """Return the type of a request's struct; its fields come out under the struct's own names."""
    fields = {
        camel(name): GraphQLInputField(_input(hint), out_name=name) for name, hint in _hints(struct).items()
    }
    return GraphQLInputObjectType(f"Mlflow{struct.__name__}Input", fields)


def _hints(struct: Struct) -> dict[str, object]:
    """Return each field's type without what says that it may be unset."""
    hints = get_type_hints(struct, include_extras=True)
    return {name: _set(hints[name]) for name in struct.__struct_fields__}


def _set(hint: object) -> object:
    if get_origin(hint) in (Union, types.UnionType):
        # Of an enumeration, which may come by its number too, the names are left.
        parts = [part for part in get_args(hint) if part is not type(None)]
        named = [part for part in parts if get_origin(part) is Literal]
        return (named or parts)[0]
    return hint


def _item(hint: object) -> object | None:
    return get_args(hint)[0] if get_origin(hint) is list else None


def _plain(hint: object) -> object:
    return get_args(hint)[0] if get_origin(hint) is Annotated else hint


def _scalar(hint: object) -> GraphQLScalarType | GraphQLEnumType | None:
    if hint == Int64:
        return LONG
    if get_origin(hint) is Literal:
        return _enumeration(get_args(hint))
    return _SCALARS.get(_plain(hint))


@cache
def _enumeration(names: tuple[str, ...]) -> GraphQLEnumType:
    # No query names the type itself, and two enumerations of the wire never have the same members.
    return GraphQLEnumType(
        f"Mlflow{camel(names[0].lower()).capitalize()}Enum", {name: name for name in names}
    )


def _output(hint: object) -> GraphQLOutputType:
    item = _item(hint)
    if item is not None:
        return GraphQLList(GraphQLNonNull(cast("GraphQLScalarType", _output(item))))
    return _scalar(hint) or object_type(cast("Struct", hint))


def _input(hint: object) -> GraphQLInputType:
    item = _item(hint)
    if item is not None:
        return GraphQLList(_input(item))
    return _scalar(hint) or input_type(cast("Struct", hint))


def _parsed(value: object, hint: object) -> object:
    """Return a value whose JSON the database wrote as the structs that it stands for; any other as it is."""
    if isinstance(value, msgspec.Raw):
        # Lenient, because the wire writes "NaN" and infinities as texts.
        return msgspec.json.decode(value, type=cast("Any", _plain(hint)), strict=False)
    if isinstance(value, list) and value and isinstance(value[0], msgspec.Raw):
        return [_parsed(one, _item(hint)) for one in value]
    return value


def _reader(name: str, hint: object) -> Callable[[object, GraphQLResolveInfo[Any]], object]:
    zero = None if hint == Int64 else _ZEROS.get(_plain(hint))
    zero = 0 if hint == Int64 else zero

    def read(source: object, _: GraphQLResolveInfo[Any]) -> object:
        value = _parsed(getattr(source, name), hint)
        if value is None:
            return zero
        # The wire writes these three as texts, and GraphQL has no other way to say them than null.
        if hint is float and not (isinstance(value, float | int) and math.isfinite(value)):
            return None
        return value

    return read
