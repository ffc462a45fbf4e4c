"""Records of evaluation sets as clients send them: what is read, what is refused, and how they come together."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ropewalk.mlops.tracking.errors import InvalidRequest
from ropewalk.mlops.tracking.evaluation.records import _schema, _together, inputs_digest, read_records

PLAIN = st.dictionaries(st.text(max_size=3), st.integers() | st.text(max_size=3) | st.none(), max_size=4)


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"inputs": {}},
        {"inputs": {"q": [1, None]}, "outputs": "any"},
        {"inputs": {"q": 1}, "expectations": None, "tags": None, "source": None},
        {"inputs": {"q": 1}, "tags": {"a": "b"}},
        {"inputs": {"q": 1}, "source": {"source_type": "human"}},
        {"inputs": {"q": 1}, "source": {}},
    ],
)
def test_what_is_read(record: dict[str, object]) -> None:
    """Only inputs, expectations and tags have to be objects; a source is named in any case."""
    assert read_records(json.dumps([record])) == [record]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("{}", "must be a list"),
        ("null", "must be a list"),
        ("[5]", "Record 0 must be an object"),
        ("[{}, null]", "Record 1 must be an object"),
        ('[{"inputs": null}]', "whose `inputs` are an object"),
        ('[{"inputs": []}]', "whose `inputs` are an object"),
        ('[{"expectations": "x"}]', "`expectations` of record 0"),
        ('[{"tags": "x"}]', "`tags` of record 0 must be an object"),
        ('[{"tags": {"a": 1}}]', "must have texts as values"),
        ('[{"source": "x"}]', "`source` of record 0 must be an object"),
        ('[{"source": {"source_type": "ROBOT"}}]', "needs a source_type out of CODE, DOCUMENT"),
        ('[{"source": {"other": 1}}]', "needs a source_type"),
    ],
)
def test_what_is_refused(text: str, said: str) -> None:
    """With the number of the record that does not fit."""
    with pytest.raises(InvalidRequest, match=said):
        read_records(text)


@settings(max_examples=30)
@given(inputs=PLAIN)
def test_the_order_of_keys_says_nothing(inputs: dict[str, object]) -> None:
    """Two records with the same inputs are one, however a client wrote them."""
    turned = dict(reversed(list(inputs.items())))

    assert inputs_digest(turned) == inputs_digest(inputs)
    assert inputs_digest({**inputs, "one more": 1}) != inputs_digest(inputs)


@pytest.mark.parametrize(
    ("before", "added", "after"),
    [
        (None, {}, None),
        ('{"a": 1}', {}, '{"a": 1}'),
        (None, {"a": 1}, '{"a": 1}'),
        ('{"a": 1, "b": 2}', {"b": 3, "c": None}, '{"a": 1, "b": 3, "c": null}'),
    ],
)
def test_entries_come_together(before: str | None, added: dict[str, object], after: str | None) -> None:
    """New ones are added, those of the same name are replaced, and nothing is left nothing."""
    assert _together(before, added) == after


@pytest.mark.parametrize(
    ("records", "schema"),
    [
        ([], None),
        ([{"inputs": {"a": 1, "b": "x"}}], {"inputs": {"a": "integer", "b": "string"}}),
        (
            [{"inputs": {"a": True, "b": None, "c": []}}],
            {"inputs": {"a": "boolean", "b": "null", "c": "array"}},
        ),
        (
            [{"inputs": {"a": 1}}, {"inputs": {"a": 0.5, "b": {}}}],
            {"inputs": {"a": "integer", "b": "object"}},
        ),
        ([{"outputs": "text"}], {"outputs": "string"}),
        ([{"outputs": "text"}, {"outputs": {"a": 1}}], {"outputs": "string"}),
        ([{"outputs": {"a": 1}}, {"outputs": "text"}], {"outputs": {"a": "integer"}}),
        ([{"outputs": None}], {}),
        ([{"expectations": {"a": 1}}], {"expectations": {"a": "integer"}}),
    ],
)
def test_types_of_fields(records: list[dict[str, object]], schema: dict[str, object] | None) -> None:
    """The first type that a field had stays."""
    empty = {"inputs": {}, "outputs": {}, "expectations": {}, "version": "1.0"}

    found = _schema(None, records)

    assert (None if found is None else json.loads(found)) == (None if schema is None else {**empty, **schema})


def test_types_stay_over_requests() -> None:
    """A second request adds to what the first one told."""
    first = _schema(None, [{"inputs": {"a": 1}}])

    assert json.loads(_schema(first, [{"inputs": {"a": "x", "b": 2}}]) or "")["inputs"] == {
        "a": "integer",
        "b": "integer",
    }
    assert _schema(first, []) == first
