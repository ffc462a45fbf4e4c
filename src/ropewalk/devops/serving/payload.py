"""Request bodies as tables: MLflow's four JSON shapes, and CSV.

Whatever the shape, a body becomes a `Frame`: named columns of equal length. Nothing is guessed: a body that is
not clearly a table is refused with the reason.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from ropewalk.devops.serving.errors import BadPayload, UnknownMediaType, WrongValue
from ropewalk.errors import nearest

Values = Sequence[object]
SHAPES = ("dataframe_split", "dataframe_records", "instances", "inputs")
_SPLIT_KEYS = {"columns", "data", "index"}
# Every name becomes a column of the lake, and stays one.
_LONGEST_NAME = 255
# Letters of a number in CSV; what else Python's `float` would take is no number to a person.
_NUMERIC = frozenset("0123456789+-.eE")
# Some editors and shells write it before UTF-8; CSV may have it as well.
_MARK = b"\xef\xbb\xbf"
_EXAMPLE = 'such as {"dataframe_split": {"columns": ["a", "b"], "data": [[1, 2], [3, 4]]}}'


@dataclass(frozen=True)
class Frame:
    """The rows of a request, column by column.

    Attributes:
        names: name of each column; None for rows without names, which follow the model's order.
        columns: the values of each column.
        rows: how many rows there are, at least one.
    """

    names: Sequence[str] | None
    columns: Sequence[Values]
    rows: int


def parse_body(body: bytes, media_type: str, is_number: Callable[[str], bool | None]) -> Frame:
    """Return the table that a request body holds.

    Args:
        body: the bytes as they arrived.
        media_type: the Content-Type header, empty when there is none.
        is_number: for CSV, whether a column holds numbers or booleans (True), text (False), or is unknown (None).

    Raises:
        UnknownMediaType: neither JSON nor CSV.
        BadPayload: not a table.
        WrongValue: the rows do not all have the same columns.
    """
    kind = media_type.partition(";")[0].strip().lower()
    if kind == "text/csv":
        return _parse_csv(body, is_number)
    if kind in {"", "application/json", "application/x-www-form-urlencoded"}:
        # curl's -d sends a form's type unless told otherwise; the body says what it is.
        return _parse_json(body)
    raise UnknownMediaType(
        f"Content-Type {kind!r} is not understood", hint="send application/json or text/csv"
    )


def _parse_json(body: bytes) -> Frame:
    if not body.strip():
        raise BadPayload("the request body is empty", hint=f"send a table, {_EXAMPLE}")
    try:
        # Strict JSON: NaN, comments and trailing commas are refused here.
        payload = msgspec.json.decode(body.removeprefix(_MARK))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadPayload(f"the request body is not JSON: {error}", hint=_json_hint(body)) from error
    if not isinstance(payload, dict):
        raise BadPayload("the request body must be a JSON object", hint=_EXAMPLE)
    if payload.pop("params", None):
        raise BadPayload("this model takes no params", hint="leave 'params' out")
    return _READERS[_shape_of(payload)](payload)


def _json_hint(body: bytes) -> str | None:
    if body.startswith(b"\x1f\x8b"):
        return "the body is compressed; send it as it is"
    if body.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in body[:4]:
        return "JSON is sent in UTF-8"
    if b"NaN" in body or b"Infinity" in body:
        return "NaN and Infinity are not JSON; write null for a missing value"
    return None


def _shape_of(payload: Mapping[str, object]) -> str:
    present = [shape for shape in SHAPES if shape in payload]
    if len(present) == 1 and len(payload) == 1:
        return present[0]
    unknown = [key for key in payload if key not in SHAPES]
    if unknown:
        raise BadPayload(
            f"key {unknown[0]!r} is not understood",
            nearest=nearest(unknown[0], SHAPES),
            hint=f"send exactly one of {', '.join(SHAPES)}",
        )
    raise BadPayload(f"send exactly one of {', '.join(SHAPES)}", hint=_EXAMPLE)


def _read_split(payload: Mapping[str, object]) -> Frame:
    split = payload["dataframe_split"]
    if not isinstance(split, dict) or "columns" not in split or "data" not in split:
        raise BadPayload("dataframe_split must have 'columns' and 'data'", hint=_EXAMPLE)
    unknown = sorted(split.keys() - _SPLIT_KEYS)
    if unknown:
        raise BadPayload(f"dataframe_split has the unknown key {unknown[0]!r}", hint=_EXAMPLE)
    names = _check_names(split["columns"])
    return _from_rows(names, split["data"], "dataframe_split")


def _read_records(payload: Mapping[str, object]) -> Frame:
    return _from_records(payload["dataframe_records"], "dataframe_records")


def _read_instances(payload: Mapping[str, object]) -> Frame:
    return _from_list(payload["instances"], "instances")


def _read_inputs(payload: Mapping[str, object]) -> Frame:
    inputs = payload["inputs"]
    if not isinstance(inputs, dict):
        return _from_list(inputs, "inputs")
    names = _check_names(list(inputs))
    columns = [value if isinstance(value, list) else [value] for value in inputs.values()]
    lengths = dict(zip(names, map(len, columns), strict=True))
    rows = next(iter(lengths.values()), 0)
    _refuse_empty(rows, "inputs")
    for name, length in lengths.items():
        if length != rows:
            raise BadPayload(f"column {name!r} has {length} values, and {names[0]!r} has {rows}")
    return Frame(names, columns, rows)


def _from_list(items: object, shape: str) -> Frame:
    if isinstance(items, list) and items and isinstance(items[0], dict):
        return _from_records(items, shape)
    return _from_rows(None, items, shape)


def _from_rows(names: Sequence[str] | None, rows: object, shape: str) -> Frame:
    if not isinstance(rows, list):
        raise BadPayload(f"the rows of {shape} must be a list of lists", hint=_EXAMPLE)
    _refuse_empty(len(rows), shape)
    width = len(names) if names is not None else _width(rows[0])
    # Two passes in C over all rows; the offending row is looked for only when there is one.
    if set(map(type, rows)) != {list} or set(map(len, rows)) != {width}:
        raise _ragged(rows, width, shape)
    return Frame(names, list(zip(*rows, strict=True)), len(rows))


def _width(row: object) -> int:
    return len(row) if isinstance(row, list) else 0


def _ragged(rows: list[object], width: int, shape: str) -> BadPayload:
    for index, row in enumerate(rows):
        if not isinstance(row, list):
            return BadPayload(f"row {index} of {shape} is not a list of values", hint=_EXAMPLE)
        if len(row) != width:
            return BadPayload(f"row {index} has {len(row)} values, and {width} are expected")
    raise AssertionError("called for rows of one width")


def _from_records(records: object, shape: str) -> Frame:
    if not isinstance(records, list):
        raise BadPayload(f"{shape} must be a list of objects")
    _refuse_empty(len(records), shape)
    for index, record in enumerate(records):
        if not isinstance(record, dict):
            raise BadPayload(f"row {index} of {shape} is not an object")
    names = _check_names(list(records[0]))
    expected = records[0].keys()
    for index, record in enumerate(records):
        if record.keys() != expected:
            name = min(record.keys() ^ expected)
            has = "has" if name in record else "does not have"
            raise WrongValue(
                f"row {index} {has} column {name!r}, unlike row 0", hint="write null for a missing value"
            )
    return Frame(names, [[record[name] for record in records] for name in names], len(records))


def _check_names(names: object) -> list[str]:
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        raise BadPayload("column names must be a list of non-empty strings")
    folded: dict[str, str] = {}
    for name in names:
        if "\0" in name or len(name) > _LONGEST_NAME:
            raise BadPayload(
                f"column {shown(name)} has no name that a table can have",
                hint=f"use at most {_LONGEST_NAME} characters, none of them NUL",
            )
        # Columns of the lake differ in more than case, so those of a request must.
        key = name.casefold()
        if key in folded:
            raise _repeated(folded[key], name)
        folded[key] = name
    return names


def shown(value: object) -> str:
    """Return a value as a client wrote it, cut to a length that fits a message."""
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= 60 else text[:57] + "..."


def _repeated(first: str, second: str) -> BadPayload:
    if first == second:
        return BadPayload(f"column {first!r} stands twice")
    return BadPayload(f"columns {first!r} and {second!r} differ only in case")


def _refuse_empty(rows: int, shape: str) -> None:
    if not rows:
        raise BadPayload(f"{shape} has no rows", hint=_EXAMPLE)


def _parse_csv(body: bytes, is_number: Callable[[str], bool | None]) -> Frame:
    try:
        text = body.decode("utf-8-sig")
        lines = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadPayload(f"the request body is not CSV in UTF-8: {error}") from error
    rows = [line for line in lines if line]
    if len(rows) < 2:
        raise BadPayload("the CSV needs a line of column names and at least one row")
    names = _check_names(rows[0])
    frame = _from_rows(names, rows[1:], "the CSV")
    columns = [
        [_read_field(field, is_number(name)) for field in values]
        for name, values in zip(names, frame.columns, strict=True)
    ]
    return Frame(names, columns, frame.rows)


def _read_field(field: object, is_number: bool | None) -> object:
    text = str(field)
    if not text:
        return None
    if is_number is False:
        return text
    if text.lower() in {"true", "false"}:
        return text.lower() == "true"
    if not set(text) <= _NUMERIC:
        return text
    try:
        return int(text)
    except ValueError:
        return _read_float(text)


def _read_float(text: str) -> object:
    try:
        number = float(text)
    except ValueError:
        return text
    return number if math.isfinite(number) else text


_READERS: dict[str, Callable[[Mapping[str, object]], Frame]] = {
    "dataframe_split": _read_split,
    "dataframe_records": _read_records,
    "instances": _read_instances,
    "inputs": _read_inputs,
}
