"""What a search cluster says, without one: mappings as columns, and answers as errors."""

from __future__ import annotations

import json

import duckdb
import httpx
import pytest

from ropewalk.dataops.sources.elastic_mapping import MappedField, knows_all_fields, mapped_fields
from ropewalk.dataops.sources.errors import IndexMissing, InvalidSearch, PointInTimeLost, SearchIncomplete
from ropewalk.dataops.sources.fetch import Answer
from ropewalk.dataops.sources.search_cluster import Product, explain, path_of
from ropewalk.errors import Place

PLACE = Place("ropewalk.yaml", 3, 3)
ZONED = "TIMESTAMP WITH TIME ZONE"


def answer(status: int, content: object) -> Answer:
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    return Answer(httpx.URL("http://me:pw@h:9200/i/_search?q=x"), status, "", httpx.Headers(), raw, {})


def said(status: int, kind: str, **root: object) -> Answer:
    return answer(status, {"error": {"type": kind, "reason": "why", "root_cause": [root] if root else []}})


def mapping(**types: object) -> dict[str, object]:
    """Return a mapping with fields of these types, or with what is said of them."""
    return {"properties": {n: t if isinstance(t, dict) else {"type": t} for n, t in types.items()}}


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        (said(404, "index_not_found_exception"), IndexMissing),
        (said(404, "search_context_missing_exception"), PointInTimeLost),
        (said(400, "parsing_exception"), InvalidSearch),
        (said(400, "invalid_index_name_exception"), InvalidSearch),
        (said(503, "search_phase_execution_exception"), SearchIncomplete),
        (
            said(400, "search_phase_execution_exception", type="query_shard_exception", reason="r"),
            InvalidSearch,
        ),
        (said(404, "x", type="index_not_found_exception", reason="r"), IndexMissing),
    ],
)
def test_errors_of_a_cluster(given: Answer, kind: type[Exception]) -> None:
    """Neither the user nor values of the query are shown, and the place is the declaration's."""
    error = explain(given, PLACE)

    assert error is not None
    assert type(error) is kind
    assert error.message.startswith("http://h:9200/i/_search?q=***")
    assert error.place == PLACE


def test_the_deepest_reason_is_told() -> None:
    """It says most."""
    given = said(400, "parsing_exception", type="parsing_exception", reason="unknown query [mtach]")

    assert "does not understand: unknown query [mtach]" in str(explain(given, PLACE))


@pytest.mark.parametrize(
    "content",
    [
        b"", b"\xff", b"[]", b"null", {}, {"error": "no"}, {"error": {}}, {"error": None},
        {"error": {"type": "a", "root_cause": 5}}, {"error": {"type": "a", "root_cause": ["b"]}},
        {"error": {"type": "something_else", "reason": "r"}},
    ],
)  # fmt: skip
def test_answers_that_are_no_error_of_a_cluster(content: object) -> None:
    """A proxy's page, say, is told of as any answer is."""
    assert explain(answer(400, content), PLACE) is None


@pytest.mark.parametrize(
    ("status", "kind"), [(500, "parsing_exception"), (400, "no_shard_available_action_exception")]
)
def test_the_status_has_to_fit(status: int, kind: str) -> None:
    """A mistake of ours comes with 400, and shards that fail with more than 500."""
    assert explain(said(status, kind), PLACE) is None


@pytest.mark.parametrize(
    ("names", "path"),
    [
        (("orders",), "/orders"),
        (("../x", "_search"), "/..%2Fx/_search"),
        (("a?b#c d",), "/a%3Fb%23c%20d"),
        (("logs-*,more",), "/logs-*,more"),
        ((), ""),
    ],
)
def test_paths(names: tuple[str, ...], path: str) -> None:
    """A name never leads out of its place."""
    assert path_of(*names) == path


@pytest.mark.parametrize(
    ("product", "has"),
    [
        (Product("elasticsearch", (7, 12, 0)), True),
        (Product("elasticsearch", (7, 11, 9)), False),
        (Product("opensearch", (3, 3)), True),
        (Product("opensearch", (3, 2, 9)), False),
        (Product("elasticsearch", (10,)), True),
    ],
)
def test_versions_with_a_tie_breaker(product: Product, has: bool) -> None:
    """Ten comes after nine."""
    assert product.has_shard_doc is has


