"""An unknown key is told with its place, the nearest valid one, and what is valid."""

from __future__ import annotations

from ropewalk.project import parse_yaml
from ropewalk.project.unknown_keys import unknown_key


def _document(folder):
    (folder / "file.yaml").write_text("gates:\n  late:\n    treshold: 3\n")
    return parse_yaml(folder / "file.yaml", folder)


def test_place_nearest_and_hint(tmp_path):
    """The error says all that mending it takes."""
    error = unknown_key(_document(tmp_path), ("gates", "late", "treshold"), ["metric", "threshold"], "more")

    assert (error.message, error.nearest) == ("unknown key 'treshold'", "threshold")
    assert (str(error.place), error.hint) == ("file.yaml:3:5", "valid here: metric, threshold")
    assert error.detail == "more"


def test_nothing_is_valid(tmp_path):
    """Where no key may stand, none is recommended."""
    error = unknown_key(_document(tmp_path), ("gates", "late"), [])

    assert (error.nearest, error.hint, error.detail) == (None, None, None)
    assert str(error.place) == "file.yaml:2:3"
