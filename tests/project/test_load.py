"""Reading `ropewalk.yaml` through the sections that rooms contribute."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from ropewalk.project import (
    Entry,
    InvalidProjectFile,
    InvalidYAML,
    Project,
    Section,
    UnknownKey,
    load_project,
    project_schema,
)

WriteProject = Callable[[Mapping[str, str]], Path]


class Files(BaseModel):
    model_config = ConfigDict(extra="forbid")
    kind: Literal["files"]
    path: str


class Limits(BaseModel):
    model_config = ConfigDict(extra="forbid")
    psi: float = 0.2


class Monitor(BaseModel):
    model_config = ConfigDict(extra="forbid")
    limits: Limits = Limits()


SECTIONS = [
    Section("sources", Annotated[Files | Monitor, Field()], "What is loaded"),
    Section("monitor", Monitor, "What is watched"),
]


@pytest.fixture
def load(write_project: WriteProject) -> Callable[[str], Project]:
    return lambda text: load_project(write_project({"ropewalk.yaml": text}), SECTIONS)


def test_entries_by_section(load: Callable[[str], Project]) -> None:
    """Each entry is validated by its section's model and knows its place."""
    project = load("project: shop\nmonitor:\n  churn: {limits: {psi: 0.1}}\nsources:\n")

    assert project.name == "shop"
    entry = project.entries("monitor")["churn"]
    assert entry == Entry("churn", Monitor(limits=Limits(psi=0.1)), entry.place)
    assert str(entry.place) == "ropewalk.yaml:3:3"
    assert project.entries("sources") == project.entries("gates") == {}


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("", "1:1", "must be a mapping"),
        ("- project: x\n", "1:1", "must be a mapping"),
        ("monitor: {}\n", "1:1", "'project' must name"),
        ("project: 12\n", "1:1", "'project' must name"),
        ("project: ''\n", "1:1", "'project' must name"),
        ("project: x\nmonitor: [a]\n", "2:1", "monitor must map names to entries"),
        ("project: x\nmonitor: {a: {limits: {psi: high}}}\n", "2:24", "psi"),
        ("project: x\nmonitor: {../evil: {}}\n", "2:11", "'../evil' cannot be a name"),
        ("project: x\nmonitor: {'': {}}\n", "2:11", "'' cannot be a name"),
    ],
)
def test_what_does_not_fit(load: Callable[[str], Project], text: str, place: str, words: str) -> None:
    """A file that is no project file says what it must be, at the place that is wrong."""
    with pytest.raises(InvalidProjectFile) as caught:
        load(text)

    assert words in caught.value.message
    assert str(caught.value.place) == f"ropewalk.yaml:{place}"


@pytest.mark.parametrize(
    ("text", "place", "nearest", "valid"),
    [
        ("project: x\nmonitors: {}\n", "2:1", "monitor", "project, sources, monitor"),
        ("project: x\nmonitor:\n  a:\n    limit: {}\n", "4:5", "limits", "limits"),
        ("project: x\nmonitor:\n  a:\n    limits: {pis: 1}\n", "4:14", "psi", "psi"),
    ],
)
def test_unknown_keys(
    load: Callable[[str], Project], text: str, place: str, nearest: str, valid: str
) -> None:
    """At the top, in an entry and inside it, an unknown key shows the keys of its own level."""
    with pytest.raises(UnknownKey) as caught:
        load(text)

    assert (str(caught.value.place), caught.value.nearest) == (f"ropewalk.yaml:{place}", nearest)
    assert caught.value.hint == f"valid here: {valid}"


def test_broken_yaml(load: Callable[[str], Project]) -> None:
    """A file that is not YAML is refused before anything else is said of it."""
    with pytest.raises(InvalidYAML, match="not valid YAML"):
        load("project: [\n")


def test_missing_file(tmp_path: Path) -> None:
    """A folder without the file is an error of the project, not of Python."""
    with pytest.raises(InvalidProjectFile, match="No such file"):
        load_project(tmp_path, SECTIONS)


def test_schema_for_editors() -> None:
    """The JSON Schema closes the top level and resolves every model that a section refers to."""
    schema = project_schema(SECTIONS)

    properties, definitions = schema["properties"], schema["$defs"]
    assert isinstance(properties, dict)
    assert isinstance(definitions, dict)
    assert schema["additionalProperties"] is False
    assert set(properties) == {"project", "sources", "monitor"}
    assert properties["monitor"]["description"] == "What is watched"
    assert set(definitions) == {"Files", "Monitor", "Limits"}
    assert TypeAdapter(dict[str, object]).validate_python(schema) == schema
