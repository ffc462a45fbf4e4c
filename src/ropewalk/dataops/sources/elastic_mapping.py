"""The types of an index's mapping as types of the lake's columns.

Every field of a document may hold a list, whatever its type says; such a value is kept as JSON text in a column of
texts, and does not fit any other. Source of the types: the pages "Field data types" of both projects.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ropewalk.dataops.lake import quote
from ropewalk.dataops.sources.plain_columns import EXACT, ZONED

JSON, TEXT = "JSON", "VARCHAR"
_TYPES = {
    "long": "BIGINT", "integer": "INTEGER", "short": "SMALLINT", "byte": "TINYINT", "unsigned_long": EXACT,
    "double": "DOUBLE", "float": "DOUBLE", "half_float": "DOUBLE", "scaled_float": "DOUBLE", "rank_feature": "DOUBLE",
    "boolean": "BOOLEAN", "date": ZONED,
    "text": TEXT, "keyword": TEXT, "constant_keyword": TEXT, "wildcard": TEXT, "match_only_text": TEXT,
    "search_as_you_type": TEXT, "annotated_text": TEXT, "ip": TEXT, "version": TEXT, "binary": TEXT,
    # Cut at the microsecond in a column of times; as text nothing is lost.
    "date_nanos": TEXT,
    "dense_vector": "FLOAT[]", "knn_vector": "FLOAT[]",
}  # fmt: skip
# Fields that are not in the documents.
_ABSENT = frozenset({"alias"})
_WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT")
_READABLE_DATES = re.compile(
    r"(strict_)?date(_optional_time)?(_nanos)?(_time)?(_time_no_millis)?|epoch_(millis|second)|iso8601"
)
_DIGITS = "regexp_full_match({0}, '-?\\d{{5,}}')"


@dataclass(frozen=True)
class MappedField:
    """A field at the top of documents.

    Attributes:
        name: of the field.
        type: of its column.
        epoch: how many parts a second has in which a number counts, for fields of times.
    """

    name: str
    type: str
    epoch: int = 0

    @property
    def sql(self) -> str:
        """The SQL of the value as it is handed on, from a column of JSON."""
        column = quote(self.name)
        if self.is_nested:
            return column
        text = f"({column} ->> '$')"
        if not self.epoch:
            return text
        # The cluster takes numbers and texts of numbers for times since 1970, and four digits for a year.
        moment = f"make_timestamptz(CAST({text} AS BIGINT) * {1_000_000 // self.epoch})"
        return (
            f"CASE WHEN {_DIGITS.format(text)} THEN CAST({moment} AS {TEXT}) "
            f"WHEN regexp_full_match({text}, '\\d{{4}}') THEN {text} || '-01-01' "
            f"WHEN regexp_full_match({text}, '\\d{{4}}-\\d{{2}}') THEN {text} || '-01' ELSE {text} END"
        )

    @property
    def is_nested(self) -> bool:
        """Whether the value is a list or an object, so that its JSON is handed on; else its text is."""
        return (
            self.type == JSON or self.type.startswith(("STRUCT", "MAP", "UNION")) or self.type.endswith("]")
        )

    @property
    def arrives_as(self) -> str:
        """The type of `sql`."""
        return JSON if self.is_nested else TEXT


def mapped_fields(mappings: Iterable[Mapping[str, Any]]) -> dict[str, MappedField]:
    """Return the fields of the mappings of one or more indices, by name; where these disagree, text or JSON."""
    found: dict[str, MappedField] = {}
    for mapping in mappings:
        for name, about in mapping.get("properties", {}).items():
            kind = about.get("type", "object")
            if kind in _ABSENT:
                continue
            field = _field(name, kind, about)
            found[name] = _common(found[name], field) if name in found else field
    return found


def knows_all_fields(mappings: Iterable[Mapping[str, Any]]) -> bool:
    """Return whether documents can have no fields at their top but those of the mappings.

    They can when the cluster does not learn new ones, and when a field of an object may be written with a dot.
    """
    return all(
        str(mapping.get("dynamic", True)).lower() in {"true", "strict"}
        and not any(
            "." in name or "properties" in about for name, about in mapping.get("properties", {}).items()
        )
        for mapping in mappings
    )


def _field(name: str, kind: str, about: Mapping[str, Any]) -> MappedField:
    if kind != "date":
        return MappedField(name, _TYPES.get(kind, JSON))
    formats = str(about.get("format", "strict_date_optional_time||epoch_millis")).split("||")
    if not all(_READABLE_DATES.fullmatch(part) for part in formats):
        return MappedField(name, TEXT)
    return MappedField(name, ZONED, 1 if "epoch_second" in formats else 1000)


def _common(one: MappedField, other: MappedField) -> MappedField:
    if one.type == other.type:
        return one if one.epoch == other.epoch else MappedField(one.name, TEXT)
    kinds = {one.type, other.type}
    if kinds <= {*_WHOLE}:
        return MappedField(one.name, max(kinds, key=_WHOLE.index))
    if kinds <= {*_WHOLE, "DOUBLE"} and "BIGINT" not in kinds:
        return MappedField(one.name, "DOUBLE")
    return MappedField(one.name, JSON if JSON in kinds else TEXT)
