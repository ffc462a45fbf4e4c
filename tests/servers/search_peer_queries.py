"""What the peer of a search cluster knows of queries, sorting and mappings."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
WHOLE = {"long", "integer", "short", "byte", "unsigned_long"}
DECIMAL = {"double", "float", "half_float", "scaled_float"}


@dataclass
class Refused(Exception):
    """A request that the cluster refuses, and the way it says so."""

    status: int
    kind: str
    reason: str

    def as_json(self) -> dict[str, Any]:
        """Return the error JSON."""
        cause = {"type": self.kind, "reason": self.reason}
        return {"error": {"root_cause": [cause], **cause}, "status": self.status}


def matches(query: dict[str, Any], id_: str, source: dict[str, Any]) -> bool:
    """Return whether a document meets a query."""
    if len(query) != 1:
        raise Refused(400, "parsing_exception", "[bool] malformed query, expected one key")
    (kind, body), = query.items()  # fmt: skip
    match kind:
        case "match_all":
            return True
        case "ids":
            return id_ in body["values"]
        case "term" | "terms" | "range" | "exists":
            return _leaf(kind, body, source)
        case "bool":
            return _boolean(body, id_, source)
        case _:
            raise Refused(400, "parsing_exception", f"unknown query [{kind}]")


def _boolean(body: dict[str, Any], id_: str, source: dict[str, Any]) -> bool:
    clauses = {key: value if isinstance(value, list) else [value] for key, value in body.items()}
    if unknown := clauses.keys() - {"must", "filter", "must_not", "should"}:
        raise Refused(400, "x_content_parse_exception", f"[bool] unknown field {sorted(unknown)}")
    needed = all(
        matches(part, id_, source) for part in [*clauses.get("must", []), *clauses.get("filter", [])]
    )
    banned = any(matches(part, id_, source) for part in clauses.get("must_not", []))
    should = clauses.get("should", [])
    return needed and not banned and (not should or any(matches(part, id_, source) for part in should))


def _leaf(kind: str, body: dict[str, Any], source: dict[str, Any]) -> bool:
    if kind == "exists":
        return bool(_values(source, body["field"]))
    (field, wanted), = body.items()  # fmt: skip
    values = _values(source, field)
    if kind == "term":
        return (wanted["value"] if isinstance(wanted, dict) else wanted) in values
    if kind == "terms":
        return any(value in wanted for value in values)
    if unknown := wanted.keys() - {"gt", "gte", "lt", "lte", "format", "time_zone"}:
        raise Refused(400, "parsing_exception", f"[range] query does not support {sorted(unknown)}")
    return any(_in_range(value, wanted) for value in values)


def _values(source: dict[str, Any], field: str) -> list[Any]:
    value: Any = source
    for part in field.removesuffix(".keyword").split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return [] if value is None else value if isinstance(value, list) else [value]


def _in_range(value: Any, wanted: dict[str, Any]) -> bool:
    compare = {
        "gt": lambda a, b: a > b, "gte": lambda a, b: a >= b, "lt": lambda a, b: a < b, "lte": lambda a, b: a <= b,
    }  # fmt: skip
    for name, limit in wanted.items():
        if name in compare and not compare[name](*_comparable(value, limit)):
            return False
    return True


def _comparable(value: Any, limit: Any) -> tuple[Any, Any]:
    if isinstance(limit, str) and re.match(r"\d{4}-", limit):
        return _time(value), _time(limit)
    if isinstance(value, int | float):
        return value, float(limit)
    return value, limit


def _time(value: Any) -> datetime:
    """Return the time that a value is, with the date math that ranges allow: `2013-01-01||-5m`."""
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value / 1000, UTC)
    text, _, math = str(value).partition("||")
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise Refused(400, "parse_exception", f"failed to parse date field [{value}]") from None
    time = time if time.tzinfo else time.replace(tzinfo=UTC)
    for sign, number, unit in re.findall(r"([+-])(\d+)([smhdw])", math):
        step = timedelta(**{UNITS[unit]: int(number)})
        time = time + step if sign == "+" else time - step
    return time


def sort_values(
    sort: Any, row: tuple[str, str, dict[str, Any], int], is_point: bool, has_shard_doc: bool
) -> list[Any]:
    """Return what a document is sorted by; with a point in time the tie-breaker comes last, unless it is named."""
    name, id_, source, tie = row
    parts = sort if isinstance(sort, list) else [sort] if sort else []
    fields = [part if isinstance(part, str) else next(iter(part)) for part in parts]
    if "_shard_doc" in fields and not (has_shard_doc and is_point):
        raise Refused(400, "query_shard_exception", "No mapping found for [_shard_doc] in order to sort on")
    known = {"_shard_doc": tie, "_doc": tie & 0xFFFFFFFF, "_id": id_, "_index": name}
    values = [
        known[field] if field in known else next(iter(_values(source, field)), None) for field in fields
    ]
    is_implicit = is_point and has_shard_doc and "_shard_doc" not in fields
    return [*values, tie] if is_implicit else values


def check_document(mapping: dict[str, Any], source: dict[str, Any], is_elastic: bool) -> None:
    """Hold a document against the mapping, which learns the fields that are new."""
    properties = mapping.setdefault("properties", {})
    for field, value in source.items():
        head, dot, _ = field.partition(".")
        if dot and "properties" in properties.get(head, {}):
            # A field of an object that is written with a dot: the mapping knows it below the object.
            continue
        if field not in properties:
            if mapping.get("dynamic") == "strict":
                raise Refused(
                    400,
                    "strict_dynamic_mapping_exception",
                    f"mapping set to strict, dynamic introduction of [{field}] within [_doc] is not allowed",
                )
            if value is not None and mapping.get("dynamic") not in {False, "false"}:
                properties[field] = _learn(value)
            continue
        for part in value if isinstance(value, list) else [value]:
            _check_value(field, properties[field], part, is_elastic)


def _check_value(field: str, about: dict[str, Any], value: Any, is_elastic: bool) -> None:
    kind = about.get("type", "object")
    if value is None:
        return
    fits = (
        _is_number(value) if kind in WHOLE | DECIMAL
        else value in {True, False, "true", "false"} if kind == "boolean"
        else isinstance(value, dict) if kind == "object"
        else True
    )  # fmt: skip
    if not fits:
        refusal = "document_parsing_exception" if is_elastic else "mapper_parsing_exception"
        raise Refused(400, refusal, f"failed to parse field [{field}] of type [{kind}]")


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return not isinstance(value, bool)


def _learn(value: Any) -> dict[str, Any]:
    sample = value[0] if isinstance(value, list) and value else value
    match sample:
        case bool():
            return {"type": "boolean"}
        case int():
            return {"type": "long"}
        case float():
            return {"type": "float"}
        case dict():
            return {"properties": {key: _learn(inner) for key, inner in sample.items() if inner is not None}}
        case str() if re.match(r"\d{4}-\d{2}-\d{2}", sample):
            return {"type": "date"}
        case _:
            return {"type": "text", "fields": {"keyword": {"type": "keyword", "ignore_above": 256}}}
