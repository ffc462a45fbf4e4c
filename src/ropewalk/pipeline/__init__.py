"""The engine: graph, keys, plan, execution, objects and the state of environments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ropewalk.doors import lazy_names

if TYPE_CHECKING:
    from ropewalk.pipeline.ages import parse_age
    from ropewalk.pipeline.bisect import Bisection, Bisector, Culprit, Trial
    from ropewalk.pipeline.cache_transfer import (
        Transfer,
        Wanted,
        bring_in,
        find_fitting,
        publish_record,
        pull,
        push,
    )
    from ropewalk.pipeline.declared import EnvironmentEntry, PoolSize
    from ropewalk.pipeline.deferred import DeferredKind, has_entries, has_folder, has_text
    from ropewalk.pipeline.environment_report import (
        Difference,
        EnvironmentLine,
        HistoryLine,
        PointerLine,
        compare_environments,
        environment_history,
        environment_lines,
        environment_pointers,
        remove_environment,
        require_environment,
    )
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
    from ropewalk.pipeline.garbage import Kept, Swept, collect_garbage, find_kept
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
        CacheRefused,
        CacheUnreachable,
        InvalidCacheAddress,
        NoSharedCache,
        ObjectDamaged,
        ObjectMissing,
        StoreFull,
        StoreReadOnly,
    )
    from ropewalk.pipeline.objects import ObjectStore, StoredObject, Verification
    from ropewalk.pipeline.past_runs import cancel_run, find_past_run, find_working_run, run_state
    from ropewalk.pipeline.plan import Plan, PlannedNode, Status, make_plan
    from ropewalk.pipeline.plan_files import (
        PlanFile,
        PlanOrigin,
        plan_file,
        read_plan,
        require_same,
        write_plan,
    )
    from ropewalk.pipeline.present_files import files_below
    from ropewalk.pipeline.reasons import Reason
    from ropewalk.pipeline.records import Record, current_records, to_record
    from ropewalk.pipeline.release_errors import (
        ContentMissing,
        EnvironmentKept,
        ExecutionMissing,
        InvalidRelease,
        ReleaseUncommitted,
        UnknownEnvironment,
    )
    from ropewalk.pipeline.release_fetch import fetch_release
    from ropewalk.pipeline.releases import (
        Proposal,
        ReleasePlan,
        Shift,
        apply_release,
        plan_release,
        propose_release,
    )
    from ropewalk.pipeline.remote_garbage import naming_objects
    from ropewalk.pipeline.reproduction import ReproducedRun, Reproduction, reproduce
    from ropewalk.pipeline.results import NodeResult, Observer, RunResult, State
    from ropewalk.pipeline.run_logs import LogFile, last_lines, list_logs, read_on
    from ropewalk.pipeline.schedule import (
        Schedule,
        TickState,
        check_schedules,
        read_schedules,
    )
    from ropewalk.pipeline.schedule_loop import ScheduleFile, Scheduler
    from ropewalk.pipeline.schedule_section import ScheduleForm
    from ropewalk.pipeline.schedule_times import Rule, zone_of
    from ropewalk.pipeline.shared_cache import (
        Manifest,
        Published,
        SharedCache,
        open_shared_cache,
        require_shared_cache,
    )
    from ropewalk.pipeline.stat_cache import StatCache, open_stat_cache
    from ropewalk.pipeline.sweeps import SweepPoint, grid, sweep
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
    "CacheRefused",
    "CacheUnreachable",
    "ContentMissing",
    "Culprit",
    "Cycle",
    "DeferredKind",
    "Difference",
    "EnvironmentEntry",
    "EnvironmentKept",
    "EnvironmentLine",
    "ExecutionMissing",
    "Graph",
    "HistoryLine",
    "InvalidCacheAddress",
    "InvalidPlan",
    "InvalidRelease",
    "Kept",
    "Leases",
    "Limits",
    "LogFile",
    "LogNotFound",
    "Manifest",
    "NameTaken",
    "Need",
    "NoSharedCache",
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
    "PointerLine",
    "PoolSize",
    "Probe",
    "Proposal",
    "ProtectedEnvironment",
    "Published",
    "Reason",
    "Record",
    "ReleasePlan",
    "ReleaseUncommitted",
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
    "ScheduleForm",
    "Scheduler",
    "SharedCache",
    "Shift",
    "StatCache",
    "State",
    "Status",
    "Stopped",
    "StoreFull",
    "StoreReadOnly",
    "StoredObject",
    "SweepPoint",
    "Swept",
    "Task",
    "TickState",
    "Transfer",
    "Trial",
    "UnknownEnvironment",
    "UnknownName",
    "UnknownPool",
    "Verification",
    "Wanted",
    "Workspace",
    "apply_release",
    "base_of",
    "branch_environment",
    "bring_in",
    "build_graph",
    "cancel_run",
    "check_schedules",
    "collect_garbage",
    "compare_environments",
    "current_records",
    "declare_graph",
    "environment_history",
    "environment_lines",
    "environment_name",
    "environment_pointers",
    "execute",
    "fetch_release",
    "files_below",
    "find_fitting",
    "find_holder",
    "find_kept",
    "find_past_run",
    "find_working_run",
    "grid",
    "has_entries",
    "has_folder",
    "has_text",
    "is_protected",
    "last_lines",
    "list_logs",
    "living_leases",
    "make_plan",
    "naming_objects",
    "open_environment",
    "open_shared_cache",
    "open_stat_cache",
    "parse_age",
    "plan_file",
    "plan_release",
    "propose_release",
    "publish_record",
    "pull",
    "push",
    "read_on",
    "read_plan",
    "read_schedules",
    "remove_environment",
    "reproduce",
    "require_environment",
    "require_same",
    "require_shared_cache",
    "run_state",
    "sweep",
    "this_host",
    "to_record",
    "write_plan",
    "zone_of",
]

__getattr__ = lazy_names(__name__, __file__)
