"""The engine: graph, keys, plan, execution, objects and the state of environments."""

from ropewalk.pipeline.bisect import Bisection, Bisector, Culprit, Trial
from ropewalk.pipeline.environments import (
    DEFAULT,
    PRODUCTION,
    base_of,
    branch_environment,
    environment_name,
    is_protected,
    open_environment,
)
from ropewalk.pipeline.errors import (
    AmbiguousName,
    Cycle,
    InvalidPlan,
    NameTaken,
    NodeNotFound,
    NothingRecorded,
    NothingToBisect,
    NotReproducible,
    PlanMoved,
    ProtectedEnvironment,
    Stopped,
    UnknownName,
    UnknownPool,
)
from ropewalk.pipeline.execution import RunOptions, execute
from ropewalk.pipeline.graph import Graph, build_graph, declare_graph
from ropewalk.pipeline.history_errors import (
    AmbiguousRun,
    LogNotFound,
    RunDoesNotEnd,
    RunElsewhere,
    RunNotFound,
    RunOver,
)
from ropewalk.pipeline.leases import Leases, find_holder, living_leases, this_host
from ropewalk.pipeline.object_errors import (
    ObjectDamaged,
    ObjectMissing,
    StoreFull,
    StoreReadOnly,
    UnsafePath,
)
from ropewalk.pipeline.objects import ObjectStore, StoredObject, Verification
from ropewalk.pipeline.past import find_run
from ropewalk.pipeline.past_runs import cancel_run, find_past_run, run_state
from ropewalk.pipeline.plan import Plan, PlannedNode, Status, make_plan
from ropewalk.pipeline.plan_file import (
    PlanFile,
    PlanOrigin,
    plan_file,
    read_plan,
    require_same,
    write_plan,
)
from ropewalk.pipeline.reasons import Reason
from ropewalk.pipeline.records import Record, current_records, to_record
from ropewalk.pipeline.reproduce import ReproducedRun, Reproduction, reproduce
from ropewalk.pipeline.results import NodeResult, Observer, RunResult, State
from ropewalk.pipeline.run_logs import LogFile, last_lines, list_logs, read_on
from ropewalk.pipeline.schedule import (
    Schedule,
    TickState,
    check_schedules,
    read_schedules,
)
from ropewalk.pipeline.schedule_loop import ScheduleFile, Scheduler
from ropewalk.pipeline.schedule_times import Rule
from ropewalk.pipeline.stat_cache import StatCache, open_stat_cache
from ropewalk.pipeline.sweep import SweepPoint, grid, sweep
from ropewalk.pipeline.values import (
    JSON,
    Limits,
    Need,
    Node,
    NodeKind,
    Output,
    Packed,
    Probe,
    Task,
)
from ropewalk.pipeline.workspace import Workspace

__all__ = [
    "DEFAULT",
    "JSON",
    "PRODUCTION",
    "AmbiguousName",
    "AmbiguousRun",
    "Bisection",
    "Bisector",
    "Culprit",
    "Cycle",
    "Graph",
    "InvalidPlan",
    "Leases",
    "Limits",
    "LogFile",
    "LogNotFound",
    "NameTaken",
    "Need",
    "Node",
    "NodeKind",
    "NodeNotFound",
    "NodeResult",
    "NotReproducible",
    "NothingRecorded",
    "NothingToBisect",
    "ObjectDamaged",
    "ObjectMissing",
    "ObjectStore",
    "Observer",
    "Output",
    "Packed",
    "Plan",
    "PlanFile",
    "PlanMoved",
    "PlanOrigin",
    "PlannedNode",
    "Probe",
    "ProtectedEnvironment",
    "Reason",
    "Record",
    "ReproducedRun",
    "Reproduction",
    "Rule",
    "RunDoesNotEnd",
    "RunElsewhere",
    "RunNotFound",
    "RunOptions",
    "RunOver",
    "RunResult",
    "Schedule",
    "ScheduleFile",
    "Scheduler",
    "StatCache",
    "State",
    "Status",
    "Stopped",
    "StoreFull",
    "StoreReadOnly",
    "StoredObject",
    "SweepPoint",
    "Task",
    "TickState",
    "Trial",
    "UnknownName",
    "UnknownPool",
    "UnsafePath",
    "Verification",
    "Workspace",
    "base_of",
    "branch_environment",
    "build_graph",
    "cancel_run",
    "check_schedules",
    "current_records",
    "declare_graph",
    "environment_name",
    "execute",
    "find_holder",
    "find_past_run",
    "find_run",
    "grid",
    "is_protected",
    "last_lines",
    "list_logs",
    "living_leases",
    "make_plan",
    "open_environment",
    "open_stat_cache",
    "plan_file",
    "read_on",
    "read_plan",
    "read_schedules",
    "reproduce",
    "require_same",
    "run_state",
    "sweep",
    "this_host",
    "to_record",
    "write_plan",
]
