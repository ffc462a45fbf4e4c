"""dbt's manifest (`target/manifest.json`, schema v10 and later) as values: what of it can move, and nothing else.

The format: https://schemas.getdbt.com/dbt/manifest/v12.json. Keys that are not read here are ignored, as dbt adds some
with every release.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import msgspec

from ropewalk.dataops.dbt.errors import InvalidManifest, ManifestMissing, ManifestNotCompiled
from ropewalk.errors import Place

FILE = "target/manifest.json"
OLDEST = 10
_VERSION = re.compile(r"/manifest/v(\d+)\.json")
COMPILE = "run `dbt compile --full-refresh` in the dbt project, and import again"


class Metadata(msgspec.Struct, frozen=True):
    """What dbt says of the manifest itself."""

    dbt_schema_version: str = ""
    dbt_version: str = ""
    project_name: str | None = None
    adapter_type: str | None = None


class Constraint(msgspec.Struct, frozen=True):
    """What a model's contract in dbt asks of a column."""

    type: str = ""


class Column(msgspec.Struct, frozen=True):
    """A column that the project's YAML describes."""

    name: str
    description: str | None = None
    data_type: str | None = None
    constraints: list[Constraint] = []


class Age(msgspec.Struct, frozen=True):
    """How old the newest row of a source may be."""

    count: int | None = None
    period: str | None = None


class Freshness(msgspec.Struct, frozen=True):
    """From which age on dbt warns, or fails."""

    warn_after: Age | None = None
    error_after: Age | None = None

    @property
    def limit(self) -> Age | None:
        """The first age that is told of, or None when none is."""
        ages = (age for age in (self.warn_after, self.error_after) if age and age.count and age.period)
        return next(ages, None)


class Config(msgspec.Struct, frozen=True):
    """How a node is configured."""

    materialized: str | None = None
    schema: str | None = None
    unique_key: str | list[str] | None = None
    strategy: str | None = None
    updated_at: str | None = None
    severity: str | None = None
    where: str | None = None
    error_if: str | None = None
    warn_if: str | None = None
    fail_calc: str | None = None
    limit: int | None = None
    delimiter: str | None = None
    column_types: dict[str, str] = {}
    grants: dict[str, object] = {}
    pre_hook: list[object] = msgspec.field(default_factory=list, name="pre-hook")
    post_hook: list[object] = msgspec.field(default_factory=list, name="post-hook")
    enabled: bool = True


class DependsOn(msgspec.Struct, frozen=True):
    """What a node is made from."""

    nodes: list[str] = []


class TestMetadata(msgspec.Struct, frozen=True):
    """Which generic test a test is, and what it was given."""

    __test__ = False
    name: str
    kwargs: dict[str, object] = {}
    namespace: str | None = None


class Node(msgspec.Struct, frozen=True):
    """A model, seed, snapshot, test, analysis or operation; or a source's table."""

    unique_id: str
    name: str
    resource_type: str
    package_name: str = ""
    path: str = ""
    original_file_path: str = ""
    database: str | None = None
    schema: str | None = None
    alias: str | None = None
    identifier: str | None = None
    source_name: str | None = None
    description: str | None = None
    language: str | None = None
    columns: dict[str, Column] = {}
    config: Config = Config()
    depends_on: DependsOn = DependsOn()
    compiled_code: str | None = None
    test_metadata: TestMetadata | None = None
    column_name: str | None = None
    attached_node: str | None = None
    root_path: str | None = None
    meta: dict[str, object] = {}
    freshness: Freshness | None = None
    loaded_at_field: str | None = None

    @property
    def relation(self) -> tuple[str, str, str]:
        """Database, schema and name under which SQL knows it, in lower case."""
        name = self.identifier or self.alias or self.name
        return (self.database or "").lower(), (self.schema or "").lower(), name.lower()


class Fixture(msgspec.Struct, frozen=True):
    """Rows of a unit test."""

    rows: list[dict[str, object]] | str | None = None
    format: str | None = None
    input: str = ""
    fixture: str | None = None


class Overrides(msgspec.Struct, frozen=True):
    """What a unit test replaces."""

    macros: dict[str, object] = {}
    vars: dict[str, object] = {}
    env_vars: dict[str, object] = {}


class UnitTest(msgspec.Struct, frozen=True):
    """One unit test of a model."""

    unique_id: str
    name: str
    model: str
    given: list[Fixture] = []
    expect: Fixture = Fixture()
    description: str | None = None
    overrides: Overrides | None = None
    depends_on: DependsOn = DependsOn()


