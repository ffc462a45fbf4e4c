"""YAML with positions: every value knows its line and column, so that every complaint can name them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from ropewalk.errors import Place, nearest
from ropewalk.project.errors import InvalidProjectFile, InvalidYAML, UnknownKey

T = TypeVar("T")
Location = tuple[str | int, ...]


@dataclass(frozen=True)
class Document:
    """A parsed YAML file: its data, and the place of every key and item.

    Attributes:
        path: the file as a person would name it, relative to the project.
        data: what the file holds, in plain Python values.
        places: location (keys and indexes from the top) of each value -> (line, column).
    """

    path: str
    data: object
    places: Mapping[Location, tuple[int, int]]

    def place(self, location: Location = ()) -> Place:
        """Return where the value at `location` stands, or its nearest parent that is in the file."""
        known = _in_file(self.places, location)
        line, column = self.places.get(known, (1, 1))
        return Place(self.path, line, column)


def parse_yaml(path: Path, root: Path) -> Document:
    """Read one YAML file of the project at `root`.

    Raises:
        InvalidYAML: the file is not well-formed, not UTF-8, or repeats a key.
    """
    shown = path.relative_to(root).as_posix()
    try:
        node = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
        places: dict[Location, tuple[int, int]] = {}
        data = _construct(node, (), places, shown) if node else None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(shown, mark.line + 1, mark.column + 1) if mark else Place(shown)
        raise InvalidYAML(f"not valid YAML: {error.problem or error.context}", place=place) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InvalidYAML(f"not valid YAML: {error}", place=Place(shown)) from error
    return Document(shown, data, places)


def validate(document: Document, model: type[T] | object, location: Location = ()) -> T:
    """Return the part of `document` at `location` as `model` (anything pydantic can validate).

    Raises:
        UnknownKey: a key that the model does not have.
        InvalidProjectFile: a value that does not fit.
    """
    data = document.data
    for step in location:
        data = data[step]  # type: ignore[index]  # the caller's location exists
    adapter: TypeAdapter[T] = TypeAdapter(model)  # type: ignore[arg-type]  # also takes annotated unions
    try:
        return adapter.validate_python(data)
    except ValidationError as error:
        raise _translate(document, error, location) from error


def _translate(document: Document, error: ValidationError, location: Location) -> InvalidProjectFile:
    problems = error.errors(include_url=False)
    # Unknown keys first: a misspelt key also makes the right one "missing".
    problem = next((p for p in problems if p["type"] == "extra_forbidden"), problems[0])
    where = _in_file(document.places, (*location, *problem["loc"]))
    place = document.place(where)
    others = f"{len(problems) - 1} more in this entry" if len(problems) > 1 else None
    if problem["type"] == "extra_forbidden":
        key = str(problem["loc"][-1])
        valid = _expected_keys(problems, problem)
        return UnknownKey(f"unknown key {key!r}", place=place, nearest=nearest(key, valid), detail=others)
    name = ".".join(str(part) for part in where) or "the file"
    if problem["type"] == "missing":
        return InvalidProjectFile(
            f"{name}: key {problem['loc'][-1]!r} is missing", place=place, detail=others
        )
    return InvalidProjectFile(f"{name}: {problem['msg']}", place=place, detail=others)


def _expected_keys(problems: list[ErrorDetails], unknown: ErrorDetails) -> list[str]:
    """Return the keys that models allow beside the unknown one, as far as the errors tell."""
    context = unknown.get("ctx", {})
    siblings = [str(p["loc"][-1]) for p in problems if p["type"] == "missing"]
    return [*siblings, *context.get("expected_keys", [])]


def _in_file(places: Mapping[Location, tuple[int, int]], location: Location) -> Location:
    """Drop what pydantic adds to a location (union tags) and what is not in the file."""
    known: Location = ()
    for step in location:
        if (*known, step) in places:
            known = (*known, step)
    return known


def _construct(
    node: yaml.Node, location: Location, places: dict[Location, tuple[int, int]], shown: str
) -> object:
    places.setdefault(location, (node.start_mark.line + 1, node.start_mark.column + 1))
    if isinstance(node, yaml.MappingNode):
        return _construct_mapping(node, location, places, shown)
    if isinstance(node, yaml.SequenceNode):
        return [_construct(item, (*location, i), places, shown) for i, item in enumerate(node.value)]
    return yaml.constructor.SafeConstructor().construct_object(node)


def _construct_mapping(
    node: yaml.MappingNode, location: Location, places: dict[Location, tuple[int, int]], shown: str
) -> dict[str, object]:
    found: dict[str, object] = {}
    for key_node, value_node in node.value:
        mark = key_node.start_mark
        # YAML 1.1 reads `on`, `yes` and bare numbers as other types; a key is always the text that stands there.
        key = str(key_node.value)
        if key in found:
            raise InvalidYAML(
                f"key {key!r} stands here twice", place=Place(shown, mark.line + 1, mark.column + 1)
            )
        places[(*location, key)] = (mark.line + 1, mark.column + 1)
        found[key] = _construct(value_node, (*location, key), places, shown)
    return found
