"""Where the pages of one walk start: an address, parameters and a body in which every gap is filled."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from ropewalk.dataops.sources.entries import Overlap
from ropewalk.dataops.sources.errors import InvalidResource, InvalidSource
from ropewalk.dataops.sources.redact import redact_url
from ropewalk.dataops.sources.rest_declarations import START, Asked, FieldCursor
from ropewalk.dataops.sources.secrets import resolve_nested, resolve_secrets
from ropewalk.errors import Place, nearest

GAP = re.compile(r"\{parent\.(?P<field>[\w.]+)\}")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


@dataclass(frozen=True)
class Route:
    """The first request of a walk, and how the pages after it are found.

    Attributes:
        source: the declaration.
        url: the address.
        params: query parameters of the first page: the declared ones and the watermark.
        body: what is posted, if anything is.
        lead: what is put at the head of each record: the bytes of fields of the parent, with a comma at the end.
    """

    source: Asked
    url: str
    params: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)
    lead: bytes = b""

    @property
    def shown(self) -> str:
        """The address as it may be shown."""
        return redact_url(self.url)


def first_route(
    source: Asked, watermark: str | None, place: Place, row: Mapping[str, Any] | None = None
) -> Route:
    """Return the route of `source` from `watermark` on, for a row of its parent if it has one.

    Raises:
        SecretMissing: a parameter's secret is not there.
        InvalidResource: the parent's row has no value for a gap.
        InvalidSource: the watermark has no time or number from which the overlap could be taken.
    """
    start = start_value(source.cursor, watermark, place)
    fill = _Filling(row or {}, start, place)
    params = {
        key: fill.text(_plain(value)) for key, value in source.params.items() if not _waits(value, start)
    }
    if source.cursor and source.cursor.param and start is not None:
        params[source.cursor.param] = start
    return Route(
        source,
        fill.path(source.url or ""),
        resolve_secrets(params),
        fill.values(_resolved(source.json_body)),
    )


def start_value(cursor: FieldCursor | None, watermark: str | None, place: Place) -> str | None:
    """Return the value that newer records are asked for by, None at first when nothing else is declared.

    Raises:
        InvalidSource: it is neither a time nor a number, and an overlap is declared.
    """
    if cursor is None:
        return None
    if watermark is None:
        return None if cursor.initial is None else _plain(cursor.initial)
    return watermark if cursor.overlap is None else before(watermark, cursor.overlap, place)


def before(watermark: str, overlap: Overlap, place: Place) -> str:
    """Return the value that lies `overlap` before `watermark`, written as the source wrote that.

    Raises:
        InvalidSource: there is no such value.
    """
    try:
        if not isinstance(overlap, str):
            return _less(watermark, overlap)
        step = timedelta(**{_UNITS[overlap[-1]]: int(overlap[:-1])})
        if re.fullmatch(r"\d{9,11}(\.\d+)?", watermark):
            return str(int(float(watermark) - step.total_seconds()))
        return _like(datetime.fromisoformat(watermark) - step, watermark)
    except (ValueError, ArithmeticError) as error:
        raise InvalidSource(
            f"overlap {overlap!r}: the cursor's value {watermark!r} is none that it could be taken from",
            place=place,
            hint="a length of time fits times in ISO 8601 and Unix seconds, a number fits numbers",
        ) from error


def _less(watermark: str, overlap: float) -> str:
    # Not a float: it would round the long numbers that many services make of their ids.
    number = Decimal(watermark) - Decimal(str(overlap))
    if not number.is_finite():
        raise ValueError(watermark)
    return (
        str(int(number)) if number == number.to_integral_value() and "." not in watermark else f"{number:f}"
    )


def _like(time: datetime, text: str) -> str:
    if re.fullmatch(r"\d{8}", text):
        return time.date().isoformat().replace("-", "")
    if not re.match(r"\d{4}-\d{2}-\d{2}", text):
        # Python reads more than that, as 13 digits of milliseconds for a date and a time.
        raise ValueError(text)
    if len(text) == len("2013-01-01"):
        return time.date().isoformat()
    separator = text[len("2013-01-01")]
    digits = "milliseconds" if re.search(r"\.\d{3}(?!\d)", text) else "auto"
    written = time.isoformat(separator, timespec=digits)
    return written.replace("+00:00", "Z") if text.endswith("Z") else written


class _Filling:
    """Fills the gaps of a declaration with the values of one row and of the cursor."""

    def __init__(self, row: Mapping[str, Any], start: str | None, place: Place) -> None:
        self.row = row
        self.start = start
        self.place = place

    def path(self, url: str) -> str:
        """Return an address; a value cannot lead out of its place in it."""
        return GAP.sub(lambda gap: quote(self._value(gap["field"]), safe=""), url)

    def text(self, text: str) -> str:
        """Return a text."""
        filled = GAP.sub(lambda gap: self._value(gap["field"]), text)
        return filled.replace(START, self.start or "")

    def values(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return a body; what waits for a cursor's value is left out while there is none."""
        return {key: self._any(value) for key, value in body.items() if not _waits(value, self.start)}

    def _any(self, value: Any) -> Any:  # JSON of whatever shape
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return self.values(value)
        return [self._any(inner) for inner in value] if isinstance(value, list) else value

    def _value(self, name: str) -> str:
        value = self.row.get(name)
        if value is None:
            raise InvalidResource(
                f"a row of the parent has no value for {{parent.{name}}}",
                place=self.place,
                nearest=nearest(name, self.row),
                hint="make a table of the rows that have one, and name it as the parent",
            )
        return _plain(value)


def gaps(source: Asked) -> list[str]:
    """Return the fields of its parent that a declaration takes, each once."""
    texts = str([source.url, source.params, source.json_body])
    return list(dict.fromkeys(found["field"] for found in GAP.finditer(texts)))


def _resolved(body: Mapping[str, Any]) -> Mapping[str, Any]:
    # A secret may well be posted; a mapping stays one.
    return dict(resolve_nested(body) or {})  # type: ignore[call-overload, no-any-return]


def _waits(value: object, start: str | None) -> bool:
    return start is None and isinstance(value, str) and START in value


def _plain(value: object) -> str:
    # As an address has them: true, not True.
    return str(value).lower() if isinstance(value, bool) else str(value)
