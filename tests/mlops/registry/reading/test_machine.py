"""A pickle followed opcode by opcode: what it imports, what it calls, and where it cannot be followed."""

from __future__ import annotations

import pickle
from collections import OrderedDict
from datetime import date
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ropewalk.mlops.registry.reading.machine import Machine, Made, Unfollowable

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.binary(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=3), inner, max_size=3)
        | st.tuples(inner, inner)
        | st.frozensets(st.integers(), max_size=3)
    ),
    max_leaves=8,
)


def _run(content: bytes) -> Machine:
    machine = Machine(BytesIO(content))
    machine.run()
    return machine


@settings(max_examples=40)
@given(value=PLAIN, protocol=st.integers(3, 5))
def test_plain_data_imports_nothing(value: object, protocol: int) -> None:
    """Whatever it holds: one value is left, and what is made by a call is a set."""
    machine = _run(pickle.dumps(value, protocol))

    assert len(machine.stack) == 1
    assert set(machine.names) <= {"builtins.frozenset"}
    assert (machine.calls > 0) == bool(machine.names)
    assert machine.problems == []


@pytest.mark.parametrize("protocol", range(6))
def test_what_is_imported(protocol: int) -> None:
    """In the order met, by the names that the pickle has."""
    machine = _run(pickle.dumps([date(2026, 1, 1), OrderedDict(a=1)], protocol))

    assert [name for name in machine.names if name.startswith(("datetime", "collections"))] == [
        "datetime.date",
        "collections.OrderedDict",
    ]
    assert machine.problems == []


@settings(max_examples=30)
@given(value=PLAIN, cut=st.integers(0, 200))
def test_a_pickle_that_breaks_off(value: object, cut: int) -> None:
    """Every beginning of one is refused with a sentence, and with no other error."""
    content = pickle.dumps(value, 4)

    with pytest.raises(Unfollowable):
        _run(content[: cut % len(content)])


@settings(max_examples=60)
@given(content=st.binary(max_size=40))
def test_any_bytes(content: bytes) -> None:
    """Any bytes are followed or refused; nothing else is raised."""
    try:
        machine = _run(content)
    except Unfollowable:
        return
    assert content.endswith(b".") or b"." in content
    assert isinstance(machine.names, list)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"0.", "takes more from its stack"),
        (b"2.", "looks at an empty stack"),
        (b"h\x00.", "recalls what it never stored"),
        (b"g1\n.", "recalls what it never stored"),
        (b"gx\n.", "breaks off"),
        (b"(o.", "makes an object of nothing"),
        (b"(Nd.", "sets a key without a value"),
        (b"}(Nu.", "sets a key without a value"),
        (b"N", "breaks off"),
        (b"\xff", "breaks off"),
        (b"X\xff\xff\xff\x7fa", "breaks off"),
    ],
)
def test_what_no_pickle_does(content: bytes, what: str) -> None:
    """It is told what is wrong."""
    with pytest.raises(Unfollowable, match=what):
        _run(content)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"\x8c\x01a\x94N\x93.", "imports a name that only its execution would tell"),
        (b"NN\x93.", "imports a name that only its execution would tell"),
        (b"ca b\nc\n.", "imports a name that only its execution would tell"),
        (b"N)R.", "calls an object that it made itself"),
        (b"cbuiltins\nlist\n)R)R.", "calls an object that it made itself"),
        (b"cos\nenviron\n}b.", "changes os.environ itself"),
        (b"\x82\x07.", "imports by extension code 7, whose name another process keeps"),
    ],
)
def test_what_honest_pickles_do_not_do(content: bytes, problem: str) -> None:
    """It is followed to its end, and noted."""
    assert _run(content).problems == [problem]


@pytest.mark.parametrize(
    "content",
    [
        b"cos\nsystem\n(S'x'\ntR.",
        b"(cos\nsystem\nS'x'\no.",
        b"(S'x'\nios\nsystem\n.",
        b"\x8c\x02os\x8c\x06system\x93\x8c\x01x\x85R.",
        b"\x8c\x02os\x94\x8c\x06system\x94\x93h\x00\x85\x81.",
        b"cos\nsystem\n)}\x92.",
    ],
)
def test_each_way_to_call(content: bytes) -> None:
    """Every opcode that calls something is one call of the name that was imported."""
    machine = _run(content)

    assert (machine.names, machine.calls) == (["os.system"], 1)
    assert isinstance(machine.stack[-1], Made)


def test_a_dotted_name_is_another_name() -> None:
    """A walk from a module to what that module imported never looks like a known name."""
    machine = _run(b"\x8c\x05numpy\x8c\x07os.path\x93.")

    assert machine.names == ["numpy:os.path"]


def test_state_is_told() -> None:
    """Whoever reads on behind an object sees what it is and what its state says."""
    told: list[Made] = []
    content = b"cm\nA\n)R}\x8c\x05shapeK\x03sb."
    machine = Machine(BytesIO(content), lambda _machine, made: told.append(made))

    machine.run()

    assert [(made.by, made.state) for made in told] == [("m.A", {"shape": 3})]
