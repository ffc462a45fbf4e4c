"""The engine: graph, keys, plan, execution, objects and the state of environments."""

from ropewalk.pipeline.errors import (
    AmbiguousName,
    Cycle,
    NameTaken,
    NodeNotFound,
    RunInProgress,
    UnknownName,
)
from ropewalk.pipeline.execution import NodeResult, Observer, RunResult, State, execute
from ropewalk.pipeline.graph import Graph, build_graph, declare_graph
from ropewalk.pipeline.objects import ObjectMissing, ObjectStore, StoredObject
from ropewalk.pipeline.plan import Plan, PlannedNode, Status, make_plan
from ropewalk.pipeline.reasons import Reason
from ropewalk.pipeline.records import Record, current_records
from ropewalk.pipeline.stat_cache import StatCache, open_stat_cache
from ropewalk.pipeline.values import JSON, Limits, Need, Node, NodeKind, Output, Packed, Probe, Task
from ropewalk.pipeline.workspace import Workspace

__all__ = [
    "JSON",
    "AmbiguousName",
    "Cycle",
    "Graph",
    "Limits",
    "NameTaken",
    "Need",
    "Node",
    "NodeKind",
    "NodeNotFound",
    "NodeResult",
    "ObjectMissing",
    "ObjectStore",
    "Observer",
    "Output",
    "Packed",
    "Plan",
    "PlannedNode",
    "Probe",
    "Reason",
    "Record",
    "RunInProgress",
    "RunResult",
    "StatCache",
    "State",
    "Status",
    "StoredObject",
    "Task",
    "UnknownName",
    "Workspace",
    "build_graph",
    "current_records",
    "declare_graph",
    "execute",
    "make_plan",
    "open_stat_cache",
]
