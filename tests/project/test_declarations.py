"""Steps as their files declare them, read without running anything."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from ropewalk.errors import Place
from ropewalk.project import InvalidPython, Parameter, StepDeclaration, read_steps


def read(root: Path, text: str | bytes, name: str = "train.py") -> list[StepDeclaration]:
    path = root / "steps" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(dedent(text).encode() if isinstance(text, str) else text)
    return read_steps(root)


def test_whole_declaration(tmp_path: Path) -> None:
    """Inputs, parameters, options, product and place all come from the signature."""
    text = """
    from ropewalk import Model, Table, step

    @step(model="late", timeout="10m")
    def train(features: Table, other, *, leaves: int = 31, grid=(1, -2.5)) -> Model: ...
    """

    (step,) = read(tmp_path, text)

    assert step == StepDeclaration(
        name="train",
        path="steps/train.py",
        needs=(("features", "Table"), ("other", None)),
        parameters=(
            Parameter("leaves", 31, "int", Place("steps/train.py", 5, 38)),
            Parameter("grid", (1, -2.5), None, Place("steps/train.py", 5, 56)),
        ),
        makes="Model",
        options={"model": "late", "timeout": "10m"},
        place=Place("steps/train.py", 5, 1),
    )


@pytest.mark.parametrize(
    ("text", "makes"),
    [
        ("def a() -> Metrics: ...", "Metrics"),
        ("def a() -> ropewalk.Table: ...", "Table"),
        ("def a() -> 'ropewalk.Model': ...", "Model"),
        ("@step\ndef a(): ...", None),
        ("@step()\ndef a() -> None: ...", None),
        ("@ropewalk.step\ndef a() -> int: ...", None),
        ("@cache\n@step\ndef a(x, /) -> Model | None: ...", None),
    ],
)
def test_what_is_a_step(tmp_path: Path, text: str, makes: str | None) -> None:
    """A function is a step by its decorator or by its product, however either is spelt."""
    (step,) = read(tmp_path, text)

    assert (step.name, step.makes) == ("a", makes)


@pytest.mark.parametrize(
    "text",
    [
        "def plain(x): ...",
        "def plain() -> list[Model]: ...",
        "@other\ndef plain(): ...",
        "@others[0]\ndef plain(): ...",
        "class A:\n    def method(self) -> Model: ...",
        "def outer():\n    def inner() -> Model: ...",
        "train = step(print)",
    ],
)
def test_what_is_no_step(tmp_path: Path, text: str) -> None:
    """Other functions, methods and nested functions are left alone."""
    assert read(tmp_path, text) == []


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("async def a() -> Model: ...", "1:1", "is async"),
        ("@step\ndef a(*tables): ...", "2:1", "*args or **kwargs"),
        ("@step\ndef a(**options): ...", "2:1", "*args or **kwargs"),
        ("@step\ndef a(x=1): ...", "2:9", "gives an input a default"),
        ("@step\ndef a(*, x): ...", "2:10", "parameter 'x' needs a default"),
        ("@step\ndef a(*, x=make()): ...", "2:10", "must be a literal"),
        ("@step\ndef a(*, x={[]: 1}): ...", "2:10", "must be a literal"),
        ("@step\ndef a(*, x=1 + 1): ...", "2:10", "must be a literal"),
        ("@step(timeout=LIMIT)\ndef a(): ...", "1:2", "must be literals"),
        ("@step(pool={[]: 1})\ndef a(): ...", "1:2", "must be literals"),
        ("@step('late')\ndef a(): ...", "1:2", "by name only"),
        ("@step(**{'cpu': 2})\ndef a(): ...", "1:2", "by name only"),
        (
            "def a() -> Model: ...\ndef a() -> Model: ...",
            "2:1",
            "declared twice, here and at steps/train.py:1:1",
        ),
        ("def a(:\n", "1:7", "not valid Python: invalid syntax"),
        ("x = '\n", "1:5", "unterminated string"),
        ("if x:\n\ty = 1\n        z = 2\n", "3", "inconsistent use of tabs"),
        (b"x = '\xff'\n", "1", "not valid Python: (unicode error)"),
        (b"# coding: nonsense\n", "", "unknown encoding"),
        (b"x = 1\x00\n", "", "null bytes"),
        ("x = " + " + ".join(["1"] * 5000), "", "maximum recursion depth"),
    ],
)
def test_wrong_declarations(tmp_path: Path, text: str | bytes, place: str, words: str) -> None:
    """A step that cannot be planned, or a file that is no Python, is refused at its line."""
    with pytest.raises(InvalidPython) as caught:
        read(tmp_path, text)

    assert words in caught.value.message
    assert str(caught.value.place).startswith(f"steps/train.py:{place}" if place else "steps/train.py")


def test_same_name_in_two_files(tmp_path: Path) -> None:
    """A step's name is its node's name, so it may stand in one file only."""
    read(tmp_path, "def train() -> Model: ...", "a.py")

    with pytest.raises(InvalidPython, match=r"here and at steps/a\.py:1:1") as caught:
        read(tmp_path, "\ndef train() -> Model: ...", "b.py")

    assert str(caught.value.place) == "steps/b.py:2:1"


def test_order_of_steps(tmp_path: Path) -> None:
    """Steps come by file and line; hidden files and other kinds are not read."""
    read(tmp_path, "nonsense here", ".checkpoint.py")
    read(tmp_path, "nonsense here", "notes.txt")
    read(tmp_path, "@step\ndef z(): ...\n@step\ndef y(): ...", "a.py")

    assert [step.name for step in read(tmp_path, "@step\ndef x(): ...", "b.py")] == ["z", "y", "x"]


def test_no_steps(tmp_path: Path) -> None:
    """A project without a `steps` folder declares none."""
    assert read_steps(tmp_path) == []


def test_unreadable_file(tmp_path: Path) -> None:
    """A file that vanished or may not be read is named, without a traceback."""
    (tmp_path / "steps").mkdir()
    (tmp_path / "steps/lost.py").symlink_to("/proc/self/mem")

    with pytest.raises(InvalidPython, match="cannot be read"):
        read_steps(tmp_path)


def test_nothing_runs(tmp_path: Path) -> None:
    """Reading a file never runs it: code that would fail or write does neither."""
    marker = tmp_path / "ran"

    steps = read(tmp_path, f"open({str(marker)!r}, 'w')\nraise SystemExit\n@step\ndef a(): ...")

    assert [step.name for step in steps] == ["a"]
    assert not marker.exists()
