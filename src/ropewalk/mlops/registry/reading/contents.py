"""What a model's files would import: pickles found wherever they hide, each followed, none executed.

Formats, as their own documents describe them: numpy's NEP 1 for `.npy`, APPNOTE for zip (`.npz`, torch's and Keras'
files, skops), joblib's `numpy_pickle` for arrays that lie as raw bytes behind the opcode that sets their state.
"""

from __future__ import annotations

import ast
import json
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import BinaryIO, cast

from ropewalk.mlops.registry.reading.known_names import is_known
from ropewalk.mlops.registry.reading.machine import Machine, Made, Unfollowable
from ropewalk.mlops.registry.reading.views import (
    DEEPEST,
    Allowance,
    blocks_of,
    compression_of,
    keep_blocks,
    unpack,
)

PICKLED = frozenset(
    [
        ".pkl",
        ".pickle",
        ".joblib",
        ".jbl",
        ".pk",
        ".p",
        ".dill",
        ".cloudpickle",
        ".pt",
        ".pth",
        ".ckpt",
        ".sav",
        ".npz",
        ".npy",
        ".bin",
        ".dat",
    ]
)
# Of those, what also may be something else altogether.
_PERHAPS = frozenset([".bin", ".dat", ".p", ".npy", ".npz", ".ckpt", ".sav", ".pt", ".pth"])
# What runs when it is loaded, and is no pickle.
_NATIVE = frozenset([".so", ".dll", ".dylib", ".pyd", ".pyc"])
# Of skops' nodes, those that name in their content what they stand for.
_BY_CONTENT = frozenset({"TypeNode", "FunctionNode"})
_ZIP = b"PK\x03\x04"
_NPY = b"\x93NUMPY"
_MOST_MEMBERS = 20_000
_MOST_HEADER = 1 << 16
_MOST_SCHEMA = 64 << 20
_ARRAY = "joblib.numpy_pickle.NumpyArrayWrapper"
_DTYPE = "numpy.dtype"
_WIDTH = {"U": 4}


