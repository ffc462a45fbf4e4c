"""Claims about request bodies: five shapes of one table, and one clear error for everything else."""

from __future__ import annotations

import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ropewalk.devops.serving.errors import BadPayload, UnknownMediaType, WrongValue
from ropewalk.devops.serving.payload import Frame, parse_body
from ropewalk.errors import RopewalkError


def parse(body: object, media_type: str = "application/json") -> Frame:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return parse_body(content, media_type, {"a": True, "b": False}.get)


def table(frame: Frame) -> dict[str, list[object]]:
    assert frame.names is not None
    return {name: list(values) for name, values in zip(frame.names, frame.columns, strict=True)}


@pytest.mark.parametrize(
    "body",
    [
        {"dataframe_split": {"columns": ["a", "b"], "data": [[1, "x"], [2, None]]}},
        {"dataframe_split": {"index": [0, 1], "columns": ["a", "b"], "data": [[1, "x"], [2, None]]}},
        {"dataframe_records": [{"a": 1, "b": "x"}, {"b": None, "a": 2}]},
        {"instances": [{"a": 1, "b": "x"}, {"a": 2, "b": None}]},
        {"inputs": {"a": [1, 2], "b": ["x", None]}},
        {"inputs": [{"a": 1, "b": "x"}, {"a": 2, "b": None}]},
        {"dataframe_split": {"columns": ["a", "b"], "data": [[1, "x"], [2, None]]}, "params": {}},
    ],
)
def test_every_shape_gives_the_same_table(body: object) -> None:
    """MLflow's four shapes are four ways to write one table."""
    frame = parse(body)

    assert table(frame) == {"a": [1, 2], "b": ["x", None]}
    assert frame.rows == 2


def test_csv_gives_the_same_table() -> None:
    """CSV fields are read by what the model says of their columns; an empty one is missing."""
    frame = parse(b"a,b,c\r\n1,x,7\r\n2,,a\r\n", "text/csv; charset=utf-8")

    assert table(frame) == {"a": [1, 2], "b": ["x", None], "c": [7, "a"]}


def test_text_columns_of_csv_stay_text() -> None:
    """Digits in a column of text are not made a number."""
    assert table(parse(b"a,b\n1e2,007\n", "text/csv")) == {"a": [100.0], "b": ["007"]}


@pytest.mark.parametrize("field", ["nan", "inf", "1_0", " 1", "1e999", "--1", "1,5"])
def test_odd_numbers_of_csv_stay_text(field: str) -> None:
    """What Python would take for a number and a person would not is left for the schema check to refuse."""
    assert table(parse(f'a\n"{field}"\n'.encode(), "text/csv")) == {"a": [field]}


def test_a_mark_before_the_body_is_read_over() -> None:
    """What some editors write before UTF-8 is no part of the table, in JSON as in CSV."""
    assert table(parse(b'\xef\xbb\xbf{"inputs": {"a": [1]}}')) == {"a": [1]}
    assert table(parse(b"\xef\xbb\xbfa\n1\n", "text/csv")) == {"a": [1]}


@pytest.mark.parametrize(
    ("body", "hint"),
    [
        (gzip.compress(b"{}", mtime=0), "compressed"),
        ("{}".encode("utf-16"), "UTF-8"),
        ("{}".encode("utf-32-le"), "UTF-8"),
        (b'{"inputs": {"a": [NaN]}}', "null for a missing value"),
    ],
)
def test_bodies_of_other_kinds_are_told_apart(body: bytes, hint: str) -> None:
    """Who sends something else than plain JSON learns what it looks like."""
    with pytest.raises(BadPayload, match="not JSON") as caught:
        parse(body)

    assert hint in (caught.value.hint or "")


