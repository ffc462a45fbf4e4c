"""Claims about signatures: which values fit which columns, and how misfits are told."""

from __future__ import annotations

import pytest

from ropewalk.devops.serving.errors import BadPayload, MissingColumn, ModelNotServable, WrongValue
from ropewalk.devops.serving.payload import Frame
from ropewalk.devops.serving.signature import Column, Signature, read_signature

SIGNATURE = Signature((Column("hour", "long"), Column("distance", "double"), Column("carrier", "string")))


def frame(**columns: list[object]) -> Frame:
    return Frame(list(columns), list(columns.values()), len(next(iter(columns.values()))))


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("double", [1, 1.5, None, -(10**12)]),
        ("float", [1, 0.5, None]),
        ("long", [1, 2.0, -(2**63) + 1]),
        ("integer", [0, 2**31 - 1]),
        ("boolean", [True, False]),
        ("string", ["", "x", None]),
        ("datetime", ["2013-07-01T05:00:00", None]),
    ],
)
def test_fitting_values_pass(kind: str, values: list[object]) -> None:
    """Whole numbers fit everywhere a number does, and missing values where MLflow lets them."""
    Column("x", kind).check(values)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("double", "1"),
        ("double", True),
        ("double", [1]),
        ("double", 10**400),
        ("float", {}),
        ("long", 1.5),
        ("long", None),
        ("long", True),
        ("long", 2**63),
        ("long", 1e19),
        ("integer", 2**31),
        ("boolean", 1),
        ("boolean", None),
        ("boolean", "true"),
        ("string", 1),
        ("string", False),
        ("datetime", 20130701),
    ],
)
def test_misfits_are_refused_with_row_and_column(kind: str, value: object) -> None:
    """The error names the row, the column and the value."""
    good = {"string": "x", "datetime": "2013-07-01", "boolean": True}.get(kind, 1)

    with pytest.raises(WrongValue, match=r"row 1, column 'x': .* is not "):
        Column("x", kind).check([good, value])


def test_a_missing_value_fits_a_column_that_had_some() -> None:
    """`required: false` in the signature says that the training saw missing values."""
    Column("x", "long", required=False).check([1, None])


@pytest.mark.parametrize(
    ("kind", "hint"),
    [
        ("integer", "a column of type integer takes whole numbers from -2147483647 to 2147483647"),
        ("double", "it is too large; write it in floating point, such as 1e30"),
    ],
)
def test_a_number_that_is_too_large_has_a_hint(kind: str, hint: str) -> None:
    """A number is not said to be none without the reason."""
    with pytest.raises(WrongValue) as caught:
        Column("x", kind).check([10**30])

    assert caught.value.hint == hint


def test_a_string_for_a_number_has_a_hint() -> None:
    """The commonest mistake gets the advice that mends it."""
    with pytest.raises(WrongValue) as caught:
        Column("x", "double").check(["12"])

    assert caught.value.hint == "send numbers without quotes"


def test_columns_come_in_the_models_order() -> None:
    """Named columns may come in any order and beside others."""
    selected = SIGNATURE.select(frame(carrier=["UA"], flight_id=[9], hour=[1], distance=[2.0]))

    assert selected == [[1], [2.0], ["UA"]]


def test_a_missing_column_is_named_with_the_nearest() -> None:
    """A misspelt column is not a column of missing values."""
    with pytest.raises(MissingColumn, match="'distance' is missing") as caught:
        SIGNATURE.select(frame(hour=[1], distanse=[1.0], carrier=["UA"]))

    assert caught.value.nearest == "distanse"


def test_all_missing_columns_are_listed() -> None:
    """Who lacks several columns is told of all at once."""
    with pytest.raises(MissingColumn) as caught:
        SIGNATURE.select(frame(hour=[1]))

    assert caught.value.detail == "missing in all: distance, carrier"


@pytest.mark.parametrize("value", [[1], {"a": 1}, 2**63])
def test_what_cannot_be_recorded_is_refused(value: object) -> None:
    """Columns beside the model's are recorded, so they must be plain values."""
    with pytest.raises(WrongValue, match="row 0, column 'extra'"):
        SIGNATURE.select(frame(hour=[1], distance=[1.0], carrier=["UA"], extra=[value]))


def test_rows_without_names_must_have_the_models_width() -> None:
    """Lists of values fit when there are as many as the model has columns."""
    assert SIGNATURE.select(Frame(None, [(1,), (2.0,), ("UA",)], 1)) == [(1,), (2.0,), ("UA",)]

    with pytest.raises(BadPayload, match="need 3 values, and these have 2"):
        SIGNATURE.select(Frame(None, [(1,), (2.0,)], 1))


def test_a_signature_is_read_from_mlflows_text() -> None:
    """Types and whether values may be missing come from the MLmodel file."""
    text = '[{"type": "long", "name": "hour", "required": true}, {"type": "double", "name": "wind", "required": false}]'

    found = read_signature(text, [])

    assert found == Signature((Column("hour", "long"), Column("wind", "double", required=False)))
    assert [found.is_number(name) for name in ("hour", "other")] == [True, None]


@pytest.mark.parametrize(
    "text", [None, '[{"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1, 2]}}]']
)
def test_a_model_of_bare_arrays_takes_numbers(text: str | None) -> None:
    """Without named columns the booster's own feature names stand in."""
    found = read_signature(text, ["Column_0", "Column_1"])

    assert found == Signature((Column("Column_0", "double"), Column("Column_1", "double")), named=False)


@pytest.mark.parametrize("text", ['[{"type": "binary", "name": "x"}]', '[{"type": "double"}]'])
def test_types_that_no_request_carries_are_not_servable(text: str) -> None:
    """A model that takes bytes, or columns without names, is refused when it is deployed."""
    with pytest.raises(ModelNotServable):
        read_signature(text, [])
