"""Finding traces, and reading them with their spans."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from ropewalk.mlops.tracking import artifacts, limits
from ropewalk.mlops.tracking.errors import InvalidRequest, UnsafePath
from ropewalk.mlops.tracking.filter import TRACES, parse_filter, parse_ordering
from ropewalk.mlops.tracking.traces.errors import TraceIncomplete, UnknownTrace
from ropewalk.mlops.tracking.traces.patterns import without_patterns
from ropewalk.mlops.tracking.traces.recording import HERE, SPANS_LOCATION
from ropewalk.pipeline import Workspace
from ropewalk.store import Connection
from ropewalk.store.artifacts import remove_artifacts
from ropewalk.store.search import Condition, Ordering, Page
from ropewalk.store.tracking import traces as table
from ropewalk.store.tracking import traces_search
from ropewalk.store.tracking.traces import Trace
from ropewalk.store.tracking.traces_search import TraceSearch
from ropewalk.store.tracking.traces_spans import read_spans

SIZE_STATS = "mlflow.trace.sizeStats"
# A client asks for ten at once; each may have thousands of spans.
MOST_WHOLE = 100


@dataclass(frozen=True)
class WholeTrace:
    """A trace and its spans, each as JSON."""

    trace: Trace
    spans: Sequence[bytes]


def trace_search(
    connection: Connection, experiment_ids: Sequence[str], filter_text: str | None
) -> TraceSearch:
    """Return what a filter's text asks for, within experiments.

    Raises:
        InvalidFilter: the filter does not parse, or names what cannot be searched.
    """
    parsed = [without_patterns(connection, one) for one in parse_filter(filter_text, TRACES)]
    # No experiment finds nothing, as everywhere in the protocol; it never means all of them.
    within = Condition("attribute", "experiment_id", "IN", tuple(experiment_ids))
    return TraceSearch(
        [within, *(one for one in parsed if one.entity != "span")],
        [one for one in parsed if one.entity == "span"],
    )


def search_traces(
    workspace: Workspace,
    experiment_ids: Sequence[str],
    *,
    filter_text: str | None = None,
    order_by: Sequence[str] = (),
    page: Page | None = None,
) -> list[Trace]:
    """Return one page of the traces of experiments that a filter finds, newest first unless ordered.

    Raises:
        InvalidFilter: the filter or an ordering does not parse.
    """
    orderings: list[Ordering] = [parse_ordering(text, TRACES) for text in order_by]
    with workspace.database.read() as connection:
        wanted = trace_search(connection, experiment_ids, filter_text)
        return traces_search.search_traces(connection, wanted, orderings, page or Page(limits.RUNS_PAGE))


def count_traces(workspace: Workspace, experiment_ids: Sequence[str], filter_text: str | None = None) -> int:
    """Return how many traces of experiments a filter finds.

    Raises:
        InvalidFilter: the filter does not parse.
    """
    with workspace.database.read() as connection:
        wanted = trace_search(connection, experiment_ids, filter_text)
        return traces_search.count_traces(connection, wanted)


def find_trace(workspace: Workspace, identifier: str) -> Trace:
    """Return a trace without its spans.

    Raises:
        UnknownTrace: there is none of that id.
    """
    return find_traces(workspace, [identifier], is_each_needed=True)[0]


def find_traces(
    workspace: Workspace, identifiers: Sequence[str], *, is_each_needed: bool = False
) -> list[Trace]:
    """Return those of the traces that there are, without their spans.

    Raises:
        UnknownTrace: one is missing, and each is needed.
    """
    with workspace.database.read() as connection:
        found = table.find_traces(connection, identifiers)
    if is_each_needed and len(found) < len(identifiers):
        raise UnknownTrace(f"Trace with ID '{identifiers[0][:200]}' not found.")
    return found


def whole_trace(workspace: Workspace, identifier: str, *, is_partial_fine: bool = False) -> WholeTrace:
    """Return a trace with its spans.

    Raises:
        UnknownTrace: there is none of that id, or its spans are not here.
        TraceIncomplete: spans are missing, and `is_partial_fine` is not said.
    """
    found = _whole(workspace, [identifier])
    if not found:
        raise UnknownTrace(f"Trace with ID '{identifier[:200]}' not found.")
    if not is_partial_fine and not _is_complete(found[0]):
        raise TraceIncomplete(
            f"Trace with ID {identifier} is not fully exported yet, please try again later."
        )
    return found[0]


def whole_traces(workspace: Workspace, identifiers: Sequence[str]) -> list[WholeTrace]:
    """Return those of the traces that are complete, with their spans, in the order of their ids.

    Raises:
        InvalidRequest: there are more than one request may ask for.
    """
    if len(identifiers) > MOST_WHOLE:
        raise InvalidRequest(f"At most {MOST_WHOLE} traces can be read at once, not {len(identifiers)}")
    found = _whole(workspace, identifiers)
    return [one for one in found if one.spans and _is_complete(one)]


def _whole(workspace: Workspace, identifiers: Sequence[str]) -> list[WholeTrace]:
    # One consistent state: a trace that is deleted meanwhile is read whole or not at all.
    with workspace.database.read() as connection:
        traces = table.find_traces(connection, identifiers)
        spans = read_spans(connection, [trace.number for trace in traces])
    return [WholeTrace(trace, spans.get(trace.number, [])) for trace in traces]


def _is_complete(found: WholeTrace) -> bool:
    """Return whether as many spans are here as the trace's description counts."""
    try:
        stats = json.loads(found.trace.metadata.get(SIZE_STATS, "{}"))
        return len(found.spans) >= int(stats.get("num_spans", 0))
    except (ValueError, TypeError, AttributeError):
        # A client wrote something else there; what is here is all there is to give.
        return True