@pytest.mark.parametrize(
    ("told", "kind", "epoch"),
    [
        ("long", "BIGINT", 0),
        ("unsigned_long", "DECIMAL(38,0)", 0),
        ("scaled_float", "DOUBLE", 0),
        ("keyword", "VARCHAR", 0),
        ("date_nanos", "VARCHAR", 0),
        ("geo_point", "JSON", 0),
        ("dense_vector", "FLOAT[]", 0),
        ({"properties": {"x": {"type": "long"}}}, "JSON", 0),
        ("date", ZONED, 1000),
        ({"type": "date", "format": "epoch_second"}, ZONED, 1),
        ({"type": "date", "format": "strict_date_time||epoch_millis"}, ZONED, 1000),
        ({"type": "date", "format": "dd/MM/yyyy"}, "VARCHAR", 0),
        ({"type": "date", "format": "epoch_millis||dd/MM/yyyy"}, "VARCHAR", 0),
    ],
)
def test_types_of_fields(told: object, kind: str, epoch: int) -> None:
    """A time that could not be read for sure is text; what has no plain type is JSON."""
    assert mapped_fields([mapping(f=told)]) == {"f": MappedField("f", kind, epoch)}


@pytest.mark.parametrize(
    ("one", "other", "kind"),
    [
        ("byte", "long", "BIGINT"),
        ("integer", "short", "INTEGER"),
        ("integer", "float", "DOUBLE"),
        ("long", "double", "VARCHAR"),
        ("keyword", "long", "VARCHAR"),
        ("keyword", "geo_point", "JSON"),
        ("date", {"type": "date", "format": "epoch_second"}, "VARCHAR"),
        ("text", "keyword", "VARCHAR"),
    ],
)
def test_types_of_several_indices(one: object, other: object, kind: str) -> None:
    """The type that holds both without loss, whichever comes first."""
    found = [mapped_fields([mapping(f=a), mapping(f=b)])["f"] for a, b in ((one, other), (other, one))]

    assert [field.type for field in found] == [kind, kind]


def test_other_names_of_fields_are_none() -> None:
    """An alias is in no document, and an index may have no fields at all."""
    assert mapped_fields([mapping(a="alias"), {}]) == {}


@pytest.mark.parametrize(
    ("given", "knows"),
    [
        ({}, True),
        ({"dynamic": "strict"}, True),
        ({"dynamic": "true", **mapping(a="long")}, True),
        ({"dynamic": "false"}, False),
        ({"dynamic": False}, False),
        ({"dynamic": "runtime"}, False),
        (mapping(a={"properties": {}}), False),
        (mapping(**{"a.b": "long"}), False),
    ],
)
def test_whether_a_mapping_says_all(given: dict[str, object], knows: bool) -> None:
    """Not where new fields are kept without being learnt, nor where names may have dots."""
    assert knows_all_fields([given]) is knows
    assert knows_all_fields([{}, given]) is knows


@pytest.mark.parametrize(
    ("epoch", "value", "text"),
    [
        (1000, "1357000000500", "2013-01-01 00:26:40.5+00"),
        (1, "1357000000", "2013-01-01 00:26:40+00"),
        (1000, "-86400000", "1969-12-31 00:00:00+00"),
        (1000, '"1357000000500"', "2013-01-01 00:26:40.5+00"),
        (1000, '"2013"', "2013-01-01"),
        (1000, '"2013-02"', "2013-02-01"),
        (1000, '"2013-02-03T04:05:06Z"', "2013-02-03T04:05:06Z"),
        (0, '"a \\"b\\""', 'a "b"'),
        (0, "[1, 2]", "[1,2]"),
        (0, "null", None),
    ],
)
def test_values_of_fields(epoch: int, value: str, text: str | None) -> None:
    """Numbers of five digits and more are moments, four digits a year, and everything else is text."""
    field = MappedField('odd "n', ZONED if epoch else "VARCHAR", epoch)
    with duckdb.connect() as connection:
        row = connection.execute(f'SELECT {field.sql} FROM (SELECT ?::JSON AS "odd ""n")', [value]).fetchone()

    assert row == (text,)
    assert field.arrives_as == "VARCHAR"
