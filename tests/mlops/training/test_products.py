"""What a step returned is held against its annotation, and staged for the engine."""

from __future__ import annotations

import pytest

from ropewalk import Files, Metrics, Model, Table
from ropewalk.mlops.training.job import Answer, Job
from ropewalk.mlops.training.products import WrongReturn, answer_of


@pytest.fixture
def answer(tmp_path):
    """Return a function that answers for what a step of this annotation returned."""
    (tmp_path / "staging").mkdir()

    def of(makes, returned):
        job = Job("/root", "/state", "steps/a.py", "make", makes, [], {}, "run", str(tmp_path / "staging"))
        return answer_of(returned, job)

    return of


def test_numbers(answer):
    """A mapping of numbers is an answer, whatever kind of mapping it is."""
    assert answer("Metrics", {"a": 1}) == answer("Metrics", Metrics(a=1)) == Answer(metrics={"a": 1.0})


def test_model_that_was_logged(answer):
    """A logged model is told by its address."""
    assert answer("Model", Model(uri="models:/m-1")).model_uri == "models:/m-1"


def test_table_is_staged(answer, tmp_path):
    """A table's rows are in a Parquet file of the staging folder."""
    assert answer("Table", Table.of([{"a": 1}])) == Answer(table=str(tmp_path / "staging/table.parquet"))
    assert (tmp_path / "staging/table.parquet").read_bytes()[:4] == b"PAR1"


def test_staged_files_stay_where_they_are(answer, tmp_path):
    """What is in the staging folder already is not copied."""
    made = tmp_path / "staging/made"
    made.mkdir()

    assert answer("Files", Files(made)) == Answer(files=str(made))


@pytest.mark.parametrize("is_folder", [True, False])
def test_files_elsewhere_are_copied(answer, tmp_path, is_folder):
    """What lies elsewhere may be gone when the engine looks, so a copy is kept, links as links."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/a").write_text("x")
    (tmp_path / "mine/link").symlink_to("a")
    path = tmp_path / "mine" if is_folder else tmp_path / "mine/a"

    kept = tmp_path.joinpath(answer("Files", Files(path)).files)

    assert kept.is_relative_to(tmp_path / "staging")
    assert kept.name == path.name
    assert (kept / "a" if is_folder else kept).read_text() == "x"
    assert not is_folder or (kept / "link").is_symlink()


@pytest.mark.parametrize("returned", [None, 1, "x", [1], object()])
def test_effect(answer, returned):
    """A step that says nothing of what it makes may return anything."""
    assert answer(None, returned) == Answer()


@pytest.mark.parametrize(
    ("makes", "returned", "message"),
    [
        ("Metrics", 3, "make says it returns Metrics and returned int"),
        ("Metrics", {"a": float("nan"), "b": 1}, "no finite numbers: a is nan"),
        ("Model", {}, "make says it returns Model and returned dict"),
        ("Table", [{"a": 1}], r"returned list; return Table\.of\(\.\.\.\)"),
        ("Table", Table.of("x"), "cannot be kept: a table cannot be made of str"),
        ("Files", "a", r"returned str; return Files\(path\)"),
        ("Files", Files("none/there"), "Files of none/there, where there is nothing"),
    ],
)
def test_wrong_return(answer, makes, returned, message):
    """Anything else than what was said is refused, with what would have been right."""
    with pytest.raises(WrongReturn, match=message):
        answer(makes, returned)