@dataclass
class Contents:
    """What was found in the files of a model.

    Attributes:
        names: every name that some pickle would import, and in which file, in the order met.
        problems: what honest models do not have: (file, sentence).
        pickles: how many pickles were followed.
    """

    names: dict[str, str] = field(default_factory=dict)
    problems: list[tuple[str, str]] = field(default_factory=list)
    pickles: int = 0
    allowance: Allowance = field(default_factory=Allowance)

    @property
    def unknown(self) -> list[str]:
        """The names that the allow-list does not have."""
        return [name for name in self.names if not is_known(name)]

    def read(self, path: str, content: BinaryIO, depth: int = 0) -> None:
        """Look into one file, and into what lies in it."""
        try:
            self._read(path, content, depth)
        except Unfollowable as error:
            self.problems.append((path, str(error)))

    def _read(self, path: str, content: BinaryIO, depth: int) -> None:
        if depth > DEEPEST:
            raise Unfollowable("archives lie too deep in archives")
        head = content.read(8)
        content.seek(0)
        if PurePosixPath(path).suffix.lower() in _NATIVE:
            raise Unfollowable("it is machine code or compiled Python, which runs when it is loaded")
        if head.startswith(_ZIP):
            self._read_zip(path, content, depth)
        elif head.startswith(_NPY):
            self._read_array(path, content)
        elif (how := compression_of(head)) is not None:
            self._read_compressed(path, content, how, depth)
        elif _is_tar(content):
            self._read_tar(path, content, depth)
        else:
            self._read_pickles(path, content)

    def _read_compressed(self, path: str, content: BinaryIO, how: str, depth: int) -> None:
        try:
            inner = unpack(content, how, self.allowance)
        except Unfollowable:
            # Text and raw numbers may begin as such a stream does. Where a pickle is expected, nothing is excused.
            content.seek(0)
            if how in ("zlib", "lzma") and not _says_pickle(path):
                self._read_pickles(path, content)
                return
            raise
        self._read(path.removesuffix(PurePosixPath(path).suffix) if how != "zlib" else path, inner, depth + 1)

    def _read_zip(self, path: str, content: BinaryIO, depth: int) -> None:
        try:
            with zipfile.ZipFile(content) as archive:
                members = archive.infolist()
                # Readers that take the first of two members of one name, and those that take the last, see two models.
                if len(members) > _MOST_MEMBERS or len({item.filename for item in members}) < len(members):
                    raise Unfollowable("its zip has too many members, or two of one name")
                for member in members:
                    if member.is_dir():
                        continue
                    with archive.open(member) as stream:
                        inner = keep_blocks(blocks_of(cast("BinaryIO", stream)), self.allowance)
                    self.read(f"{path}!{member.filename}", inner, depth + 1)
                    _look_for_code(self, f"{path}!{member.filename}", inner)
        except (
            zipfile.BadZipFile,
            RuntimeError,
            NotImplementedError,
            EOFError,
            OSError,
            zlib.error,
        ) as error:
            raise Unfollowable(f"its zip cannot be read: {str(error)[:200]}") from None

    def _read_tar(self, path: str, content: BinaryIO, depth: int) -> None:
        try:
            with tarfile.open(fileobj=content, mode="r:") as archive:
                for number, member in enumerate(archive):
                    if number > _MOST_MEMBERS:
                        raise Unfollowable("its tar has too many members")
                    stream = archive.extractfile(member) if member.isreg() else None
                    if stream is not None:
                        inner = keep_blocks(blocks_of(cast("BinaryIO", stream)), self.allowance)
                        self.read(f"{path}!{member.name}", inner, depth + 1)
        except (tarfile.TarError, EOFError, OSError) as error:
            raise Unfollowable(f"its tar cannot be read: {str(error)[:200]}") from None

    def _read_array(self, path: str, content: BinaryIO) -> None:
        """Look into a `.npy`: only an array of objects has a pickle behind its header."""
        head = content.read(8)
        shape = "<H" if head[6:7] == b"\x01" else "<I"
        raw = content.read(struct.calcsize(shape))
        length = struct.unpack(shape, raw)[0] if len(raw) == struct.calcsize(shape) else _MOST_HEADER + 1
        header = content.read(min(length, _MOST_HEADER + 1))
        try:
            described = ast.literal_eval(header.decode("latin-1")) if length <= _MOST_HEADER else None
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            described = None
        if not isinstance(described, dict) or "descr" not in described:
            raise Unfollowable("its numpy header cannot be read")
        if "O" in repr(described["descr"]):
            self._follow(path, content)

    def _read_pickles(self, path: str, content: BinaryIO) -> None:
        """Follow what may be a pickle, and those behind it; what merely begins like one is left alone."""
        is_expected = _says_pickle(path)
        if not is_expected or PurePosixPath(path).suffix.lower() in _PERHAPS:
            machine = Machine(content, self._array_reader())
            try:
                machine.run()
            except Unfollowable:
                is_pickle = machine.calls > 0 or _is_marked(content, machine)
            else:
                is_pickle = bool(machine.names or machine.problems or is_expected)
            content.seek(0)
            if not is_pickle:
                return
        self._follow(path, content)

    def _follow(self, path: str, content: BinaryIO) -> None:
        """Follow pickles up to the end of the content: loaders of several in one file read on."""
        while True:
            self._follow_one(path, content)
            rest = content.read(1)
            if not rest:
                return
            content.seek(-1, 1)
            if rest != b"\x80":
                raise Unfollowable("bytes lie behind its pickle that are none")

    def _follow_one(self, path: str, content: BinaryIO) -> None:
        machine = Machine(content, self._array_reader())
        self.pickles += 1
        try:
            machine.run()
        finally:
            # Also of a pickle that breaks off: up to there it would have been executed.
            for name in machine.names:
                self.names.setdefault(name, path)
            self.problems += [(path, problem) for problem in dict.fromkeys(machine.problems)]

    def _array_reader(self, depth: int = 0) -> _ArrayReader:
        return _ArrayReader(self, depth)


