"""Results that laptops and CI share, and the rule that says whose results count where.

An entry is a manifest, `…/ac/<action key>.json`, that says what an execution used and made and names the objects
that hold it, `cas/<ab>/<digest>`. The objects are written first and the manifest last, so an entry is there as a
whole or not at all; nothing is overwritten. What is fetched is held against its digest.

A digest proves that bytes are what the manifest names, not that the manifest tells the truth. So only builders that
are trusted write below `trusted/`, and protected environments and trusted builders read nothing else; everybody
else writes, and also reads, below `untrusted/<project>/<environment>/`.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote

import ropewalk
from ropewalk.errors import Place
from ropewalk.pipeline.environments import is_protected
from ropewalk.pipeline.keys import action_key
from ropewalk.pipeline.object_errors import NoSharedCache, ObjectDamaged
from ropewalk.pipeline.values import Node, Output, Packed
from ropewalk.project import git_state
from ropewalk.store import now_ms

if TYPE_CHECKING:
    from ropewalk.pipeline.shared_storage import SharedStorage
    from ropewalk.pipeline.workspace import Workspace

_KEY = re.compile(r"[0-9a-f]{32,64}")


class Recorded(Protocol):
    """An execution as it is recorded: `Record` and `ActionRow` without what their environments think of it."""

    @property
    def key(self) -> str:
        """The key of what it really used."""

    @property
    def task_key(self) -> str:
        """The key that it was started under."""

    @property
    def facts(self) -> Mapping[str, str]:
        """The node's definition."""

    @property
    def outside(self) -> Mapping[str, str]:
        """What it saw of the outside."""

    @property
    def inputs(self) -> Mapping[str, str]:
        """Digest of each input."""

    @property
    def input_references(self) -> Mapping[str, str]:
        """Where each input was."""


@dataclass(frozen=True)
class Manifest:
    """What one execution used and made.

    Attributes:
        key: the key of what it really used.
        task_key: the key that it was started under.
        node: what was executed.
        facts: the node's definition.
        outside: what it saw of the outside.
        inputs: digest of each input.
        input_references: where each input was, on the machine that made it.
        output: what it made, as named on that machine.
        objects: digest of the object that holds each part, by the part's name.
        builder: who made it: role, project, environment, commit, version of Ropewalk.
        created: when it was published, in UTC milliseconds.
    """

    key: str
    task_key: str
    node: str
    facts: Mapping[str, str]
    outside: Mapping[str, str]
    inputs: Mapping[str, str]
    input_references: Mapping[str, str]
    output: Output
    objects: Mapping[str, str]
    builder: Mapping[str, str]
    created: int

    @property
    def is_trusted(self) -> bool:
        """Whether a trusted builder made it; the place that it was found in has been checked for that."""
        return self.builder.get("role") == "trusted"


@dataclass(frozen=True)
class Published:
    """What publishing one result did: how many objects and bytes travelled, and whether the manifest was new."""

    objects: int = 0
    size: int = 0
    is_new: bool = False


