"""The head of a model card: the hub's own words where it has some, and always YAML of one document."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ropewalk.mlops.registry.cards.facts import CardFacts, TrainingTable
from ropewalk.mlops.registry.cards.front_matter import front_matter, task_of
from ropewalk.mlops.registry.reading.mlmodel import MLmodel
from ropewalk.mlops.registry.reviews import read_review
from ropewalk.store.registry import ModelVersion

VERSION = ModelVersion(
    name="late",
    version="3",
    description=None,
    source="s",
    location="l",
    run_id=None,
    run_link=None,
    model_id=None,
    node_key=None,
    digest="d",
    metrics={},
    stage="None",
    created_at=1,
    updated_at=2,
    tags={},
)


def _facts(**more: object) -> CardFacts:
    known = {
        "version": VERSION,
        "description": None,
        "tags": {},
        "content": "c",
        "files": (),
        "model": MLmodel(),
        "run": None,
        "review": read_review([]),
    }
    return CardFacts(**{**known, **more})  # type: ignore[arg-type]


def _read(**more: object) -> dict[str, object]:
    text = front_matter(_facts(**more))
    assert text.startswith("---\n")
    assert text.endswith("---\n")
    return dict(yaml.safe_load(text[4:-4]))


@pytest.mark.parametrize(
    ("metrics", "task"),
    [
        ({}, None),
        ({"auc": 0.5}, "tabular-classification"),
        ({"evaluate.F1_score": 0.5}, "tabular-classification"),
        ({"rmse": 0.5}, "tabular-regression"),
        ({"rmse": 0.5, "accuracy": 0.5}, "tabular-classification"),
        ({"seconds": 0.5}, None),
    ],
)
def test_what_a_model_does(metrics: dict[str, float], task: str | None) -> None:
    """As far as the names of its metrics tell."""
    assert task_of(_facts(metrics=metrics)) == task
    assert _read(metrics=metrics).get("pipeline_tag") == task


@pytest.mark.parametrize(
    ("tag", "said"),
    [
        ("apache-2.0", {"license": "apache-2.0"}),
        (" GPL-3.0 ", {"license": "gpl-3.0"}),
        ("Our own\nterms", {"license": "other", "license_name": "our-own-terms"}),
        ("  ", {}),
    ],
)
def test_licences(tag: str, said: dict[str, str]) -> None:
    """One that the hub does not know keeps its name beside `other`."""
    found = _read(tags={"license": tag})

    assert {key: value for key, value in found.items() if key.startswith("license")} == said


@pytest.mark.parametrize(
    ("flavours", "library", "tags"),
    [
        ([], None, ["ropewalk"]),
        (["python_function"], None, ["ropewalk"]),
        (["python_function", "sklearn"], "sklearn", ["ropewalk", "sklearn"]),
        (["tensorflow"], "tf-keras", ["ropewalk", "tensorflow"]),
        (["onnx", "lightgbm"], "lightgbm", ["lightgbm", "onnx", "ropewalk"]),
        (["mine"], None, ["mine", "ropewalk"]),
    ],
)
def test_libraries(flavours: list[str], library: str | None, tags: list[str]) -> None:
    """By the hub's names; a flavour of its own is a tag only."""
    found = _read(model=MLmodel(flavours={name: {} for name in flavours}))

    assert (found.get("library_name"), found["tags"]) == (library, tags)


def test_own_tags() -> None:
    """Separated by commas, each once, sorted."""
    assert _read(tags={"tags": "b, a,, b ,ropewalk"})["tags"] == ["a", "b", "ropewalk"]


@pytest.mark.parametrize(
    ("tables", "datasets", "name"),
    [
        ((), None, "training data"),
        (("mart.a",), ["mart.a"], "mart.a"),
        (("mart.b", "mart.a", "mart.b"), ["mart.a", "mart.b"], "mart.a, mart.b"),
    ],
)
def test_results(tables: tuple[str, ...], datasets: list[str] | None, name: str) -> None:
    """With a task and a data set, which the hub requires; what is not finite is no result."""
    known = tuple(TrainingTable(table, "1", "d") for table in tables)
    found = _read(tables=known, metrics={"fit.auc": 0.5, "odd": float("inf")})

    assert found.get("datasets") == datasets
    assert found["model-index"] == [
        {
            "name": "late",
            "results": [
                {
                    "task": {"type": "tabular-classification"},
                    "dataset": {"type": "tabular", "name": name},
                    "metrics": [{"type": "auc", "name": "fit.auc", "value": 0.5}],
                }
            ],
        }
    ]


def test_no_results() -> None:
    """Without a finite figure there is no such entry."""
    assert "model-index" not in _read(metrics={"auc": float("nan")})


@settings(max_examples=40)
@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
def test_any_tag(text: str) -> None:
    """Whatever a client wrote, the head is one document with the same entries."""
    found = _read(tags={"tags": f"a{text}", "license": f"x{text}"}, metrics={f"auc{text}": 0.5})

    assert set(found) == {"license", "license_name", "tags", "pipeline_tag", "model-index"}
