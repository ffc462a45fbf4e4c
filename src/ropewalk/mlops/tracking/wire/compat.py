"""Where MLflow's wire differs from plain JSON: reading requests, writing answers and errors.

What the unmodified clients expect: names in snake_case, 64-bit integers as numbers (read also from strings), unset
fields left out, NaN and infinities as strings, enumerations by name or number, and errors as one object with
`error_code` and `message`. Where MLflow's server lets bad input pass, this one refuses it.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from functools import cache
from typing import TypeVar, cast

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from ropewalk.access import CredentialRefused, NotAllowed, NotSignedIn, Refused, TooManyFailures
from ropewalk.errors import Conflict, InvalidInput, NotFound, RopewalkError, Unavailable
from ropewalk.mlops.registry import ModelExists
from ropewalk.mlops.tracking.errors import (
    ExperimentExists,
    GatewayNameTaken,
    GatewayPartUsed,
    InvalidRequest,
    NotServed,
    RequestTooLarge,
    UnknownRoute,
)
from ropewalk.mlops.tracking.traces.errors import MissingHeader, NoSpanKept
from ropewalk.mlops.tracking.wire.models import NUMBERS

S = TypeVar("S", bound=msgspec.Struct)

# The version of the protocol in which MLflow 3 put what it brought; all before is in 2.0.
NEW = "3.0"

_PLACE = re.compile(r"(?P<what>.*) - at `\$\.(?P<path>.*)`")
_ENCODER = msgspec.json.Encoder()
# A value may be a megabyte, and clients print the whole message.
_SHOWN = 200
# A key that came in the wrong form is a key all the same, and answers end up in logs.
_HIDDEN = ("secret", "password", "auth_config")

# (HTTP status, error_code) of the nearest class in an error's ancestry.
_ENVELOPES: dict[type[RopewalkError], tuple[int, str]] = {
    UnknownRoute: (404, "ENDPOINT_NOT_FOUND"),
    NotSignedIn: (401, "UNAUTHENTICATED"),
    CredentialRefused: (401, "UNAUTHENTICATED"),
    NotAllowed: (403, "PERMISSION_DENIED"),
    Refused: (403, "PERMISSION_DENIED"),
    TooManyFailures: (429, "REQUEST_LIMIT_EXCEEDED"),
    ExperimentExists: (400, "RESOURCE_ALREADY_EXISTS"),
    ModelExists: (400, "RESOURCE_ALREADY_EXISTS"),
    GatewayNameTaken: (400, "RESOURCE_ALREADY_EXISTS"),
    GatewayPartUsed: (400, "INVALID_STATE"),
    NotServed: (501, "NOT_IMPLEMENTED"),
    # MLflow's server, whose framework checks headers, answers with this status.
    MissingHeader: (422, "INVALID_PARAMETER_VALUE"),
    NoSpanKept: (422, "INVALID_PARAMETER_VALUE"),
    InvalidInput: (400, "INVALID_PARAMETER_VALUE"),
    NotFound: (404, "RESOURCE_DOES_NOT_EXIST"),
    Conflict: (400, "INVALID_PARAMETER_VALUE"),
    Unavailable: (503, "TEMPORARILY_UNAVAILABLE"),
    RopewalkError: (500, "INTERNAL_ERROR"),
}


async def read_body(request: Request, limit: int) -> bytes:
    """Return the body of a request.

    Raises:
        RequestTooLarge: it has more than `limit` bytes; the rest is not read.
        InvalidRequest: it says that it is something else than JSON.
    """
    body = bytearray()
    # Counted while it arrives: a length that a client names is not to be believed.
    async for block in request.stream():
        body += block
        if len(body) > limit:
            raise RequestTooLarge(f"Request body must be at most {limit} bytes", hint="send several requests")
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    # A form or plain text is what a page may send across sites without asking; JSON is not.
    if body and kind != "application/json":
        raise InvalidRequest(f"Bad Request. Content-Type must be application/json, not {kind!r}")
    return bytes(body)


def decode(body: bytes, shape: type[S]) -> S:
    """Return a JSON body as a struct.

    Raises:
        InvalidRequest: it is not JSON, or a value has the wrong type.
    """
    try:
        # Not strict, because protobuf's JSON writes 64-bit integers as strings and clients send either form.
        return msgspec.json.decode(body, type=shape, strict=False)
    except msgspec.ValidationError as error:
        # MLflow's own server answers 200 to some of these and loses what was sent; no client depends on that.
        raise _refusal(error, parsed(body)) from None
    except (msgspec.DecodeError, RecursionError) as error:
        return _decode_numbers(body, shape, error)


def _decode_numbers(body: bytes, shape: type[S], error: Exception) -> S:
    """Read the bare NaN and Infinity that Python's `json` writes; any other fault is the client's."""
    values = parsed(body)
    if values is None:
        raise InvalidRequest(f"Request body is not JSON: {error}")
    return convert(values, shape)


def parsed(body: bytes) -> object:
    """Return what a text of JSON says, or None when it is none or has what is no character."""
    try:
        values: object = json.loads(body)
        # Python reads half of a surrogate pair, which is no character and cannot be stored.
        json.dumps(values, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return None
    return values


def convert(values: object, shape: type[S]) -> S:
    """Return values that came from JSON or from a query as a struct.

    Raises:
        InvalidRequest: a value has the wrong type.
    """
    try:
        return msgspec.convert(values, shape, strict=False)
    except msgspec.ValidationError as error:
        raise _refusal(error, values) from None


def read_query(request: Request, shape: type[S]) -> S:
    """Return the query parameters of a request as a struct; a list's parameter may be repeated.

    Raises:
        InvalidRequest: a value has the wrong type.
    """
    # In a query all is text and a list of one looks like a text, so the struct says which is which.
    lists, flags = _list_fields(shape)
    query = request.query_params
    values: dict[str, object] = {key: query.getlist(key) if key in lists else query[key] for key in query}
    # Read strictly, as MLflow does: a decoder's own leniency would take "1" and "yes" for true.
    for name in flags & values.keys():
        if str(values[name]).lower() not in ("true", "false"):
            raise InvalidRequest(f"Invalid boolean value: {values[name]}, must be 'true' or 'false'.")
    return convert(values, shape)


@cache
def _list_fields(shape: type[msgspec.Struct]) -> tuple[frozenset[str], frozenset[str]]:
    """Return the names of the struct's lists and of its booleans."""
    fields = msgspec.structs.fields(shape)
    lists = frozenset(field.name for field in fields if getattr(field.type, "__origin__", None) is list)
    return lists, frozenset(field.name for field in fields if field.type == bool | None)


