"""What the pipeline speaks of: nodes, what they need, what they made, and a kind's four verbs.

The pipeline knows nothing of tables, models or deployments. A room of the house describes its kind of node by
implementing `NodeKind`, and registers it through `ropewalk.plugins`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeAlias

from ropewalk.errors import Place

if TYPE_CHECKING:
    from ropewalk.pipeline.workspace import Workspace
    from ropewalk.project import Project

JSON: TypeAlias = "bool | int | float | str | list[JSON] | dict[str, JSON] | None"


@dataclass(frozen=True)
class Need:
    """A name that a node's definition uses, to be resolved to the node that provides it.

    Attributes:
        name: a provided name (`staging.flights`, `train`) or a node id (`gate:late`).
        place: where the name stands, for the error when nothing provides it.
        is_parameter: whether it names a parameter of Python code, in which two underscores stand for the dot.
    """

    name: str
    place: Place | None = None
    is_parameter: bool = False


@dataclass(frozen=True)
class Limits:
    """How a node may be executed; none of it decides what it makes, so none of it counts in its key.

    Attributes:
        cpu: cores it takes of those that a run may use.
        memory: bytes it takes of the memory that a run may use; 0 means it does not say.
        pool: name of the pool of which it takes one place, such as a database that bears three clients.
        retries: how often it is tried again after an error that may pass.
        backoff_s: seconds before the first retry; each further one waits twice as long.
    """

    cpu: int = 1
    memory: int = 0
    pool: str | None = None
    retries: int = 0
    backoff_s: float = 1.0


@dataclass(frozen=True)
class Node:
    """One thing with lineage, as declared: before anything ran.

    Attributes:
        id: `KIND:NAME`, such as `table:mart.flight_features`.
        provides: the names by which others may ask for it.
        needs: the names it asks for.
        facts: its definition in named parts; all of them count in its key, and a changed one is the reason
            given for running it again. Short values are shown as `old -> new`, long ones as changed lines.
        places: where a fact of that name stands in the project.
        origin: where the node is declared.
        spec: the kind's own value; the pipeline hands it back untouched.
        limits: how it may be executed.
    """

    id: str
    origin: Place
    spec: object = None
    limits: Limits = Limits()
    provides: tuple[str, ...] = ()
    needs: tuple[Need, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    places: Mapping[str, Place] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """The part of the id before the colon."""
        return self.id.partition(":")[0]

    @property
    def name(self) -> str:
        """The part of the id after the colon."""
        return self.id.partition(":")[2]


@dataclass(frozen=True)
class Probe:
    """The state of the world outside as a node sees it, taken without changing anything.

    Attributes:
        facts: named parts of that state, such as a file's path -> its digest; they count in the key.
        unreachable: why the world could not be asked; the recorded state then stands in, if there is one.
        keep: whether an unreachable world is no reason to fail (the node's owner said so).
        settled: whether no fact can change without a change of the project's own files, of what is installed, or
            of the project's state; only a node that is sure of it says so.
    """

    facts: Mapping[str, str] = field(default_factory=dict)
    unreachable: str | None = None
    keep: bool = False
    settled: bool = False


@dataclass(frozen=True)
class Output:
    """What executing a node made.

    Attributes:
        digest: digest of the content; equal digests stop the work downstream (early cut-off).
        reference: where the content is: `snapshot:14`, `run:<id>`, `model:late/3`.
        summary: what a person wants to know of it (rows, metrics, verdict); `warning` is shown when it is made,
            `standing` by every plan and run for as long as it is current.
        observed: the outside facts that this execution really used, when `probe` could not know them all.
        origins: ids of outside things it was made from (`file:landing/flights/2013-01.csv`), for lineage.
        makes: ids of versioned things it made (`run:<id>`, `model_version:late/3`), for lineage.
    """

    digest: str
    reference: str
    summary: Mapping[str, JSON] = field(default_factory=dict)
    observed: Mapping[str, str] | None = None
    origins: tuple[str, ...] = ()
    makes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Packed:
    """An output that can travel: what it was, and the objects that hold its content.

    Attributes:
        output: the output where it was made; its digest holds everywhere, its reference only there.
        objects: digest in the object store of each part, by the part's name.
    """

    output: Output
    objects: Mapping[str, str]


@dataclass(frozen=True)
class Task:
    """One execution of one node.

    Attributes:
        node: what to execute.
        key: its action key; a kind records it beside what it writes, in the same transaction.
        inputs: output of each needed node, by the name used in `Node.needs`.
        input_ids: id of the node behind each of those names.
        run_id: the `ropewalk run` this belongs to.
        workspace: the open project.
        report: callback for progress: (done, total or None, what is being done).
        add_cpu: callback for the CPU seconds of processes that the execution ran.
        attempt: 1, and one more for each retry.
        take_more: callback by which an execution that could use its node's limits several times at once takes them
            up to so many further times; returns how often they are its own until it ends.
    """

    node: Node
    key: str
    inputs: Mapping[str, Output]
    input_ids: Mapping[str, str]
    run_id: str
    workspace: Workspace
    report: Callable[[float, float | None, str], None]
    add_cpu: Callable[[float], None] = lambda _seconds: None
    attempt: int = 1
    take_more: Callable[[int], int] = lambda _most: 0


class NodeKind(Protocol):
    """The port through which a room gives the pipeline one kind of node.

    Kinds derive from it: the last three verbs have an answer that fits where nothing is to be done.
    """

    @property
    def name(self) -> str:
        """The kind's name, the first part of its nodes' ids."""

    @property
    def is_released(self) -> bool:
        """Whether releases name nodes of this kind; others belong to each environment alone, like what it observes."""
        return True

    @property
    def replays(self) -> bool:
        """Whether executing a node again, with inputs of whatever time, has no effect but its output.

        Sweeps, `reproduce` and `bisect` do that.
        """
        return False

    @property
    def observes(self) -> bool:
        """Whether an execution notices inputs that nobody declared, so that equal work may start under several keys."""
        return False

    def declare(self, project: Project) -> Iterable[Node]:
        """Yield the nodes that the project's files declare, without running or importing any of them.

        Raises:
            InvalidProjectFile: a declaration is wrong; the error names its place.
        """

    def probe(self, node: Node, workspace: Workspace, last: Output | None) -> Probe:
        """Return the outside state that `node` depends on; read only. `last` is its recorded output."""

    def holds(self, node: Node, key: str, output: Output, workspace: Workspace) -> bool:
        """Return whether what `output` describes, made under `key`, is still there and current."""

    def execute(self, task: Task) -> Output:
        """Do the work, atomically: after an error or a kill either all of it is there or none.

        Raises:
            RopewalkError: the work failed; the error says why and what to do.
        """

    def adopt(self, node: Node, output: Output, workspace: Workspace) -> None:
        """Make `output`, made by an earlier execution under the same key, current in the workspace's environment.

        Called before the pointer moves to it, and again after a crash: doing it twice is doing it once. A kind
        whose content is addressed by its reference alone has nothing to do here.

        Raises:
            RopewalkError: it cannot be made current; the pointer then stays where it is.
        """
        return  # without a statement mypy takes the method for one that every kind must write

    def show(self, node: Node, output: Output, workspace: Workspace) -> None:
        """Let `output`, current in the environment, stand where environments take turns: in the project's files.

        Called for a node that a run found fresh; doing it twice is doing it once.

        Raises:
            RopewalkError: it cannot be put there.
        """
        return  # as above

    def packages(self, facts: Mapping[str, str]) -> dict[str, str]:
        """Return the versions that a node with these facts ran on, by package; nothing where none count."""
        return {}

    def with_packages(self, node: Node, packages: Mapping[str, str]) -> Node:
        """Return `node` as it would be declared where these versions are installed."""
        return node

    def pack(self, node: Node, output: Output, workspace: Workspace) -> Packed | None:
        """Return `output` as objects of the workspace's store, to be taken to another machine; None if it cannot be."""
        return None

    def unpack(self, node: Node, key: str, packed: Packed, workspace: Workspace) -> Output:
        """Bring in what `pack` made elsewhere under `key`, and return the output as it is named here.

        The objects are in the workspace's store already.

        Raises:
            RopewalkError: the content is not what its digest says, or cannot be brought in.
        """
        # Only what this kind packed is ever given to it.
        message = f"nodes of the kind {self.name} are never packed"
        raise RuntimeError(message)
