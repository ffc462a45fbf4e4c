"""The ends of a LightGBM model file: what is read of them, and what a damaged one is answered with."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ropewalk.devops.serving.boosters import Booster, _largest_code, _last_line, _read_model_file
from ropewalk.devops.serving.errors import ModelNotServable

HEAD = "tree\nversion=v4\nfeature_names=hour carrier\nfeature_infos=[0:23] -1:2:0:1\n\n"
TREES = "Tree=0\nleaf_value=1\n\nend of trees\n\nparameters:\n"


def _file(folder: Path, *ends: str) -> Path:
    path = folder / "model.txt"
    path.write_text(HEAD + TREES + "\n".join(ends))
    return path


def test_both_ends(tmp_path: Path) -> None:
    """Names from the head, categories from the tail; nothing of the trees in between."""
    path = _file(tmp_path, "[categorical_feature: 1]", "", 'pandas_categorical:[["AA", "ü"]]')

    header, categorical, tail = _read_model_file(path)

    assert header["feature_names"] == "hour carrier"
    assert "leaf_value" not in header
    assert (categorical, tail) == ("1", [["AA", "ü"]])


@pytest.mark.parametrize("said", ["null", "[]", ""])
def test_no_categories(tmp_path: Path, said: str) -> None:
    """However a file says that no column was one of pandas' categories."""
    assert _read_model_file(_file(tmp_path, "", f"pandas_categorical:{said}"))[2] == []


@pytest.mark.parametrize("said", ['[["AA", "U', "{}", '["AA"]', "3", "[[1]] x"])
def test_categories_that_broke_off(tmp_path: Path, said: str) -> None:
    """A file that was cut is refused by its name: without its categories it would answer wrongly."""
    with pytest.raises(ModelNotServable, match=r"categories in model\.txt cannot be read"):
        Booster(_file(tmp_path, "", f"pandas_categorical:{said}"))


@pytest.mark.parametrize("content", [b"", b"\x80\x04K\x01.", b"tree\n\nfeature_names=a\n", b"\n\n"])
def test_other_files(tmp_path: Path, content: bytes) -> None:
    """A file of something else is named as no model, before any library is loaded."""
    (tmp_path / "model.txt").write_bytes(content)

    with pytest.raises(ModelNotServable, match=r"model\.txt is not a LightGBM model file"):
        Booster(tmp_path / "model.txt")


def test_no_file(tmp_path: Path) -> None:
    """What is not there is said with its path and why."""
    with pytest.raises(ModelNotServable, match=r"cannot read .*gone\.txt: No such file"):
        Booster(tmp_path / "gone.txt")


@pytest.mark.parametrize(
    ("info", "code"), [("none", -1), ("[0:23]", -1), ("-1:2:0:1", 2), ("7", 7), ("-1", -1), ("[-1:1]", -1)]
)
def test_largest_codes(info: str, code: int) -> None:
    """A range of numbers has no codes; of categories the largest counts, wherever it stands."""
    assert _largest_code(info) == code


@given(st.lists(st.binary(max_size=8).filter(lambda part: b"\n" not in part), max_size=5))
def test_the_last_line_counts(parts: list[bytes]) -> None:
    """A parameter may repeat what the tail begins with: the last is the file's own."""
    content = b"".join(b"\nkey:" + part for part in parts) + b"\nend"

    assert _last_line(content, b"\nkey:") == (parts[-1] if parts else b"")