class Named(msgspec.Struct, frozen=True):
    """Something of which only the name is told: an exposure, a metric, a saved question."""

    name: str = ""


class Manifest(msgspec.Struct, frozen=True):
    """What a dbt project consists of.

    Attributes:
        root: the dbt project's folder, from which paths in it count.
    """

    metadata: Metadata
    nodes: dict[str, Node]
    sources: dict[str, Node] = {}
    exposures: dict[str, Named] = {}
    metrics: dict[str, Named] = {}
    semantic_models: dict[str, Named] = {}
    saved_queries: dict[str, Named] = {}
    functions: dict[str, Named] = {}
    unit_tests: dict[str, UnitTest] = {}
    root: str = ""

    def of_type(self, *types: str) -> list[Node]:
        """Return the nodes of these types in order of their ids."""
        return [node for _, node in sorted(self.nodes.items()) if node.resource_type in types]


def read_manifest(path: Path) -> Manifest:
    """Return the manifest of the dbt project at `path`, a folder, or the manifest's own file.

    Raises:
        ManifestMissing: there is none.
        InvalidManifest: it is none, or of a version too old.
        ManifestNotCompiled: it has no compiled SQL.
    """
    file = path / FILE if path.is_dir() else path
    shown = Place(str(file))
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        raise ManifestMissing(f"there is no {FILE} in {path}", place=shown, hint=COMPILE) from None
    except OSError as error:
        raise InvalidManifest(f"cannot be read: {error.strerror}", place=shown) from error
    # The version first: an old manifest has another shape, and would be told of as broken.
    try:
        _refuse_old(msgspec.json.decode(content, type=_Head).metadata, shown)
        found = msgspec.json.decode(content, type=Manifest)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InvalidManifest(f"no manifest of dbt: {error}", place=shown, hint=COMPILE) from error
    root = path if path.is_dir() else (path.parent.parent if path.parent.name == "target" else path.parent)
    found = msgspec.structs.replace(found, root=str(root))
    _refuse_uncompiled(found, shown)
    return found


class _Head(msgspec.Struct, frozen=True):
    metadata: Metadata


def _refuse_old(metadata: Metadata, place: Place) -> None:
    version = _VERSION.search(metadata.dbt_schema_version)
    if version is None:
        raise InvalidManifest(
            "no manifest of dbt: it does not name its schema version", place=place, hint=COMPILE
        )
    if int(version[1]) < OLDEST:
        raise InvalidManifest(
            f"a manifest of schema version {version[1]}, written by dbt {metadata.dbt_version or 'unknown'}",
            place=place,
            hint=f"versions from {OLDEST} on can be read: compile it with dbt 1.6 or newer",
        )


def _refuse_uncompiled(manifest: Manifest, place: Place) -> None:
    """Refuse a manifest whose models have no SQL that stands for itself.

    Raises:
        ManifestNotCompiled: they have none, or SQL that reads what it made before.
    """
    models = [node for node in manifest.of_type("model", "snapshot") if node.language != "python"]
    if bare := [node.name for node in models if _is_bare(node)]:
        raise ManifestNotCompiled(
            f"{_some(bare)} of {len(models)} models and snapshots {_agree(bare, 'has', 'have')} no compiled SQL",
            place=place,
            hint=f"parsing alone compiles nothing; {COMPILE}",
        )
    if again := [node.name for node in models if _reads_itself(node)]:
        raise ManifestNotCompiled(
            f"{_some(again)} {_agree(again, 'was', 'were')} compiled for an incremental run: that SQL reads the table it adds to",
            place=place,
            hint=COMPILE,
        )


def _is_bare(node: Node) -> bool:
    return not (node.compiled_code or "").strip()


def _reads_itself(node: Node) -> bool:
    # No other model is compiled differently when its table is there already.
    if node.config.materialized != "incremental":
        return False
    text = re.sub(r'["`\[\]]', "", node.compiled_code or "").lower()
    database, schema, name = node.relation
    full = rf"{re.escape(schema)}\.{re.escape(name)}"
    prefix = rf"(?:{re.escape(database)}\.)?" if database else ""
    return re.search(rf"\b{prefix}{full}\b", text) is not None


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _agree(names: list[str], one: str, many: str) -> str:
    return one if len(names) == 1 else many


def texts(values: Mapping[str, object], *names: str) -> dict[str, str]:
    """Return those of `values` called `names` that are texts."""
    return {name: found for name in names if isinstance(found := values.get(name), str)}
