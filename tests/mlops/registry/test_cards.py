"""Model cards: the front matter is the hub's, and what clients wrote stays text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import yaml

from ropewalk.mlops.registry import get_version, keep_card, model_card, register
from ropewalk.mlops.registry.cards.importances import read_importances
from ropewalk.pipeline import Workspace
from ropewalk.store.tracking.values import LoggedModel

LogModel = Callable[..., LoggedModel]
TABLES = '[{"table": "mart.flights", "snapshot": 14, "digest": "d"}]'


def _card(
    project: Workspace, log_model: LogModel, tags: Mapping[str, str], metrics: Mapping[str, float]
) -> str:
    model = log_model(
        {"MLmodel": b"flavors: {lightgbm: {}, python_function: {loader_module: mlflow.lightgbm}}"}
    )
    register(project, "late", model.id, model.source_run_id or "", "key", "digest", metrics, tags)
    return model_card(project, get_version(project, "late", "1"))


def _front(card: str) -> dict[str, object]:
    return dict(yaml.safe_load(card.split("---\n")[1]))


def test_front_matter(project: Workspace, log_model: LogModel) -> None:
    """Every field is one that the hub's specification has, with what it requires of results."""
    tags = {"license": "Apache-2.0", "tags": "flights, late", "ropewalk.inputs": TABLES}

    front = _front(_card(project, log_model, tags, {"evaluate.auc": 0.79, "evaluate.odd": float("nan")}))

    assert front == {
        "license": "apache-2.0",
        "library_name": "lightgbm",
        "tags": ["flights", "late", "lightgbm", "ropewalk"],
        "datasets": ["mart.flights"],
        "pipeline_tag": "tabular-classification",
        "model-index": [
            {
                "name": "late",
                "results": [
                    {
                        "task": {"type": "tabular-classification"},
                        "dataset": {"type": "tabular", "name": "mart.flights"},
                        "metrics": [{"type": "auc", "name": "evaluate.auc", "value": 0.79}],
                    }
                ],
            }
        ],
    }


@pytest.mark.parametrize(
    ("tag", "said"),
    [
        ("MIT", {"license": "mit"}),
        ("Our Own 1.0", {"license": "other", "license_name": "our-own-1.0"}),
        ("", {}),
    ],
)
def test_license(tag: str, said: dict[str, str], project: Workspace, log_model: LogModel) -> None:
    """A licence that the hub does not know is `other` with its name."""
    front = _front(_card(project, log_model, {"license": tag}, {}))

    assert {key: value for key, value in front.items() if "license" in key} == said


def test_what_clients_wrote_stays_text(project: Workspace, log_model: LogModel) -> None:
    """A tag or metric cannot close the front matter, a table or a tag of HTML."""
    tags = {"tags": "a\n---\nb: c", "ropewalk.inputs": "no JSON", "ropewalk.step": "<script>|x"}

    card = _card(project, log_model, tags, {"a|b<i>": 0.5})

    assert _front(card)["tags"] == ["a --- b: c", "lightgbm", "ropewalk"]
    assert "<script>" not in card.split("---\n", 2)[-1]
    assert "| a\\|b&lt;i> | 0.5 |" in card


def test_card_is_kept_and_the_same(project: Workspace, log_model: LogModel) -> None:
    """The same version has the same card, kept among the artifacts."""
    card = _card(project, log_model, {}, {"rmse": 2.0})
    version = get_version(project, "late", "1")

    assert keep_card(project, version) == (card, "model-cards/late/1/README.md")
    assert _front(card)["pipeline_tag"] == "tabular-regression"
    assert "`models/late.md` is the place" in card


def test_importances_of_xgboost(tmp_path: Path) -> None:
    """Splits are counted by feature; leaves are none."""
    (tmp_path / "m").write_text(
        '{"learner": {"feature_names": ["hour"], "gradient_booster": {"model": {"trees":'
        ' [{"split_indices": [0, 1, 0, 0], "left_children": [1, 2, -1, -1]}]}}}}',
        encoding="utf-8",
    )

    assert read_importances({"model.json": tmp_path / "m"}) == [("f1", 0.5), ("hour", 0.5)]
    assert read_importances({"model.txt": tmp_path / "m"}) == []
