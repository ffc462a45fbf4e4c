"""How much each feature counts, read from what boosters are saved as, and from what merely looks like that."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ropewalk.mlops.registry.cards.importances import read_importances

LIGHTGBM = "tree\nversion=v4\n\nfeature_importances:\ndelay=3\norigin=1\n\nparameters:\n[x: 1]\nseats=9\n"


def _xgboost(**learner: object) -> str:
    trees = [{"split_indices": [1, 0, 1, 0], "left_children": [1, 2, 3, -1]}]
    known = {"feature_names": ["a", "b"], "gradient_booster": {"model": {"trees": trees}}}
    return json.dumps({"learner": {**known, **learner}})


def _read(folder: Path, name: str, text: str) -> list[tuple[str, float]]:
    (folder / name).write_text(text, encoding="utf-8")
    return read_importances({name: folder / name})


def test_lightgbm(tmp_path: Path) -> None:
    """Shares of all splits, largest first; the list ends at its first empty line."""
    assert _read(tmp_path, "model.lgb", LIGHTGBM) == [("delay", 0.75), ("origin", 0.25)]


def test_a_name_with_an_equals_sign(tmp_path: Path) -> None:
    """Only the last sign divides a line."""
    text = "tree\nfeature_importances:\na=b=2\n"

    assert _read(tmp_path, "model.txt", text) == [("a=b", 1.0)]


def test_equal_shares_are_in_the_order_of_names(tmp_path: Path) -> None:
    """So that one model has one card."""
    text = "tree\nfeature_importances:\nb=1\na=1\n"

    assert [name for name, _ in _read(tmp_path, "model.lgb", text)] == ["a", "b"]


def test_no_splits_at_all(tmp_path: Path) -> None:
    """A booster of one leaf divides nothing by nothing."""
    assert _read(tmp_path, "model.lgb", "tree\nfeature_importances:\na=0\n") == [("a", 0.0)]


def test_xgboost(tmp_path: Path) -> None:
    """A leaf has a place in the list of features too, which means nothing."""
    assert _read(tmp_path, "model.json", _xgboost()) == [
        ("b", pytest.approx(2 / 3)),
        ("a", pytest.approx(1 / 3)),
    ]


def test_xgboost_without_names(tmp_path: Path) -> None:
    """Features that were never named are called by their place."""
    found = _read(tmp_path, "model.xgb", _xgboost(feature_names=[]))

    assert [name for name, _ in found] == ["f1", "f0"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no booster",
        "[]",
        '{"learner": null}',
        _xgboost(feature_names=None),
        _xgboost(feature_names={"a": 1}),
        _xgboost(gradient_booster={"model": {"trees": [{"split_indices": ["x"], "left_children": [0]}]}}),
        _xgboost(gradient_booster={"model": {"trees": [{"split_indices": [[]], "left_children": [0]}]}}),
        _xgboost(gradient_booster={"model": {"trees": [{"split_indices": [1, 2], "left_children": [0]}]}}),
        _xgboost(gradient_booster={"model": {"trees": 5}}),
        "[" * 100_000,
    ],
)
def test_what_is_no_booster(text: str, tmp_path: Path) -> None:
    """Whatever somebody logged under such a name says nothing, and breaks nothing."""
    assert _read(tmp_path, "model.json", text) == []


@pytest.mark.parametrize("text", ["", "forest", "tree without a list", f"x{LIGHTGBM}"])
def test_what_is_no_text_of_lightgbm(text: str, tmp_path: Path) -> None:
    """Notes that end in `.txt` are no booster."""
    assert _read(tmp_path, "notes.txt", text) == []


def test_the_first_file_that_says_so_counts(tmp_path: Path) -> None:
    """Files are read in the order of their paths, and other names are not opened as boosters."""
    files = {}
    for name, text in {"a.bin": LIGHTGBM, "b.json": "{}", "c.lgb": LIGHTGBM, "d.json": _xgboost()}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
        files[name] = tmp_path / name

    assert read_importances(files)[0] == ("delay", 0.75)
    assert read_importances({"a.bin": files["a.bin"]}) == []
