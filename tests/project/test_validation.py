"""What does not fit a model: which key, where, what is valid instead."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, field_validator

from ropewalk.project import Document, InvalidProjectFile, UnknownKey, parse_yaml, validate


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Pages(Strict):
    kind: Literal["page"]
    size: int = 100


class Links(Strict):
    kind: Literal["next_url"]
    path: str


class Files(Strict):
    kind: Literal["files"]
    path: str


class Rest(Strict):
    kind: Literal["rest"]
    url: str
    paginate: Annotated[Pages | Links, Field(discriminator="kind")] | None = None


class Limit(Strict):
    minimum: float | None = Field(None, alias="min")
    maximum: float | None = Field(None, alias="max")


class Monitor(Strict):
    by: str = "month"
    limits: dict[str, float | Limit] = {}
    gates: list[Limit] = []

    @field_validator("by")
    @classmethod
    def known_window(cls, value: str) -> str:
        if value not in {"day", "month"}:
            raise ValueError(f"no window is called {value!r}")
        return value


Source = Annotated[Files | Rest, Field(discriminator="kind")]


def document(folder: Path, text: str) -> Document:
    (folder / "f.yaml").write_text(text)
    return parse_yaml(folder / "f.yaml", folder)


def refuse(folder: Path, text: str, model: object) -> InvalidProjectFile:
    with pytest.raises(InvalidProjectFile) as caught:
        validate(document(folder, text), model)
    return caught.value


def test_valid_part_becomes_the_model(tmp_path: Path) -> None:
    """A part of the file comes back as the model asked for."""
    whole = document(tmp_path, "monitor:\n  late: {limits: {psi: 0.25, auc: {min: 0.7}}}\n")

    monitor: Monitor = validate(whole, Monitor, ("monitor", "late"))

    assert monitor.limits == {"psi": 0.25, "auc": Limit(min=0.7)}


@pytest.mark.parametrize(
    ("text", "model", "key", "place", "nearest_and_valid"),
    [
        ("limts: {}\n", Monitor, "limts", "1:1", ("limits", "by, gates, limits")),
        ("limits:\n  auc: {mn: 1}\n", Monitor, "mn", "2:9", ("min", "max, min")),
        ("gates:\n- min: 1\n- mix: 1\n", Monitor, "mix", "3:3", ("min", "max, min")),
        ("kind: files\npath: a\nfoo: 1\n", Source, "foo", "3:1", (None, "kind, path")),
        ("kind: rest\nurl: a\npath: b\n", Source, "path", "3:1", (None, "kind, paginate, url")),
        (
            "kind: rest\nurl: a\npaginate: {kind: page, sise: 3}\n",
            Source,
            "sise",
            "3:24",
            ("size", "kind, size"),
        ),
        ("who's: 1\n", Monitor, "who's", "1:1", (None, "by, gates, limits")),
    ],
)
def test_unknown_key(
    tmp_path: Path, text: str, model: object, key: str, place: str, nearest_and_valid: tuple[str | None, str]
) -> None:
    """An unknown key is shown at its place with the keys of the very model it stands in."""
    error = refuse(tmp_path, text, model)

    assert isinstance(error, UnknownKey)
    assert error.message == f"unknown key {key!r}"
    assert str(error.place) == f"f.yaml:{place}"
    assert (error.nearest, error.hint) == (nearest_and_valid[0], f"valid here: {nearest_and_valid[1]}")


@pytest.mark.parametrize(
    ("text", "model", "place", "words"),
    [
        ("kind: rest\n", Source, "1:1", "key 'url' is missing"),
        ("paginate:\n  kind: next_url\nkind: rest\nurl: x\n", Source, "1:1", "key 'path' is missing"),
        ("kind: rest\nurl: x\npaginate: {kind: page, size: big}\n", Source, "3:24", "paginate.size"),
        ("kind: rest\nurl: [1]\n", Source, "2:1", "url: Input should be a valid string"),
        ("by: year\n", Monitor, "1:1", "by: no window is called 'year'"),
        ("limits:\n  auc: high\n", Monitor, "2:3", "limits.auc: Input should be a valid number"),
        ("- 1\n", Monitor, "1:1", "the file: Input should be a valid dictionary"),
        ("path: x\n", Source, "1:1", "Unable to extract tag using discriminator 'kind'"),
    ],
)
def test_wrong_value(tmp_path: Path, text: str, model: object, place: str, words: str) -> None:
    """A value that does not fit is named by its keys and stands at its place."""
    error = refuse(tmp_path, text, model)

    assert words in error.message
    assert str(error.place) == f"f.yaml:{place}"


def test_wrong_kind(tmp_path: Path) -> None:
    """A `kind` that names no model is shown beside those that do."""
    error = refuse(tmp_path, "path: x\nkind: flies\n", Source)

    assert error.message == "kind: 'flies' is not one of files, rest"
    assert (str(error.place), error.nearest) == ("f.yaml:2:1", "files")


def test_several_problems(tmp_path: Path) -> None:
    """The unknown key comes first, as it is often the missing one misspelt; the rest is counted."""
    error = refuse(tmp_path, "kind: rest\nulr: x\n", Source)

    assert (error.message, error.nearest) == ("unknown key 'ulr'", "url")
    assert error.detail == "1 more in this entry"


def test_unknown_key_without_a_schema(tmp_path: Path) -> None:
    """Where a model allows no keys at all, the error lists none."""
    error = refuse(tmp_path, "a: 1\n", Strict)

    assert (error.nearest, error.hint) == (None, None)


def test_keys_below_an_open_mapping(tmp_path: Path) -> None:
    """The valid keys are found through lists and open mappings of models."""
    error = refuse(tmp_path, "all:\n- one: {max: 1, mim: 2}\n", dict[str, list[dict[str, Limit]]])

    assert (str(error.place), error.nearest) == ("f.yaml:2:17", "min")
