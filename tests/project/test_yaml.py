"""YAML with positions: every complaint names file, line and column."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ropewalk.errors import Place
from ropewalk.project import Document, InvalidProjectFile, InvalidYAML, parse_yaml


def parse(folder: Path, text: str | bytes) -> Document:
    path = folder / "file.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return parse_yaml(path, folder)


def refusal(folder: Path, text: str | bytes) -> tuple[str, str]:
    with pytest.raises(InvalidYAML) as caught:
        parse(folder, text)
    assert caught.value.place is not None
    return caught.value.message, str(caught.value.place)


def test_values_and_places(tmp_path: Path) -> None:
    """Every key and item knows the line and column where it starts."""
    document = parse(tmp_path, "a:\n  b: [1, two]\n  c: {d: 2.5}\n")

    assert document.data == {"a": {"b": [1, "two"], "c": {"d": 2.5}}}
    assert document.place(("a", "b")) == Place("file.yaml", 2, 3)
    assert document.place(("a", "b", 1)) == Place("file.yaml", 2, 10)
    assert document.place(("a", "c", "d")) == Place("file.yaml", 3, 7)


def test_place_of_what_is_not_there(tmp_path: Path) -> None:
    """A location that the file does not have stands at its nearest parent."""
    document = parse(tmp_path, "a:\n  b: 1\n")

    assert str(document.place(("a", "missing"))) == "file.yaml:1:1"
    assert str(document.place(("a", "tag-of-a-union", "b"))) == "file.yaml:2:3"


def test_empty_file(tmp_path: Path) -> None:
    """A file without content holds None and stands at its beginning."""
    document = parse(tmp_path, "# nothing yet\n")

    assert document.data is None
    assert document.place() == Place("file.yaml", 1, 1)


def test_keys_stay_text(tmp_path: Path) -> None:
    """YAML 1.1 reads `on` and `2013` as other types; as keys they are what stands there."""
    document = parse(tmp_path, "on: 1\nno: 2\n2013: 3\n~: 4\n")

    assert document.data == {"on": 1, "no": 2, "2013": 3, "~": 4}


def test_anchors_unfold(tmp_path: Path) -> None:
    """An alias stands for the value of its anchor."""
    document = parse(tmp_path, "a: &x {k: 1}\nb: *x\n")

    assert document.data == {"a": {"k": 1}, "b": {"k": 1}}


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("a: 1\nb: 2\na: 3\n", "file.yaml:3:1", "'a' stands here twice"),
        ("a:\n  b: 1\n  b: 2\n", "file.yaml:3:3", "'b' stands here twice"),
        ("a:\n\tb: 1\n", "file.yaml:2:1", "cannot start any token"),
        ("a: [1, 2\n", "file.yaml:2:1", "expected ',' or ']'"),
        ("a: 'open\n", "file.yaml:2:1", "unexpected end of stream"),
        ("a: *nobody\n", "file.yaml:1:4", "undefined alias"),
        ("a: 1\n---\nb: 2\n", "file.yaml:2:1", "another document"),
        ("? [a, b]\n: 1\n", "file.yaml:1:3", "a key must be a word"),
        ("a: 2013-02-30\n", "file.yaml:1:4", "'2013-02-30' is no timestamp"),
        ("a: !secret x\n", "file.yaml:1:4", "could not determine a constructor"),
        ("a: !secret {b: 1}\n", "file.yaml:1:4", "the tag !secret means nothing here"),
        ("a: 1\nb: x\x07y\n", "file.yaml:2:5", "character #x0007"),
        (b"a: 1\nb: \xff\n", "file.yaml:2:4", "not UTF-8"),
        ("a: &x [*x]\n", "file.yaml", "nested too deeply"),
        ("a: " + "[" * 3000 + "\n", "file.yaml", "nested too deeply"),
    ],
)
def test_bad_yaml(tmp_path: Path, text: str | bytes, place: str, words: str) -> None:
    """What is not well-formed is refused in one line, at its place."""
    message, found = refusal(tmp_path, text)

    assert (found, words in message) == (place, True), message
    assert "\n" not in message


def test_alias_bomb(tmp_path: Path) -> None:
    """Aliases of aliases cannot fill the memory."""
    lines = ["l0: &l0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]" for n in range(1, 9)]

    message, _ = refusal(tmp_path, "\n".join(lines))

    assert "more than 100,000 values" in message


def test_unreadable_file(tmp_path: Path) -> None:
    """A file that cannot be read is an error of the project, without a traceback."""
    (tmp_path / "file.yaml").mkdir()

    with pytest.raises(InvalidProjectFile, match=r"cannot be read: Is a directory"):
        parse_yaml(tmp_path / "file.yaml", tmp_path)


@given(content=st.binary(max_size=40) | st.text(max_size=40).map(str.encode))
def test_any_bytes(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Any bytes at all are either read or refused: nothing else comes out."""
    folder = tmp_path_factory.getbasetemp() / f"any-bytes-{os.getpid()}"
    folder.mkdir(exist_ok=True)

    with suppress(InvalidYAML):
        assert parse(folder, content).path == "file.yaml"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: !!bool so", "'so' is no bool"),
        ("a: !!int ''", "'' is no int"),
        ("a: !!float ''", "'' is no float"),
        ("a: !!timestamp soon", "'soon' is no timestamp"),
        ("a: 2013-02-30", "'2013-02-30' is no timestamp: day is out of range for month"),
        ("a: !!int x", "'x' is no int: invalid literal"),
    ],
)
def test_scalars_that_are_not_what_they_say(tmp_path: Path, text: str, message: str) -> None:
    """A value that does not fit its own tag is refused where it stands."""
    told, place = refusal(tmp_path, text)

    assert message in told
    assert place == "file.yaml:1:4"
