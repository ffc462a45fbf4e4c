"""A model version on its way to another machine: its tags travel, its files came there with the logged model."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import cast

from ropewalk.errors import NotFound
from ropewalk.mlops.registry.errors import InvalidSource
from ropewalk.mlops.registry.versions import get_version, register
from ropewalk.pipeline import Output, Packed, Workspace

TAGS = "tags"


def pack_version(name: str, output: Output, workspace: Workspace) -> Packed | None:
    """Return the version that `output` names as objects; None when it is not registered any more."""
    try:
        version = get_version(workspace, name, str(output.summary["version"]))
    except NotFound:
        return None
    tags = json.dumps(dict(version.tags), sort_keys=True).encode()
    return Packed(output, {TAGS: workspace.objects.put_bytes(tags).digest})


def unpack_version(name: str, key: str, packed: Packed, workspace: Workspace) -> Output:
    """Register the version here, under the number that it gets here, and return its output.

    Raises:
        InvalidSource: the logged model that it is a version of is not here, or its tags are none.
    """
    output = packed.output
    version = register(
        workspace,
        name,
        model_id=str(output.summary["model_id"]),
        run_id=str(output.summary["run_id"]),
        node_key=key,
        digest=output.digest,
        metrics=_numbers(output),
        tags=_tags(packed, workspace),
    )
    reference = f"{version.name}/{version.version}"
    return replace(
        output,
        reference=f"model:{reference}",
        summary={**output.summary, "version": int(version.version)},
        makes=(f"model_version:{reference}",),
    )


def _tags(packed: Packed, workspace: Workspace) -> dict[str, str]:
    # Bytes from elsewhere: whatever they are, tags are texts.
    try:
        tags = json.loads(workspace.objects.path(packed.objects[TAGS]).read_bytes())
    except (KeyError, ValueError) as error:
        raise InvalidSource(f"the tags of {packed.output.reference} are missing or damaged") from error
    if not isinstance(tags, dict) or not all(isinstance(value, str) for value in tags.values()):
        raise InvalidSource(f"the tags of {packed.output.reference} are none")
    return cast("dict[str, str]", tags)


def _numbers(output: Output) -> dict[str, float]:
    metrics = output.summary.get("metrics")
    found = metrics.items() if isinstance(metrics, dict) else ()
    return {name: float(value) for name, value in found if isinstance(value, int | float)}
