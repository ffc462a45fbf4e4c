"""What a pickle would do: its opcodes followed one by one on a stack of descriptions, with nothing imported or called.

The opcodes are those of `pickletools`; their effects are described in the standard library's `pickletools` and
`pickle`. Whatever cannot be followed is a problem: a name that is not known by the time it is imported, an object
that is called though no import gave it, a stream that breaks off.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO, TypeAlias

# A vocabulary of a million words takes three opcodes a word; what is longer is not read to its end.
MOST_STEPS = 10_000_000
# Longer texts are no names, and need not be kept.
_NAME = 1_000


class Unfollowable(Exception):
    """The stream breaks off, or does what no pickle does."""


@dataclass(frozen=True)
class Global:
    """A name that was imported: `MODULE.NAME`."""

    name: str


@dataclass
class Made:
    """What calling an import returned, with the arguments and the state that was set on it."""

    by: str
    arguments: object = None
    state: object = None


# A dictionary whose keys that are texts are kept; and all that need not be told apart.
Table: TypeAlias = "dict[object, object]"
OPAQUE = object()
MARK = object()


@dataclass
class Machine:
    """One pickle being followed.

    Attributes:
        stream: where it is read; `after_build` may read on in it.
        after_build: told of each object whose state was set: some loaders read raw bytes behind it.
        names: what was imported, in order.
        problems: what could not be followed or is never done by honest pickles.
        calls: how often something was called or got a state.
    """

    stream: BinaryIO
    after_build: Callable[[Machine, Made], None] = lambda _machine, _made: None
    names: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    calls: int = 0
    stack: list[Any] = field(default_factory=list)
    memo: dict[int, Any] = field(default_factory=dict)
    frame_end: int = 0

    def run(self) -> None:
        """Follow the pickle to its STOP.

        Raises:
            Unfollowable: it breaks off, or does what no pickle does.
        """
        for step, (opcode, argument, position) in enumerate(_opcodes(self.stream)):
            if step > MOST_STEPS:
                raise Unfollowable("it has too many opcodes")
            if opcode.name == "FRAME":
                # Position of the opcode, its own byte, and the eight of the length.
                self.frame_end = position + 9 + argument
            effect = _EFFECTS.get(opcode.name)
            if effect is not None:
                effect(self, argument)
            elif opcode.name in _LITERALS:
                self.stack.append(_kept(argument))
            else:
                raise Unfollowable(f"it has the unknown opcode {opcode.name}")

    def pop(self) -> Any:
        """Take the value on top of the stack."""
        if not self.stack:
            raise Unfollowable("it takes more from its stack than there is")
        return self.stack.pop()

    def pop_to_mark(self) -> list[Any]:
        """Take all values above the last mark, and the mark."""
        taken = []
        while (value := self.pop()) is not MARK:
            taken.append(value)
        return taken[::-1]

    def top(self) -> Any:
        """Return the value on top of the stack, and leave it there."""
        if not self.stack:
            raise Unfollowable("it looks at an empty stack")
        return self.stack[-1]

    def load(self, module: object, name: object) -> None:
        """Push the import of a name."""
        if not isinstance(module, str) or not isinstance(name, str):
            self.problems.append("imports a name that only its execution would tell")
            self.stack.append(OPAQUE)
            return
        # A dotted name walks from a module to whatever that module imported: as another name, it is never a known one.
        full = f"{module}:{name}" if "." in name else f"{module}.{name}"
        self.names.append(full)
        self.stack.append(Global(full))

    def call(self, what: object, arguments: object) -> None:
        """Push what calling `what` returns."""
        self.calls += 1
        if not isinstance(what, Global):
            # Only what was imported by name is known to be harmless when it is called.
            self.problems.append("calls an object that it made itself")
            self.stack.append(OPAQUE)
            return
        self.stack.append(Made(what.name, arguments))

    def build(self, state: object) -> None:
        """Set the state of the object on top of the stack."""
        self.calls += 1
        target = self.top()
        if isinstance(target, Global):
            # The state would become attributes of the class or module, for the whole process.
            self.problems.append(f"changes {target.name} itself")
        elif isinstance(target, Made):
            target.state = state
            self.after_build(self, target)


def _opcodes(stream: BinaryIO) -> Iterator[tuple[pickletools.OpcodeInfo, Any, int]]:
    try:
        for opcode, argument, position in pickletools.genops(stream):
            assert position is not None  # the stream can tell
            yield opcode, argument, position
    except (ValueError, IndexError, UnicodeError, OverflowError) as error:
        raise Unfollowable(f"it breaks off: {str(error)[:200]}") from None


def _kept(value: object) -> object:
    if isinstance(value, str):
        return value if len(value) <= _NAME else OPAQUE
    return value if isinstance(value, bool | int | float) or value is None else OPAQUE


def _load_text(machine: Machine, argument: str) -> None:
    # `pickletools` joins the two lines by a blank; a name with one of its own could be cut in two ways.
    parts = argument.split(" ")
    machine.load(*(parts if len(parts) == 2 else (None, None)))


def _load_stack(machine: Machine, _argument: object) -> None:
    name, module = machine.pop(), machine.pop()
    machine.load(module, name)


def _instantiate(machine: Machine, argument: str) -> None:
    arguments = tuple(machine.pop_to_mark())
    _load_text(machine, argument)
    machine.call(machine.pop(), arguments)


def _object(machine: Machine, _argument: object) -> None:
    taken = machine.pop_to_mark()
    if not taken:
        raise Unfollowable("it makes an object of nothing")
    machine.call(taken[0], tuple(taken[1:]))


def _reduce(machine: Machine, _argument: object) -> None:
    arguments = machine.pop()
    machine.call(machine.pop(), arguments)


def _new_with_keywords(machine: Machine, _argument: object) -> None:
    keywords, arguments = machine.pop(), machine.pop()
    machine.call(machine.pop(), (arguments, keywords))


def _extension(machine: Machine, argument: int) -> None:
    machine.problems.append(f"imports by extension code {argument}, whose name another process keeps")
    machine.stack.append(OPAQUE)


def _set_item(machine: Machine, _argument: object) -> None:
    value, key = machine.pop(), machine.pop()
    _put(machine, [key, value])


def _set_items(machine: Machine, _argument: object) -> None:
    _put(machine, machine.pop_to_mark())


def _put(machine: Machine, items: list[Any]) -> None:
    target = machine.top()
    if len(items) % 2:
        raise Unfollowable("it sets a key without a value")
    if isinstance(target, dict):
        target.update((key, value) for key, value in _pairs(items) if isinstance(key, str))


def _pairs(items: list[Any]) -> Iterator[tuple[Any, Any]]:
    return zip(items[::2], items[1::2], strict=True)


def _table(machine: Machine, _argument: object) -> None:
    items = machine.pop_to_mark()
    machine.stack.append({})
    _put(machine, items)


def _tuple_of(size: int) -> Callable[[Machine, object], None]:
    def make(machine: Machine, _argument: object) -> None:
        taken = [machine.pop() for _ in range(size)]
        machine.stack.append(tuple(reversed(taken)))

    return make


def _opaque(taken: int, *, to_mark: bool = False) -> Callable[[Machine, object], None]:
    """Return the effect of an opcode that takes values and pushes one that need not be told apart."""

    def make(machine: Machine, _argument: object) -> None:
        if to_mark:
            machine.pop_to_mark()
        for _ in range(taken):
            machine.pop()
        machine.stack.append(OPAQUE)

    return make


def _get(machine: Machine, argument: str | int) -> None:
    try:
        machine.stack.append(machine.memo[int(argument)])
    except (KeyError, ValueError):
        raise Unfollowable("it recalls what it never stored") from None


def _store(machine: Machine, argument: str | int) -> None:
    machine.memo[int(argument)] = machine.top()


def _drop(machine: Machine, _argument: object) -> None:
    machine.pop()


def _drop_to_mark(machine: Machine, _argument: object) -> None:
    machine.pop_to_mark()


def _nothing(_machine: Machine, _argument: object) -> None:
    return None


_Effect: TypeAlias = "Callable[[Machine, Any], None]"
_GETS: dict[str, _Effect] = dict.fromkeys(("GET", "BINGET", "LONG_BINGET"), _get)
_PUTS: dict[str, _Effect] = dict.fromkeys(("PUT", "BINPUT", "LONG_BINPUT"), _store)
_EXTENSIONS: dict[str, _Effect] = dict.fromkeys(("EXT1", "EXT2", "EXT4"), _extension)
_QUIET: dict[str, _Effect] = dict.fromkeys(("PROTO", "FRAME", "STOP", "READONLY_BUFFER"), _nothing)
_EFFECTS: dict[str, _Effect] = {
    **_GETS,
    **_PUTS,
    **_EXTENSIONS,
    **_QUIET,
    "GLOBAL": _load_text,
    "STACK_GLOBAL": _load_stack,
    "INST": _instantiate,
    "OBJ": _object,
    "REDUCE": _reduce,
    "NEWOBJ": _reduce,
    "NEWOBJ_EX": _new_with_keywords,
    "BUILD": lambda machine, _argument: machine.build(machine.pop()),
    "MARK": lambda machine, _argument: machine.stack.append(MARK),
    "POP": _drop,
    "POP_MARK": _drop_to_mark,
    "DUP": lambda machine, _argument: machine.stack.append(machine.top()),
    "MEMOIZE": lambda machine, _argument: _store(machine, len(machine.memo)),
    "EMPTY_TUPLE": _tuple_of(0),
    "TUPLE1": _tuple_of(1),
    "TUPLE2": _tuple_of(2),
    "TUPLE3": _tuple_of(3),
    "TUPLE": lambda machine, _argument: machine.stack.append(tuple(machine.pop_to_mark())),
    "EMPTY_DICT": lambda machine, _argument: machine.stack.append({}),
    "DICT": _table,
    "SETITEM": _set_item,
    "SETITEMS": _set_items,
    "EMPTY_LIST": _opaque(0),
    "EMPTY_SET": _opaque(0),
    "NEXT_BUFFER": _opaque(0),
    "PERSID": _opaque(0),
    "BINPERSID": _opaque(1),
    "LIST": _opaque(0, to_mark=True),
    "FROZENSET": _opaque(0, to_mark=True),
    "APPEND": _drop,
    "APPENDS": _drop_to_mark,
    "ADDITEMS": _drop_to_mark,
}
_LITERALS = frozenset(
    [
        "INT",
        "BININT",
        "BININT1",
        "BININT2",
        "LONG",
        "LONG1",
        "LONG4",
        "FLOAT",
        "BINFLOAT",
        "NONE",
        "NEWTRUE",
        "NEWFALSE",
        "STRING",
        "BINSTRING",
        "SHORT_BINSTRING",
        "UNICODE",
        "BINUNICODE",
        "SHORT_BINUNICODE",
        "BINUNICODE8",
        "BINBYTES",
        "SHORT_BINBYTES",
        "BINBYTES8",
        "BYTEARRAY8",
    ]
)
