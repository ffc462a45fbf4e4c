"""The filter language: what parses into which conditions, and what is refused where."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ropewalk.mlops.tracking.errors import InvalidFilter
from ropewalk.mlops.tracking.filter import (
    EXPERIMENTS,
    LOGGED_MODELS,
    MODEL_VERSIONS,
    REGISTERED_MODELS,
    RUNS,
    Schema,
    parse_filter,
    parse_ordering,
)
from ropewalk.mlops.tracking.filter.tokens import tokenize
from ropewalk.store.search import Condition, Ordering


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("metrics.auc > 0.5", Condition("metric", "auc", ">", 0.5)),
        ("metric.auc>=-1e-3", Condition("metric", "auc", ">=", -0.001)),
        ("metrics.`val auc` <> 1", Condition("metric", "val auc", "!=", 1.0)),
        ('metrics."val/auc" = .5', Condition("metric", "val/auc", "=", 0.5)),
        ("metrics.val/auc = 5.", Condition("metric", "val/auc", "=", 5.0)),
        ("params.depth = '6'", Condition("parameter", "depth", "=", "6")),
        ('parameters.a != "b"', Condition("parameter", "a", "!=", "b")),
        ("param.a LIKE '%x_'", Condition("parameter", "a", "LIKE", "%x_")),
        ("tags.mlflow.source.name ilike 'A%'", Condition("tag", "mlflow.source.name", "ILIKE", "A%")),
        ("tag.`a.b` IS NULL", Condition("tag", "a.b", "IS NULL")),
        ("params.a is not null", Condition("parameter", "a", "IS NOT NULL")),
        ("run_id IN ('a', 'b')", Condition("attribute", "run_id", "IN", ("a", "b"))),
        ("attributes.run_id NOT IN ('a')", Condition("attribute", "run_id", "NOT IN", ("a",))),
        ("status = 'FINISHED'", Condition("attribute", "status", "=", "FINISHED")),
        ("attr.start_time < 5", Condition("attribute", "start_time", "<", 5.0)),
        ("run.Created > 1", Condition("attribute", "start_time", ">", 1.0)),
        ("`run name` = 'a'", Condition("attribute", "run_name", "=", "a")),
        ("datasets.name = 'd'", Condition("dataset", "name", "=", "d")),
        ("dataset.context IN ('train')", Condition("dataset", "context", "IN", ("train",))),
        ("params.a = 'it''s'", Condition("parameter", "a", "=", "it's")),
        ("params.a = ''", Condition("parameter", "a", "=", "")),
        ("params.a = 'AND \"x\" = y'", Condition("parameter", "a", "=", 'AND "x" = y')),
    ],
)
def test_one_clause(text: str, condition: Condition) -> None:
    """Every form of a clause states the condition it should."""
    assert parse_filter(text, RUNS) == [condition]


@pytest.mark.parametrize("text", [None, "", "   "])
def test_no_clause(text: str | None) -> None:
    """No text states no condition."""
    assert parse_filter(text, RUNS) == []


def test_many_clauses() -> None:
    """Clauses are joined by AND in any case and over lines."""
    found = parse_filter("metrics.a > 1 and\n params.b = 'x' AND status != 'FAILED'", RUNS)

    assert [condition.key for condition in found] == ["a", "b", "status"]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("metrics.auc > 'x'", "Expected numeric value type for metric 'auc'"),
        ("start_time > 'x'", "Expected numeric value type for attribute 'start_time'"),
        ("params.a = 5", "Expected a quoted string value for parameter 'a'"),
        ("params.a = b", "Expected a quoted string value"),
        ("metrics.a LIKE 'x'", "Invalid comparator 'LIKE' for metric 'a'"),
        ("params.a > '1'", "Invalid comparator '>'"),
        ("params.a IN ('1')", "Invalid comparator 'IN'"),
        ("status IS NULL", "Invalid comparator 'IS NULL'"),
        ("start_time IN ('1')", "Invalid comparator 'IN'"),
        ("nonsense.a = 'x'", "Invalid entity type 'nonsense'"),
        ("nonsense = 'x'", "Invalid attribute key 'nonsense'"),
        ("dataset.size = 'x'", "Invalid dataset key 'size'"),
        ("metrics.a > 1 OR metrics.b > 1", "expected AND"),
        ("(metrics.a > 1)", "expected name"),
        ("metrics.a > 1 AND", "nothing follows AND"),
        ("metrics.a > 1 metrics.b > 1", "expected AND"),
        ("metrics.a", "expected word, found the end"),
        ("metrics.a >", "Found the end"),
        ("metrics.a = 1 = 2", "expected AND"),
        ("> 1", "expected name"),
        ("params.a = 'x", "at character 12"),
        ("params.a = 'x'; DROP TABLE run", "at character 15"),
        ("run_id IN ()", "expected text"),
        ("run_id IN ('a'", "expected \\)"),
        ("run_id IN ('a',)", "expected text"),
        ("run_id IN 'a'", "expected mark|expected \\("),
        ("run_id NOT 'a'", "expected word"),
        ("tags.a IS 'x'", "expected NULL"),
        ("tags.a NOT LIKE 'x'", "Invalid comparator 'NOT LIKE'"),
        ("metrics.a > 1.2.3", "Found|at character|expected"),
        ("metrics. > 1", "at character|Invalid"),
        ("metrics.a > 0x10", "Found|expected|at character"),
        ("params.a == 'x'", "Expected a quoted string value"),
    ],
)
def test_wrong_clauses(text: str, what: str) -> None:
    """A wrong clause is refused, and the error says what was wrong and where."""
    with pytest.raises(InvalidFilter, match=what):
        parse_filter(text, RUNS)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (" AND ".join(["metrics.a > 1"] * 101), "at most 100 clauses"),
        (f"params.a LIKE '{'%' * 10_001}'", "a filter can have at most 10000 characters"),
        (f"run_id IN ({','.join(['1'] * 300_000)})", "at most 500000 characters"),
        ("(" * 100_000, "expected name"),
    ],
)
def test_what_would_choke_the_database(text: str, what: str) -> None:
    """A filter is held to what one statement can take."""
    with pytest.raises(InvalidFilter, match=f"(?i){what}"):
        parse_filter(text, RUNS)


def test_nearest_name() -> None:
    """A name that was mistyped brings the one that was meant."""
    with pytest.raises(InvalidFilter) as attribute:
        parse_filter("run_nam = 'x'", RUNS)
    with pytest.raises(InvalidFilter) as entity:
        parse_filter("metrik.a > 1", RUNS)

    assert attribute.value.nearest == "run_name"
    assert entity.value.nearest == "metric"


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        (EXPERIMENTS, "metrics.a > 1"),
        (EXPERIMENTS, "status = 'x'"),
        (REGISTERED_MODELS, "params.a = 'x'"),
        (REGISTERED_MODELS, "run_id = 'x'"),
        (MODEL_VERSIONS, "metrics.a > 1"),
        (LOGGED_MODELS, "dataset.name = 'x'"),
        (LOGGED_MODELS, "version = 'x'"),
    ],
)
def test_each_entity_has_its_own_names(schema: Schema, text: str) -> None:
    """What one entity has cannot be asked of another."""
    with pytest.raises(InvalidFilter):
        parse_filter(text, schema)


@pytest.mark.parametrize(
    ("text", "ordering"),
    [
        ("metrics.auc", Ordering("metric", "auc")),
        ("metrics.auc DESC", Ordering("metric", "auc", is_ascending=False)),
        ("  metrics.`val auc` asc ", Ordering("metric", "val auc")),
        ("attributes.start_time desc", Ordering("attribute", "start_time", is_ascending=False)),
        ("start_time", Ordering("attribute", "start_time")),
        ("params.a", Ordering("parameter", "a")),
        ("tag.a DESC", Ordering("tag", "a", is_ascending=False)),
    ],
)
def test_orderings(text: str, ordering: Ordering) -> None:
    """Every form of an ordering is read."""
    assert parse_ordering(text, RUNS) == ordering


@pytest.mark.parametrize(
    "text", ["", "metrics.a UP", "metrics.a DESC, b", "dataset.name", "nonsense", "5", "DESC"]
)
def test_wrong_orderings(text: str) -> None:
    """A wrong ordering is refused."""
    with pytest.raises(InvalidFilter):
        parse_ordering(text, RUNS)


def test_tokens_know_their_place() -> None:
    """Tokens carry the character they begin at, counted from 1."""
    tokens = list(tokenize("metrics.a  >= 1"))

    assert [(token.kind, token.text, token.at) for token in tokens] == [
        ("name", "metrics.a", 1),
        ("sign", ">=", 12),
        ("number", "1", 15),
        ("end", "", 16),
    ]


@given(st.text())
def test_any_text_parses_or_is_refused(text: str) -> None:
    """No text breaks the parser."""
    try:
        found = parse_filter(text, RUNS)
    except InvalidFilter:
        return
    assert all(isinstance(condition, Condition) for condition in found)


@given(
    st.lists(st.sampled_from(["metrics.a", "=", ">", "'x'", "1", "AND", "IN", "(", ")", ",", "NOT", "NULL"]))
)
def test_any_tokens_parse_or_are_refused(words: list[str]) -> None:
    """No order of tokens breaks the parser, nor makes it read for ever."""
    try:
        parse_filter(" ".join(words), RUNS)
    except InvalidFilter:
        return


@pytest.mark.parametrize(
    "text",
    [
        "9" * 200_000 + "x",
        "9." + "9" * 200_000 + "x",
        "9e" + "9" * 200_000 + "x",
        "'" * 200_001,
        "`" * 200_001,
    ],
)
def test_long_tokens_take_linear_time(text: str) -> None:
    """A long token that is none is given up at once: trying its divisions would hold the server for hours."""
    before = time.process_time()

    with pytest.raises(InvalidFilter):
        parse_filter(f"metrics.auc > {text}", RUNS)

    assert time.process_time() - before < 2