@dataclass(frozen=True)
class _ArrayReader:
    """Passes over an array that joblib wrote behind the opcode that sets its wrapper's state."""

    contents: Contents
    depth: int

    def __call__(self, machine: Machine, made: Made) -> None:
        if made.by != _ARRAY:
            return
        stream = machine.stream
        # A reader that prefetched a frame would look for the array behind the frame, and not here.
        if stream.tell() < machine.frame_end:
            raise Unfollowable("an array of joblib lies within a frame")
        state = made.state
        if not isinstance(state, dict) or self.depth > DEEPEST:
            raise Unfollowable("an array of joblib is not described")
        dtype = _dtype_of(state.get("dtype"))
        if _holds_objects(state.get("dtype")):
            self._follow_objects(machine)
            return
        if state.get("numpy_array_alignment_bytes") is not None:
            padding = stream.read(1)
            stream.read(padding[0] if padding else 0)
        _skip(stream, dtype, state.get("shape"))

    def _follow_objects(self, machine: Machine) -> None:
        inner = Machine(machine.stream, _ArrayReader(self.contents, self.depth + 1))
        try:
            inner.run()
        finally:
            machine.names += inner.names
            machine.problems += inner.problems
            machine.calls += inner.calls


def _skip(stream: BinaryIO, width: int, shape: object) -> None:
    count = 1
    if not isinstance(shape, tuple):
        raise Unfollowable("an array of joblib has no shape")
    for side in shape:
        if not isinstance(side, int) or side < 0:
            raise Unfollowable("an array of joblib has no shape")
        count *= side
    here = stream.tell()
    end = stream.seek(0, 2) or stream.tell()
    if here + count * width > end:
        raise Unfollowable("an array of joblib is longer than its file")
    stream.seek(here + count * width)


def _dtype_of(made: object) -> int:
    """Return how many bytes one item of an array has.

    Raises:
        Unfollowable: that is not said.
    """
    text = _type_text(made) if isinstance(made, Made) else None
    if not isinstance(text, str) or len(text) < 2 or not text[1:].isdecimal() or len(text) > 12:
        raise Unfollowable("an array of joblib has a type that cannot be read")
    return int(text[1:]) * _WIDTH.get(text[0], 1)


def _type_text(made: Made) -> object:
    """Return the text of a numpy type, such as `f8`; of anything else that of Python's own objects."""
    if made.by != _DTYPE or not isinstance(made.arguments, tuple) or not made.arguments:
        return "O"
    return made.arguments[0]


def _holds_objects(value: object, depth: int = 0) -> bool:
    """Return whether a type, or one of its fields, is Python's own objects; when in doubt, yes."""
    if depth > 2 * DEEPEST:
        return True
    if isinstance(value, Made):
        text = _type_text(value)
        return (isinstance(text, str) and text.startswith("O")) or _holds_objects(value.state, depth + 1)
    if isinstance(value, dict):
        return any(_holds_objects(item, depth + 1) for item in value.values())
    return isinstance(value, tuple) and any(_holds_objects(item, depth + 1) for item in value)


def _says_pickle(path: str) -> bool:
    return PurePosixPath(path).suffix.lower() in PICKLED


def _is_marked(content: BinaryIO, machine: Machine) -> bool:
    """Return whether content that broke off has a pickle's first bytes and imports by names that could be some."""
    content.seek(0)
    head = content.read(2)
    named = any(name.replace(".", "").replace("_", "").isalnum() for name in machine.names)
    return len(head) == 2 and head[0] == 0x80 and head[1] <= 5 and named


def _is_tar(content: BinaryIO) -> bool:
    content.seek(257)
    magic = content.read(5)
    content.seek(0)
    return magic == b"ustar"


def _look_for_code(found: Contents, path: str, content: BinaryIO) -> None:
    """Note what the descriptions in skops' and Keras' archives would load by name."""
    name = path.rpartition("!")[2]
    if name not in ("schema.json", "config.json"):
        return
    content.seek(0)
    try:
        described = json.loads(content.read(_MOST_SCHEMA))
    except (ValueError, RecursionError):
        raise Unfollowable(f"{name} cannot be read") from None
    for item in _objects(described):
        if name == "config.json" and item.get("class_name") == "Lambda":
            found.problems.append((path, "has a Lambda layer, which is code"))
        if name == "schema.json" and item.get("__loader__") not in _BY_CONTENT:
            _note(found, path, item.get("__module__"), item.get("__class__"))
            _note(found, path, item.get("module_path"), item.get("function"))


def _note(found: Contents, path: str, module: object, name: object) -> None:
    if isinstance(module, str) and isinstance(name, str):
        found.names.setdefault(f"{module}:{name}" if "." in name else f"{module}.{name}", path)


def _objects(value: object) -> Iterator[dict[str, object]]:
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            yield item
            waiting += item.values()
        elif isinstance(item, list):
            waiting += item
