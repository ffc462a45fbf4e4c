"""YAML with positions: every value knows its line and column, so that every complaint can name them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from ropewalk.errors import Place
from ropewalk.project.errors import InvalidProjectFile, InvalidYAML

# Far above what people write, far below what fills a memory: nine lines of aliases can make a billion values.
MOST_VALUES = 100_000
PLAIN_TAGS = ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")
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
        line, column = self.places.get(self.known(location), (1, 1))
        return Place(self.path, line, column)

    def known(self, location: Location) -> Location:
        """Return `location` without the steps that the file does not have, such as the tags of a union."""
        found: Location = ()
        for step in location:
            if (*found, step) in self.places:
                found = (*found, step)
        return found

    def at(self, location: Location) -> object:
        """Return the value at `location`, which the file has."""
        data = self.data
        for step in location:
            data = data[step]  # type: ignore[index]  # only mappings and lists have locations below them
        return data


def parse_yaml(path: Path, root: Path) -> Document:
    """Read one YAML file of the project at `root`.

    Raises:
        InvalidYAML: the file is not well-formed, not UTF-8, repeats a key, or unfolds without end.
        InvalidProjectFile: the file cannot be read at all.
    """
    shown = path.relative_to(root).as_posix()
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InvalidProjectFile(f"cannot be read: {error.strerror}", place=Place(shown)) from error
    reader = _Reader(shown)
    try:
        # Composed, not loaded: the tree of nodes knows where each stands, the loaded values would not.
        node = yaml.compose(content.decode("utf-8"), Loader=yaml.SafeLoader)
        data = reader.value(node, ()) if node else None
    except RecursionError:
        raise InvalidYAML("not valid YAML: nested too deeply", place=Place(shown)) from None
    except (yaml.MarkedYAMLError, yaml.reader.ReaderError, UnicodeDecodeError) as error:
        reason, place = _complaint(error, shown, content)
        raise InvalidYAML(f"not valid YAML: {reason}", place=place) from error
    return Document(shown, data, reader.places)


class _Reader:
    """Turns composed YAML into plain values, and notes where each stands."""

    def __init__(self, shown: str) -> None:
        self.shown = shown
        self.places: dict[Location, tuple[int, int]] = {}

    def value(self, node: yaml.Node, location: Location) -> object:
        mark = node.start_mark
        # The key's place, if there is one, is what a person looks for; it was noted before the value was.
        self.places.setdefault(location, (mark.line + 1, mark.column + 1))
        if len(self.places) > MOST_VALUES:
            raise self.refuse(f"its aliases unfold to more than {MOST_VALUES:,} values", mark)
        if isinstance(node, yaml.ScalarNode):
            return self.scalar(node)
        # A tag on a mapping would otherwise be dropped in silence, with whatever its author hoped for.
        if node.tag not in PLAIN_TAGS:
            raise self.refuse(f"the tag {node.tag} means nothing here", mark)
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, location)
        return [self.value(item, (*location, index)) for index, item in enumerate(node.value)]

    def scalar(self, node: yaml.ScalarNode) -> object:
        try:
            return yaml.constructor.SafeConstructor().construct_object(node)
        except (ValueError, KeyError, IndexError, AttributeError) as error:
            # A date such as 2013-02-30 looks like one and is none; the rest is what the library makes of `!!bool so`.
            reason = f": {error}" if isinstance(error, ValueError) else ""
            kind = node.tag.rpartition(":")[2]
            raise self.refuse(f"{node.value!r} is no {kind}{reason}", node.start_mark) from error

    def mapping(self, node: yaml.MappingNode, location: Location) -> dict[str, object]:
        found: dict[str, object] = {}
        for key_node, value_node in node.value:
            mark = key_node.start_mark
            if not isinstance(key_node, yaml.ScalarNode):
                raise self.refuse("a key must be a word", mark)
            # YAML 1.1 reads `on`, `yes` and bare numbers as other types; a key is always the text that stands there.
            key = str(key_node.value)
            if key in found:
                raise self.refuse(f"key {key!r} stands here twice", mark)
            self.places[(*location, key)] = (mark.line + 1, mark.column + 1)
            found[key] = self.value(value_node, (*location, key))
        return found

    def refuse(self, reason: str, mark: yaml.Mark) -> InvalidYAML:
        return InvalidYAML(
            f"not valid YAML: {reason}", place=Place(self.shown, mark.line + 1, mark.column + 1)
        )


def _complaint(
    error: yaml.MarkedYAMLError | yaml.reader.ReaderError | UnicodeDecodeError, shown: str, content: bytes
) -> tuple[str, Place]:
    """Return what the parser or the decoder found wrong, and where."""
    if isinstance(error, UnicodeDecodeError):
        return "not UTF-8 text", _after(content[: error.start], shown)
    if isinstance(error, yaml.reader.ReaderError):
        before = content.decode("utf-8")[: error.position].encode()
        return f"character #x{error.character:04x}: {error.reason}", _after(before, shown)
    mark = error.problem_mark
    assert mark is not None  # the scanner, parser, composer and constructor all set it
    return str(error.problem), Place(shown, mark.line + 1, mark.column + 1)


def _after(before: bytes, shown: str) -> Place:
    # Columns count characters, as editors do, so bytes are not enough.
    text = before.decode("utf-8")
    return Place(shown, text.count("\n") + 1, len(text) - text.rfind("\n"))
