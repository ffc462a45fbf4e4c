"""The node kind `monitor`: watches a deployment's predictions against training data and outcomes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, cast

from blake3 import blake3

from ropewalk.devops.monitoring.section import KEY, Monitor
from ropewalk.devops.serving import full_name, log_state, prediction_folder
from ropewalk.pipeline import JSON, Need, Node, NodeKind, Output, Probe, Task, Workspace
from ropewalk.project import PROJECT_FILE, Document, Entry, Project, parse_yaml
from ropewalk.store.monitoring import WindowRow, list_windows

if TYPE_CHECKING:
    from ropewalk.devops.monitoring.watch import Watched


class MonitorKind(NodeKind):
    """Monitors as nodes: `monitor:late` needs `deployment:late` and the table of outcomes."""

    name = "monitor"
    # What an environment's own predictions look like cannot be made in another one.
    is_released = False

    def declare(self, project: Project) -> Iterable[Node]:
        """Yield one node per entry of `monitor`."""
        entries = project.entries(KEY)
        # Without monitors the file need not be read for their places.
        if entries:
            document = parse_yaml(project.root / PROJECT_FILE, project.root)
            for entry in entries.values():
                yield _node(entry, document)

    def probe(self, node: Node, workspace: Workspace, last: Output | None) -> Probe:
        """Return the sizes of the deployment's prediction segments, so that a new prediction counts."""
        return Probe(facts=_segments(workspace, node.name))

    def holds(self, node: Node, key: str, output: Output, workspace: Workspace) -> bool:
        """Return whether the windows in the store are those that `output` tells of."""
        return _digest(list_windows(workspace.database, full_name(workspace, node.name))) == output.digest

    def execute(self, task: Task) -> Output:
        """Compact new predictions, compute every window, keep the figures and raise alerts.

        A broken limit is an alert and no error: what the model does is not what the run did.

        Raises:
            ColumnMissing: the predictions or the labels lack a column that the monitor names.
            UnusableTime: the column that places predictions in time holds none.
            UnusablePrediction: a prediction is no number.
            UnusableLabel: a label is neither 0 nor 1.
            UnknownTraining: what the model was trained on cannot be read.
        """
        # Loaded here, because planning must not wait for DuckDB.
        from ropewalk.devops.monitoring.watch import watch

        # What was there before reading is the least that was read.
        before = _segments(task.workspace, task.node.name)
        watched = watch(task)
        consumed = _consumed(before, _segments(task.workspace, task.node.name))
        return _output(watched, consumed, f"predictions:{task.node.name}")


def _node(entry: Entry, document: Document) -> Node:
    monitor = cast("Monitor", entry.value)
    facts = {
        "by": monitor.by,
        "time": monitor.time,
        "labels": monitor.labels.model_dump_json(),
        "limits": monitor.limits.model_dump_json(exclude_none=True),
        "ignore": ", ".join(sorted(monitor.ignore)),
        "min_rows": str(monitor.min_rows),
    }
    return Node(
        id=f"monitor:{entry.name}",
        origin=entry.place,
        spec=monitor,
        needs=(Need(f"deployment:{entry.name}", entry.place), Need(monitor.labels.table, entry.place)),
        facts=facts,
        places={name: document.place((KEY, entry.name, name)) for name in facts},
    )


def _segments(workspace: Workspace, deployment: str) -> dict[str, str]:
    """Return what the prediction log holds; the pipeline compares it to see new predictions."""
    return log_state(prediction_folder(workspace, deployment))


def _consumed(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, str]:
    # A segment that grew meanwhile is told with the size it had, one that appeared not at all: the next
    # plan then sees that there is more. One that went was compacted whole.
    return {name: size for name, size in before.items() if name in after}


def _output(watched: Watched, consumed: Mapping[str, str], predictions: str) -> Output:
    # The digest is of all figures, the summary only of those that people look at first.
    digest = _digest(watched.windows)
    shown: list[JSON] = [_shown(window) for window in watched.windows]
    summary: dict[str, JSON] = {"windows": shown, "alerts": watched.alerts, "unplaced": watched.unplaced}
    return Output(digest, f"monitor:{digest[:12]}", summary, observed=consumed, origins=(predictions,))


def _shown(window: WindowRow) -> JSON:
    values = asdict(window)
    return {name: values[name] for name in _SUMMARY}


def _digest(windows: Sequence[WindowRow]) -> str:
    rows = [asdict(window) for window in windows]
    return blake3(json.dumps(rows, sort_keys=True).encode()).hexdigest()


_SUMMARY = (
    "name",
    "model_version",
    "predictions",
    "labelled",
    "quality",
    "mean_prediction",
    "positive_rate",
    "auc",
    "worst_psi",
    "worst_column",
    "breaches",
)
