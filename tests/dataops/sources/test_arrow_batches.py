"""Python's values as Arrow's: exactly, or as text."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pyarrow as pa
import pytest

from ropewalk.dataops.sources.arrow_batches import ArrowBatches

NAIVE = dt.datetime.fromisoformat("2013-01-01T05:00:00")
ZONED = dt.datetime(2013, 1, 1, 5, tzinfo=dt.UTC)


def column(*values: object) -> tuple[pa.DataType, list[object]]:
    """Return the type and the values that a column of `values` comes out with."""
    table = ArrowBatches(["a"]).table([(value,) for value in values])
    return table.schema.field("a").type, table["a"].to_pylist()


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([True, None], pa.bool_()),
        ([1, -(2**63) + 1], pa.int64()),
        ([1.5, None], pa.float64()),
        (["a", ""], pa.string()),
        ([b"\0", b""], pa.binary()),
        ([NAIVE, None], pa.timestamp("us")),
        ([ZONED], pa.timestamp("us", "UTC")),
        ([dt.date(2013, 1, 1)], pa.date32()),
        ([dt.time(5, 15)], pa.time64("us")),
    ],
)
def test_values_of_one_type(values: list[object], kind: pa.DataType) -> None:
    """They come out as they went in; None is no value."""
    found = column(*values)

    assert found[0] == kind
    assert found[1] == values


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ([1, "a"], ["1", "a"]),
        ([True, 1], ["True", "1"]),
        ([2**63, 1], ["9223372036854775808", "1"]),
        ([2**53 + 1, 0.5], ["9007199254740993", "0.5"]),
        ([Decimal("1E+3"), Decimal("0.10")], ["1000", "0.10"]),
        ([[1, "ü"], {"a": None}], ['[1, "ü"]', '{"a": null}']),
        ([(1, dt.date(2013, 1, 1)), None], ['[1, "2013-01-01"]', None]),
        ([bytearray(b"\x01\xff"), memoryview(b"\x02")], ["01ff", "02"]),
        ([NAIVE, ZONED], ["2013-01-01 05:00:00", "2013-01-01 05:00:00+00:00"]),
        ([dt.time(5, tzinfo=dt.UTC)], ["05:00:00+00:00"]),
        ([dt.date(2013, 1, 1), NAIVE], ["2013-01-01", "2013-01-01 05:00:00"]),
        ([dt.timedelta(hours=1)], ["1:00:00"]),
    ],
)
def test_values_that_have_no_type_in_common(values: list[object], texts: list[str]) -> None:
    """Nothing is rounded, and no zone is made up or lost: they are texts."""
    assert column(*values) == (pa.string(), texts)


def test_whole_numbers_among_floats() -> None:
    """They are floats where each is one exactly."""
    assert column(2**53, 0.5, None) == (pa.float64(), [float(2**53), 0.5, None])


def test_times_of_several_zones_are_instants() -> None:
    """What is kept is the moment."""
    east = dt.datetime(2013, 1, 1, 7, tzinfo=dt.timezone(dt.timedelta(hours=2)))

    kind, values = column(ZONED, east)

    assert kind == pa.timestamp("us", "UTC")
    assert values == [ZONED, ZONED]


def test_columns_without_a_value_wait() -> None:
    """A batch leaves them out; what never had one comes at the end, as text."""
    batches = ArrowBatches(["a", "b", "c"])

    assert batches.table([(1, None, None), (2, None, None)]).column_names == ["a"]
    assert batches.table([(None, "x", None)]).column_names == ["b"]
    rest = batches.rest()

    assert rest is not None
    assert (rest.column_names, rest.num_rows) == (["c"], 0)


def test_rows_without_any_value_are_rows() -> None:
    """Their number is kept, and nothing is left over when all columns had a value."""
    batches = ArrowBatches(["a"])

    assert batches.table([(None,), (None,)]).num_rows == 2
    batches.table([(1,)])
    assert batches.rest() is None


@pytest.mark.parametrize("rows", [[(1, 2), (3,)], [(1,)], [(1, 2, 3)]])
def test_rows_of_another_width_are_refused(rows: list[tuple[int, ...]]) -> None:
    """A value never lands in a neighbour's column."""
    with pytest.raises(ValueError, match="zip"):
        ArrowBatches(["a", "b"]).table(rows)
