"""Reading `ropewalk.yaml`: each section belongs to a room of the house, which says what an entry looks like."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from ropewalk.errors import Place
from ropewalk.project.errors import InvalidProjectFile
from ropewalk.project.layout import PROJECT_FILE
from ropewalk.project.unknown_keys import unknown_key
from ropewalk.project.yaml import Document, parse_yaml

# Names become parts of node ids, file names and URLs.
ENTRY_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


@dataclass(frozen=True)
class Address:
    """Where a value is: a package and the name of the value there; loaded only when a project needs it."""

    package: str
    name: str

    def load(self) -> object:
        """Return the value."""
        found: object = getattr(importlib.import_module(self.package), self.name)
        return found


@dataclass(frozen=True)
class Section:
    """A top-level key of `ropewalk.yaml` that maps names to entries.

    Attributes:
        key: the top-level key, such as `sources`.
        model: what one entry must be: anything pydantic can validate, or where it is to be found, as an `Address`.
        help: one line for the reference.
    """

    key: str
    model: object
    help: str

    def entry_model(self) -> object:
        """Return what one entry must be, loaded now if it was an address."""
        return self.model.load() if isinstance(self.model, Address) else self.model


@dataclass(frozen=True)
class Entry:
    """One named entry of a section, validated, and where it stands."""

    name: str
    value: object
    place: Place


@dataclass(frozen=True)
class Project:
    """A user's repository as declared: its root, its name, and the entries of each section.

    Attributes:
        parameters: what a command sets in place of a step's defaults, as text: `train.max_depth` -> `8`.
    """

    root: Path
    name: str
    sections: Mapping[str, Mapping[str, Entry]]
    parameters: Mapping[str, str] = field(default_factory=dict)

    def with_parameters(self, parameters: Mapping[str, str]) -> Project:
        """Return the same project with parameters of steps set."""
        return replace(self, parameters=dict(parameters))

    def entries(self, section: str) -> Mapping[str, Entry]:
        """Return the entries of one section by name; none when the file does not have it."""
        return self.sections.get(section, {})


def load_project(root: Path, sections: Iterable[Section]) -> Project:
    """Read the project file at `root`, with every entry validated by its section's model.

    Raises:
        InvalidYAML: the file is not YAML.
        UnknownKey: a key that no section or model has.
        InvalidProjectFile: a value that does not fit.
    """
    known = {section.key: section for section in sections}
    document = parse_yaml(root / PROJECT_FILE, root)
    if not isinstance(document.data, Mapping):
        raise InvalidProjectFile(
            f"{PROJECT_FILE} must be a mapping that starts with `project: NAME`", place=document.place()
        )
    # Before anything else: a misspelt section would leave the project without what stands in it.
    _refuse_unknown(document, ["project", *known])
    name = document.data.get("project")
    if not isinstance(name, str) or not name:
        raise InvalidProjectFile("key 'project' must name the project", place=document.place(("project",)))
    found = {key: _read_section(document, section) for key, section in known.items() if key in document.data}
    return Project(root, name, found)


def project_schema(sections: Iterable[Section]) -> dict[str, object]:
    """Return the JSON Schema of `ropewalk.yaml`, for editors."""
    from pydantic import TypeAdapter

    properties: dict[str, object] = {"project": {"type": "string", "description": "Name of the project"}}
    definitions: dict[str, object] = {}
    for section in sections:
        adapter: TypeAdapter[object] = TypeAdapter(section.entry_model())  # type: ignore[arg-type]  # also takes annotated unions
        schema = adapter.json_schema(ref_template="#/$defs/{model}")
        # Definitions of all sections share one place, as references are written from the top.
        definitions |= schema.pop("$defs", {})
        properties[section.key] = {
            "type": "object",
            "description": section.help,
            "additionalProperties": schema,
        }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": PROJECT_FILE,
        "type": "object",
        "required": ["project"],
        "additionalProperties": False,
        "properties": properties,
        "$defs": definitions,
    }


def _refuse_unknown(document: Document, valid: list[str]) -> None:
    data = document.data
    assert isinstance(data, Mapping)
    for key in data:
        if key not in valid:
            raise unknown_key(document, (key,), valid)


def _read_section(document: Document, section: Section) -> dict[str, Entry]:
    data = document.data
    assert isinstance(data, Mapping)
    entries = data[section.key]
    # A section whose last entry was commented out is empty, not wrong.
    if entries is None:
        return {}
    if not isinstance(entries, Mapping):
        raise InvalidProjectFile(
            f"{section.key} must map names to entries", place=document.place((section.key,))
        )
    return {name: _read_entry(document, section, str(name)) for name in entries}


def _read_entry(document: Document, section: Section, name: str) -> Entry:
    location = (section.key, name)
    if not ENTRY_NAME.fullmatch(name):
        raise InvalidProjectFile(
            f"{section.key}: {name!r} cannot be a name",
            place=document.place(location),
            hint="a name starts with a letter or digit and holds only these, `_`, `-` and `.`",
        )
    # Loading pydantic costs more than reading a project that has no entries.
    from ropewalk.project.validation import validate

    value: object = validate(document, section.entry_model(), location)
    return Entry(name, value, document.place(location))