class SharedCache:
    """The shared cache as one project, in one environment, may use it.

    Every method raises `CacheUnreachable` when the storage does not answer, from then on at once, and `CacheRefused`
    when it refuses.
    """

    def __init__(self, storage: SharedStorage, workspace: Workspace) -> None:
        settings = workspace.settings
        self.address = storage.address
        self.is_trusted = settings.cache_role == "trusted"
        #: Whether only what trusted builders made counts here.
        self.reads_trusted_only = self.is_trusted or is_protected(workspace.project, settings.environment)
        self._storage = storage
        project, environment = (
            quote(name, safe="") for name in (workspace.project.name, settings.environment)
        )
        self._own = f"untrusted/{project}/{environment}"

    @property
    def namespaces(self) -> tuple[str, ...]:
        """Where manifests are looked for, in that order."""
        return ("trusted",) if self.reads_trusted_only else ("trusted", self._own)

    def find(self, key: str) -> Manifest | None:
        """Return the manifest of an execution that was started under `key` or has it, or None.

        One that cannot be read, or is not about that key, is no manifest. Found by the key to start under, it is of
        use only while the outside still is as it says (`Manifest.outside`).
        """
        if _KEY.fullmatch(key) is None:
            return None
        for namespace in self.namespaces:
            content = self._storage.read(_entry(namespace, key))
            manifest = _read_manifest(content) if content is not None else None
            if manifest is not None and key in _keys(manifest) and _is_consistent(manifest):
                role = "trusted" if namespace == "trusted" else "untrusted"
                # What it says of itself does not count, only where it was allowed to stand.
                return dataclasses.replace(manifest, builder={**manifest.builder, "role": role})
        return None

    def has(self, key: str) -> bool:
        """Return whether there is an entry for `key` that counts here, without reading it."""
        return any(self._storage.size(_entry(namespace, key)) is not None for namespace in self.namespaces)

    def fetch(self, manifest: Manifest, workspace: Workspace) -> Packed:
        """Bring the objects of `manifest` into the workspace's store, and return what `unpack` takes.

        Raises:
            ObjectDamaged: an object is not there, or is not what its name says.
        """
        for digest in dict.fromkeys(manifest.objects.values()):
            if not workspace.objects.renew(digest):
                try:
                    workspace.objects.put_expected(self._storage.pieces(_object(digest)), digest)
                except ObjectDamaged as error:
                    raise ObjectDamaged(
                        f"object {digest} in the shared cache {self.address} is missing or damaged",
                        hint=f"remove {_object(digest)} there; it is written again by the next push",
                    ) from error
        return Packed(manifest.output, manifest.objects)

    def publish(
        self, record: Recorded, packed: Packed, workspace: Workspace, node: str, *, observes: bool = False
    ) -> Published:
        """Let others find what `record` says was made: the objects first, the manifest last.

        With `observes` also those who have not seen what the execution noticed of the outside.

        Raises:
            ObjectMissing: an object is not in the workspace's store.
        """
        namespace = "trusted" if self.is_trusted else self._own
        # One request tells that all is there: the manifest was written last.
        if self._storage.size(_entry(namespace, record.key)) is not None:
            return Published()
        sent = size = 0
        for digest in dict.fromkeys(packed.objects.values()):
            path = workspace.objects.path(digest)
            if self._send(digest, workspace):
                sent, size = sent + 1, size + path.stat().st_size
        content = _write_manifest(self._manifest(record, packed, workspace, node))
        is_new = self._storage.create(_entry(namespace, record.key), content)
        # Whoever plans knows only a key to start under; which of several results fits is for them to see. Who never
        # executed the node starts under another one than who did, and noticed what it reads.
        others = {record.task_key} | ({_first_key(node, record)} if observes else set())
        for key in sorted(others - {record.key}):
            self._storage.create(_entry(namespace, key), content)
        return Published(sent, size, is_new)

    def _send(self, digest: str, workspace: Workspace) -> bool:
        path = workspace.objects.path(digest)
        there = self._storage.size(_object(digest))
        if there == path.stat().st_size:
            return False
        # What is damaged here must not be handed on.
        workspace.objects.require_whole(digest)
        if there is None:
            return self._storage.create(_object(digest), path)
        # The size proves that what is there is not what its name says.
        self._storage.replace(_object(digest), path)
        return True

    def _manifest(self, record: Recorded, packed: Packed, workspace: Workspace, node: str) -> Manifest:
        builder = {
            "role": workspace.settings.cache_role,
            "project": workspace.project.name,
            "environment": workspace.settings.environment,
            "commit": git_state(workspace.root).commit or "",
            "ropewalk": ropewalk.__version__,
        }
        return Manifest(
            key=record.key,
            task_key=record.task_key,
            node=node,
            facts=record.facts,
            outside=record.outside,
            inputs=record.inputs,
            input_references=record.input_references,
            output=packed.output,
            objects=packed.objects,
            builder=builder,
            created=now_ms(),
        )


def open_shared_cache(workspace: Workspace) -> SharedCache | None:
    """Return the shared cache that the settings name, or None. Nothing is sent yet.

    Raises:
        InvalidCacheAddress: the setting `cache` is neither a folder nor S3 storage.
        CacheRefused: it is a folder that cannot be made.
    """
    if not workspace.settings.cache:
        return None
    # Only projects that share pay for the library.
    from ropewalk.pipeline.shared_storage import open_storage

    return SharedCache(open_storage(workspace.settings.cache, workspace.root), workspace)


def require_shared_cache(workspace: Workspace) -> SharedCache:
    """Return the shared cache that the settings name.

    Raises:
        NoSharedCache: they name none.
        InvalidCacheAddress: the setting `cache` is neither a folder nor S3 storage.
    """
    cache = open_shared_cache(workspace)
    if cache is None:
        raise NoSharedCache(
            "this project has no shared cache",
            hint="set ROPEWALK_CACHE to a folder that others see, or to s3://BUCKET/PREFIX",
        )
    return cache


def _entry(namespace: str, key: str) -> str:
    return f"{namespace}/ac/{key}.json"


def _object(digest: str) -> str:
    return f"cas/{digest[:2]}/{digest}"


def _keys(manifest: Manifest) -> tuple[str, ...]:
    return manifest.key, manifest.task_key, _first_key(manifest.node, manifest)


def _first_key(node_id: str, record: Recorded) -> str:
    """Return the key that whoever has seen nothing of the outside starts under."""
    return action_key(Node(node_id, Place(node_id), facts=record.facts), {}, record.inputs)


def _is_consistent(manifest: Manifest) -> bool:
    """Return whether the manifest's key is the key of what it says was used."""
    node = Node(manifest.node, Place(manifest.node), facts=manifest.facts)
    return action_key(node, manifest.outside, manifest.inputs) == manifest.key


def _write_manifest(manifest: Manifest) -> bytes:
    return json.dumps(dataclasses.asdict(manifest), indent=1, sort_keys=True).encode()


def _read_manifest(content: bytes) -> Manifest | None:
    """Return the manifest, or None when the bytes are none: they may be anybody's."""
    try:
        fields = json.loads(content)
        made = fields["output"]
        # JSON knows no tuples.
        output = Output(**{**made, "origins": tuple(made["origins"]), "makes": tuple(made["makes"])})
        manifest = Manifest(**{**fields, "output": output})
        texts = (manifest.key, manifest.task_key, manifest.node, output.digest, output.reference)
        maps = (manifest.facts, manifest.outside, manifest.inputs, manifest.input_references)
        named = (*maps, manifest.objects, manifest.builder, output.observed or {})
        pairs = [text for found in named for pair in found.items() for text in pair]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    is_text = all(isinstance(text, str) for text in (*texts, *pairs, *output.origins, *output.makes))
    return manifest if is_text and isinstance(manifest.created, int) else None