def has_spans_here(trace: Trace) -> bool:
    """Return whether the spans of a trace are in this store, and not in a file among its artifacts."""
    return trace.tags.get(SPANS_LOCATION) == HERE


@dataclass(frozen=True)
class Doomed:
    """Which traces of an experiment are deleted: by id, or the oldest up to a time, at most so many."""

    experiment_id: str
    identifiers: Sequence[str] = ()
    started_before: int | None = None
    most: int | None = None


def delete_traces(workspace: Workspace, doomed: Doomed) -> int:
    """Remove traces with their spans, assessments and files; return how many there were.

    Raises:
        InvalidRequest: neither ids nor a time are given, or both, or a limit that is none.
    """
    _check_doomed(doomed)
    conditions = [Condition("attribute", "experiment_id", "IN", (doomed.experiment_id,))]
    if doomed.identifiers:
        conditions.append(Condition("attribute", "request_id", "IN", tuple(doomed.identifiers)))
    else:
        conditions.append(Condition("attribute", "timestamp_ms", "<=", doomed.started_before))
    oldest = [Ordering("attribute", "timestamp_ms")]
    page = Page(doomed.most or 2**31)
    with workspace.database.write() as connection:
        found = traces_search.search_traces(connection, TraceSearch(conditions), oldest, page)
        for trace in found:
            _forget_files(connection, trace)
        return table.delete_traces(connection, [trace.number for trace in found])


def _check_doomed(doomed: Doomed) -> None:
    if doomed.started_before is None and not doomed.identifiers:
        raise InvalidRequest("Either `max_timestamp_millis` or `trace_ids` must be specified.")
    if doomed.started_before and doomed.identifiers:
        raise InvalidRequest("Only one of `max_timestamp_millis` and `trace_ids` can be specified.")
    if doomed.identifiers and doomed.most is not None:
        raise InvalidRequest("`max_traces` can't be specified if `trace_ids` is specified.")
    if doomed.most is not None and doomed.most <= 0:
        raise InvalidRequest(f"`max_traces` must be a positive integer, received {doomed.most}.")


def _forget_files(connection: Connection, trace: Trace) -> None:
    try:
        path = artifacts.proxied_path(trace.artifact_uri)
    except UnsafePath:
        # An id that leads elsewhere has no files of its own, and nobody else's are removed for it.
        path = None
    if path:
        remove_artifacts(connection, path)
