"""Runs as the JSON documents that MLflow's protocol sends, put together by the database.

A page of a search has thousands of names and values that nothing but the answer wants. Made into values here and into
JSON again above, they would cost most of the request; the database writes them down as they are.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from ropewalk.store.connections import Connection
from ropewalk.store.search import Condition, Ordering, Page, search
from ropewalk.store.tracking.inputs import datasets_of, models_of, select_datasets, select_models
from ropewalk.store.tracking.runs import ARTIFACT_URI, RUNS
from ropewalk.store.tracking.values import Dataset, ModelUse


@dataclass(frozen=True)
class RunDocument:
    """A run with what it logged.

    Attributes:
        info: the run's own fields, as JSON.
        data: the newest point of each metric, the parameters and the tags, as JSON.
        datasets: the data sets that it read.
        models: the logged models that it read or made.
    """

    info: str
    data: str
    datasets: tuple[Dataset, ...] = ()
    models: tuple[ModelUse, ...] = ()


def _texts(kind: str) -> str:
    entry = """'{"key":' || json_quote(key) || ',"value":' || json_quote(value) || '}'"""
    return _listed(f"{kind}s", entry, f"run_{kind} WHERE run_{kind}.run = run.number")


def _listed(name: str, entry: str, of: str) -> str:
    # What is empty is left out, as everywhere in the protocol.
    return f"""coalesce((SELECT ',"{name}":[' || group_concat({entry}, ',') || ']' FROM {of}), '')"""  # noqa: S608  # names are ours


_INFO = f"""'{{"run_id":' || json_quote(run.id) || ',"run_uuid":' || json_quote(run.id)
    || ',"run_name":' || json_quote(run.name) || ',"experiment_id":"' || run.experiment
    || '","user_id":' || json_quote(run.user_id) || ',"status":"' || run.status
    || '","start_time":' || run.started_at || coalesce(',"end_time":' || run.ended_at, '')
    || ',"artifact_uri":' || json_quote({ARTIFACT_URI}) || ',"lifecycle_stage":"' || run.stage || '"}}'"""
# A value that is NULL is not a number.
_POINT = """'{"key":' || json_quote(name) || ',"value":' || coalesce(exact(value) || '', '"NaN"')
    || ',"timestamp":' || recorded_at || ',"step":' || step || '}'"""
_POINTS = """(SELECT name, value, recorded_at, step FROM latest_metric
    JOIN metric_key ON metric_key.id = latest_metric.key WHERE latest_metric.run = run.number ORDER BY name) AS point"""
_MEMBERS = " || ".join([_listed("metrics", _POINT, _POINTS), _texts("param"), _texts("tag")])
_DOCUMENT = f"""SELECT run.number, {_INFO} AS info, '{{' || ltrim({_MEMBERS}, ',') || '}}' AS data,
    EXISTS (SELECT 1 FROM run_dataset WHERE run_dataset.run = run.number) AS has_datasets,
    EXISTS (SELECT 1 FROM run_model WHERE run_model.run = run.number) AS has_models FROM run WHERE """  # noqa: S608  # names are ours
_OF_ID = f"{_DOCUMENT} run.id = ?"
_OF_NUMBERS = f"{_DOCUMENT} run.number IN (SELECT value FROM json_each(?))"  # noqa: S608  # names are ours


def find_run_document(connection: Connection, identifier: str) -> RunDocument | None:
    """Return the run of that id, a deleted one too, or None."""
    found = _documents(connection, _OF_ID, identifier)
    return next(iter(found.values()), None)


def search_run_documents(
    connection: Connection, conditions: Sequence[Condition], orderings: Sequence[Ordering], page: Page
) -> list[RunDocument]:
    """Return what `search_runs` returns, as documents."""
    rows = search(connection, RUNS, conditions, orderings, page)
    numbers = [row[0] for row in rows]
    found = _documents(connection, _OF_NUMBERS, json.dumps(numbers))
    return [found[number] for number in numbers]


def _documents(connection: Connection, statement: str, wanted: str) -> dict[int, RunDocument]:
    found, with_uses = {}, list[int]()
    for number, info, data, has_datasets, has_models in connection.execute(statement, (wanted,)):
        found[number] = RunDocument(info, data)
        if has_datasets or has_models:
            with_uses.append(number)
    if with_uses:
        # Few runs name what they read, and its description has a form of its own.
        listed = json.dumps(with_uses)
        rows = select_datasets(connection, listed), select_models(connection, listed)
        datasets, models = datasets_of(rows[0]), models_of(rows[1])
        for number in with_uses:
            bare = found[number]
            found[number] = RunDocument(
                bare.info, bare.data, datasets.get(number, ()), models.get(number, ())
            )
    return found
