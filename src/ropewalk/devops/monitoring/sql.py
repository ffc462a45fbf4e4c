"""SQL text for monitors: the few queries that everything is computed from.

The texts are also what an alert's issue shows, so that a person can run them again.
"""

from __future__ import annotations

from dataclasses import dataclass

from ropewalk.dataops.lake import literal, quote
from ropewalk.devops.monitoring.section import Period

# Names that sort as their windows do; a week is named by its ISO year, which at New Year is not the calendar's.
WINDOW_NAMES: dict[Period, str] = {"day": "%Y-%m-%d", "week": "%G-W%V", "month": "%Y-%m"}
# With an offset a text is a moment, without one it is taken as UTC, whatever the session's time zone.
_OFFSET = r":.*(Z|[+-]\d\d(:?\d\d)?)$"
# What sklearn's log_loss clips to: the least distance that a double keeps from 0 and from 1.
EPSILON = 2.220446049250313e-16


def table_source(table: str, snapshot: int | None = None) -> str:
    """Return what follows FROM for `schema.table`, as of a snapshot of the lake when one is given."""
    # A plain name is what a session calls a view or a table of its own.
    schema, _, name = table.rpartition(".")
    source = f"{quote(schema)}.{quote(name)}" if schema else quote(name)
    return source if snapshot is None else f"{source} AT (VERSION => {snapshot:d})"


@dataclass(frozen=True)
class Sources:
    """What the figures of a deployment are computed from.

    Attributes:
        model: name of the deployed model, for predictions that name only its version.
        predictions: what follows FROM for the predictions.
        labels: the same for the table of outcomes.
        key: the column that both have and that says what was predicted.
        key_as_text: whether the two hold it as different types, so that it is compared as text.
        label: the column of outcomes.
        time: the column of predictions that places them in time.
        time_type: its DuckDB type.
        by: the length of a window.
        has_model: whether the predictions name their model; older tables have its version alone.
    """

    model: str
    predictions: str
    labels: str
    key: str
    key_as_text: bool
    label: str
    time: str
    time_type: str
    by: Period
    has_model: bool = True


def window_start(sources: Sources) -> str:
    """Return the expression for the start of the window that a prediction `p` falls into; NULL if no time."""
    column = f"p.{quote(sources.time)}"
    # Each kind of column has its own way to UTC: date_trunc would cut at the session's midnight otherwise.
    if sources.time_type == "TIMESTAMP WITH TIME ZONE":
        moment = f"timezone('UTC', {column})"
    elif sources.time_type == "VARCHAR":
        moment = (
            f"CASE WHEN regexp_matches({column}, {literal(_OFFSET)})"
            f" THEN timezone('UTC', TRY_CAST({column} AS TIMESTAMPTZ)) ELSE TRY_CAST({column} AS TIMESTAMP) END"
        )
    else:
        moment = f"CAST({column} AS TIMESTAMP)"
    return f"date_trunc('{sources.by}', {moment})"


def judged(sources: Sources) -> str:
    """Return the common table expressions that end in `judged`: predictions with window and outcome.

    A key that has several outcomes counts as positive when one of them is.
    """
    key = quote(sources.key)
    # The engine would cast text to the number it is compared with, and fail on the first that is none.
    asked = f"CAST(p.{key} AS VARCHAR)" if sources.key_as_text else f"p.{key}"
    model = f"coalesce(p.model, {literal(sources.model)})" if sources.has_model else literal(sources.model)
    known = f"CAST({key} AS VARCHAR)" if sources.key_as_text else key
    return f"""WITH outcomes AS (
  SELECT {known} AS key, max(TRY_CAST({quote(sources.label)} AS DOUBLE)) AS label
  FROM {sources.labels} GROUP BY 1
), judged AS (
  SELECT {window_start(sources)} AS start, TRY_CAST(p.prediction AS DOUBLE) AS prediction,
    {model} || '/' || p.model_version AS version, outcomes.label
  FROM {sources.predictions} AS p LEFT JOIN outcomes ON {asked} = outcomes.key
)"""  # noqa: S608  # every name is quoted


def figures_sql(sources: Sources) -> str:
    """Return the query for one row per window: counts, rates, Brier score and logarithmic loss."""
    name = WINDOW_NAMES[sources.by]
    # Unusable values are counted in the same scan, so that an error can say how many there are.
    return f"""{judged(sources)}
SELECT strftime(start, '{name}') AS name, epoch_ms(start) AS starts_at, count(*) AS predictions,
  count(label) AS labelled, avg(prediction) AS mean_prediction, avg(label) AS positive_rate,
  avg((prediction - label) ** 2) AS brier,
  CASE WHEN min(prediction) >= 0 AND max(prediction) <= 1 THEN
    -avg(label * ln(greatest(prediction, {EPSILON})) + (1 - label) * ln(greatest(1 - prediction, {EPSILON})))
  END AS log_loss,
  count(*) FILTER (prediction IS NULL OR NOT isfinite(prediction)) AS unusable_predictions,
  count(*) FILTER (label NOT IN (0, 1)) AS unusable_labels
FROM judged GROUP BY start ORDER BY start"""  # noqa: S608  # every name is quoted


def auc_sql(sources: Sources) -> str:
    """Return the query for the area under the ROC curve per window, by counting pairs (Mann-Whitney).

    Of every pair of a positive and a negative, the one with the higher prediction wins; a tie counts half.
    """
    # Summing over distinct predictions instead of ranking rows keeps the sort small where ties are common.
    return f"""{judged(sources)}, by_prediction AS (
  SELECT start, prediction, sum(label) AS positives, count(*) - sum(label) AS negatives
  FROM judged WHERE label IS NOT NULL AND start IS NOT NULL GROUP BY ALL
), pairs AS (
  SELECT *, sum(negatives) OVER (PARTITION BY start ORDER BY prediction) - negatives / 2 AS beaten
  FROM by_prediction
)
SELECT strftime(start, '{WINDOW_NAMES[sources.by]}') AS name,
  sum(positives * beaten) / nullif(sum(positives) * sum(negatives), 0) AS auc
FROM pairs GROUP BY start ORDER BY start"""  # noqa: S608  # every name is quoted


def versions_sql(sources: Sources) -> str:
    """Return the query for how many predictions each model version made in each window."""
    return f"""{judged(sources)}
SELECT strftime(start, '{WINDOW_NAMES[sources.by]}') AS name, version, count(*) AS predictions
FROM judged WHERE start IS NOT NULL GROUP BY ALL ORDER BY name, predictions DESC, version DESC"""  # noqa: S608  # every name is quoted


def drift_sql(sources: Sources, counts: str) -> str:
    """Return the query for one row per window with `counts`, a select list over the predictions' columns."""
    return f"""SELECT strftime({window_start(sources)}, '{WINDOW_NAMES[sources.by]}') AS name, {counts}
FROM {sources.predictions} AS p GROUP BY 1 ORDER BY 1"""  # noqa: S608  # every name is quoted
