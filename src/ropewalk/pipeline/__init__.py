"""The engine: graph, keys, plan, execution, objects and the state of environments."""

from ropewalk.pipeline.objects import ObjectMissing, ObjectStore, StoredObject
from ropewalk.pipeline.values import JSON, Need, Node, NodeKind, Output, Probe, Task
from ropewalk.pipeline.workspace import Workspace

__all__ = [
    "JSON",
    "Need",
    "Node",
    "NodeKind",
    "ObjectMissing",
    "ObjectStore",
    "Output",
    "Probe",
    "StoredObject",
    "Task",
    "Workspace",
]