def test_rows_without_names_have_none() -> None:
    """Lists of values follow the model's own order of columns."""
    assert parse({"instances": [[1, 2], [3, 4]]}) == Frame(None, [(1, 3), (2, 4)], 2)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "is empty"),
        (b"  \n", "is empty"),
        (b"{", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        ({"inputs": {"a\0b": [1]}}, "no name that a table can have"),
        ({"inputs": {"a" * 256: [1]}}, "no name that a table can have"),
        (b"[" * 100_000, "not JSON"),
        (b'{"inputs": {"a": [1e999]}}', "not JSON"),
        ([1], "must be a JSON object"),
        ("text", "must be a JSON object"),
        ({}, "exactly one of"),
        ({"dataframe_split": {}, "inputs": {}}, "exactly one of"),
        ({"data": [[1]]}, "'data' is not understood"),
        ({"inputs": {"a": [1]}, "params": {"top": 1}}, "no params"),
        ({"dataframe_split": [[1]]}, "'columns' and 'data'"),
        ({"dataframe_split": {"columns": ["a"]}}, "'columns' and 'data'"),
        ({"dataframe_split": {"columns": ["a"], "data": [[1]], "rows": 1}}, "unknown key 'rows'"),
        ({"dataframe_split": {"columns": ["a"], "data": []}}, "no rows"),
        ({"dataframe_split": {"columns": ["a"], "data": {}}}, "list of lists"),
        ({"dataframe_split": {"columns": ["a"], "data": [1]}}, "row 0 of dataframe_split is not a list"),
        ({"dataframe_split": {"columns": ["a"], "data": [[1], [1, 2]]}}, "row 1 has 2 values, and 1 are"),
        ({"dataframe_split": {"columns": ["a", "b"], "data": [[1]]}}, "row 0 has 1 values, and 2 are"),
        ({"dataframe_split": {"columns": ["a", "a"], "data": [[1, 2]]}}, "'a' stands twice"),
        ({"dataframe_split": {"columns": ["a", "A"], "data": [[1, 2]]}}, "differ only in case"),
        ({"dataframe_split": {"columns": [1], "data": [[1]]}}, "non-empty strings"),
        ({"dataframe_split": {"columns": "a", "data": [[1]]}}, "non-empty strings"),
        ({"dataframe_records": {"a": 1}}, "list of objects"),
        ({"dataframe_records": []}, "no rows"),
        ({"dataframe_records": [[1]]}, "row 0 of dataframe_records is not an object"),
        ({"instances": [{"a": 1}, 2]}, "row 1 of instances is not an object"),
        ({"instances": []}, "no rows"),
        ({"instances": 3}, "list of lists"),
        ({"inputs": {"a": [1, 2], "b": [1]}}, "'b' has 1 values, and 'a' has 2"),
        ({"inputs": {}}, "no rows"),
        ({"inputs": {"a": []}}, "no rows"),
    ],
)
def test_what_is_no_table_is_refused(body: object, message: str) -> None:
    """Each wrong body gets one sentence that says what is wrong with it."""
    with pytest.raises(BadPayload, match=message):
        parse(body)


@pytest.mark.parametrize("word", [b"NaN", b"Infinity", b"-Infinity"])
def test_nan_is_told_to_be_null(word: bytes) -> None:
    """What pandas writes for a missing value is not JSON; the hint says what is."""
    with pytest.raises(BadPayload) as caught:
        parse(b'{"inputs": {"a": [' + word + b"]}}")

    assert caught.value.hint is not None
    assert "null" in caught.value.hint


@pytest.mark.parametrize(
    "body", [b"", b"a,b\n", b"a,b\n1\n", b"a,a\n1,2\n", b'a\n"1\n', b"\xff\n1\n", b",b\n1,2\n"]
)
def test_what_is_no_csv_is_refused(body: bytes) -> None:
    """CSV without rows, with ragged rows, unclosed quotes or unnamed columns is refused."""
    with pytest.raises(BadPayload):
        parse(body, "text/csv")


def test_records_with_other_columns_are_refused() -> None:
    """A record is not filled up with missing values: the error names row and column."""
    with pytest.raises(WrongValue, match="row 1 does not have column 'b'"):
        parse({"dataframe_records": [{"a": 1, "b": 2}, {"a": 1}]})


def test_the_nearest_shape_is_named() -> None:
    """A misspelt shape is answered with the right one."""
    with pytest.raises(BadPayload) as caught:
        parse({"dataframe_splitt": {}})

    assert caught.value.nearest == "dataframe_split"


def test_other_media_types_are_refused() -> None:
    """A body that is declared as XML is not tried as JSON."""
    with pytest.raises(UnknownMediaType, match="application/xml"):
        parse({}, "application/xml")


@pytest.mark.parametrize(
    "media_type", ["", "application/json; charset=utf-8", "application/x-www-form-urlencoded"]
)
def test_json_needs_no_media_type(media_type: str) -> None:
    """A plain `curl -d` works, which declares a form."""
    assert parse({"inputs": {"a": [1]}}, media_type).rows == 1


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["a", "b", "columns", "data", "inputs", "instances"]), inner, max_size=3
        )
    ),
    max_leaves=8,
)


@given(shape=st.sampled_from(["dataframe_split", "dataframe_records", "instances", "inputs"]), value=_json)
def test_any_json_is_a_table_or_one_of_our_errors(shape: str, value: object) -> None:
    """Whatever a client sends, it becomes a rectangular table or a refusal, never a crash."""
    try:
        frame = parse({shape: value})
    except RopewalkError:
        return

    assert {len(values) for values in frame.columns} <= {frame.rows}