def check_required(asked: msgspec.Struct) -> None:
    """Refuse a request that leaves out what it must have; a value may be an empty text, a name may not.

    Raises:
        InvalidRequest: something is missing.
    """
    for name in cast("tuple[str, ...]", getattr(type(asked), "required", ())):
        value = getattr(asked, name)
        # MLflow's rule is "must be given", but an empty id or name never finds anything, and this sentence
        # says why.
        if value is None or (value == "" and name != "value"):
            raise missing(name)


def missing(name: str) -> InvalidRequest:
    """Return the error for a required parameter that is not there."""
    return InvalidRequest(
        f"Missing value for required parameter '{name}'."
        " See the API docs for more information about request parameters."
    )


def invalid(name: str, value: object, why: str) -> InvalidRequest:
    """Return the error for a parameter's value, which is shown shortened."""
    shown = "***" if any(word in name for word in _HIDDEN) else json.dumps(value, default=str)
    shown = shown if len(shown) <= _SHOWN else shown[:_SHOWN] + "…"
    return InvalidRequest(f"Invalid value {shown} for parameter '{name}' supplied: {why}")


def _refusal(error: msgspec.ValidationError, values: object) -> InvalidRequest:
    match = _PLACE.fullmatch(str(error))
    if not match or not isinstance(values, Mapping):
        return InvalidRequest(f"Request body does not fit: {error}")
    name = re.split(r"[.\[]", match["path"])[0]
    where = "" if match["path"] == name else f" at {match['path']}"
    return invalid(name, values.get(name), f"{match['what']}{where}")


def by_name(enumeration: object, value: str | int | None, default: str) -> str:
    """Return the name of an enumeration's member that was given by name or by number.

    Raises:
        InvalidRequest: there is no member of that number.
    """
    if isinstance(value, int):
        # Protobuf reads both forms; clients of other languages send numbers.
        name = NUMBERS[enumeration].get(value)
        if name is None:
            raise InvalidRequest(f"Invalid value {value}: the numbers are {sorted(NUMBERS[enumeration])}")
        return name
    return value or default


def wire_number(value: float) -> float:
    """Return a double as it is written: NaN and infinities as the strings that MLflow's clients read."""
    if math.isfinite(value):
        return value
    # The structs say float, as the protocol's descriptors do; only JSON itself lacks these numbers.
    return cast("float", "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity")


def answer(content: msgspec.Struct | None) -> Response:
    """Return a struct as a JSON response; None is the empty object."""
    return Response(_ENCODER.encode(content) if content else b"{}", media_type="application/json")


def refuse(error: RopewalkError) -> Response:
    """Return an error as the object that MLflow's clients turn into their exception."""
    status, code = next(_ENVELOPES[parent] for parent in type(error).__mro__ if parent in _ENVELOPES)
    # Clients show the message only, so what was meant and what to do next go into it.
    meant = f"did you mean {error.nearest}?" if error.nearest else ""
    more = " ".join(filter(None, (meant, error.hint)))
    message = f"{error.message} ({more})" if more else error.message
    # Newer servers add `sqlstate` and `error_class`, which no client needs, and tests of older ones compare the whole.
    body = {"error_code": code, "message": message}
    return Response(_ENCODER.encode(body), status_code=status, media_type="application/json")
