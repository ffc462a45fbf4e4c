"""A model version travels by its tags; where it arrives it gets the number that is next there."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from ropewalk.errors import Place
from ropewalk.mlops.registry import INPUTS_TAG, ModelKind, delete_version, get_version, register
from ropewalk.mlops.registry.errors import InvalidSource
from ropewalk.pipeline import Node, Output, Packed, Workspace
from ropewalk.store.tracking.values import LoggedModel

LogModel = Callable[..., LoggedModel]
NODE = Node("model:late", Place("steps/late.py", 1))
TAGS = {INPUTS_TAG: json.dumps([{"table": "mart.flights", "snapshot": 14, "digest": "d"}])}


def output_of(model: LoggedModel, version: int = 7) -> Output:
    """Return what another machine made of a logged model that arrived here already."""
    summary = {
        "name": "late",
        "version": version,
        "model_id": model.id,
        "run_id": model.source_run_id,
        "metrics": {"evaluate.auc": 0.79},
    }
    return Output("content", f"model:late/{version}", summary, makes=(f"model_version:late/{version}",))


def sent(project: Workspace, output: Output, tags: object = TAGS) -> Packed:
    return Packed(output, {"tags": project.objects.put_bytes(json.dumps(tags).encode()).digest})


def test_a_version_arrives_under_the_number_that_is_next_here(
    project: Workspace, log_model: LogModel
) -> None:
    """With its figures and its tags; arriving twice is arriving once."""
    packed = sent(project, output_of(log_model()))

    for _ in range(2):
        output = ModelKind().unpack(NODE, "k", packed, project)

    version = get_version(project, "late", "1")
    assert (output.reference, output.summary["version"]) == ("model:late/1", 1)
    assert output.makes == ("model_version:late/1",)
    assert (version.digest, version.metrics["evaluate.auc"]) == ("content", 0.79)
    assert version.tags[INPUTS_TAG] == TAGS[INPUTS_TAG]
    assert ModelKind().holds(NODE, "k", output, project)


def test_what_is_packed_can_be_unpacked(project: Workspace, log_model: LogModel) -> None:
    """The tags are those of the registered version, and one that is gone is not packed."""
    model = log_model()
    register(project, "late", model.id, model.source_run_id or "", "k", "content", {}, TAGS)
    output = output_of(model, version=1)

    packed = ModelKind().pack(NODE, output, project)

    assert packed
    assert json.loads(project.objects.path(packed.objects["tags"]).read_text()) == TAGS
    assert ModelKind().unpack(NODE, "k", packed, project).reference == "model:late/1"
    delete_version(project, "late", "1")
    assert ModelKind().pack(NODE, output, project) is None


@pytest.mark.parametrize("tags", [["a"], {"a": 1}, "text"])
def test_tags_that_are_none_are_refused(project: Workspace, log_model: LogModel, tags: object) -> None:
    """Bytes from elsewhere are believed only as far as they are texts."""
    with pytest.raises(InvalidSource, match="are none"):
        ModelKind().unpack(NODE, "k", sent(project, output_of(log_model()), tags), project)


def test_a_version_without_its_model_is_refused(project: Workspace, log_model: LogModel) -> None:
    """The logged model comes first, and its tags come along."""
    output = output_of(log_model())
    lost = replace(output, summary={**output.summary, "model_id": "m-nowhere"})

    with pytest.raises(InvalidSource):
        ModelKind().unpack(NODE, "k", sent(project, lost), project)
    with pytest.raises(InvalidSource, match="missing or damaged"):
        ModelKind().unpack(NODE, "k", Packed(output, {}), project)
