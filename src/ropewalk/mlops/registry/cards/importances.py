"""How much each feature counts, read from the text that a booster is saved as: no library is loaded for it.

LightGBM's text format ends with `feature_importances:` and lines `NAME=SPLITS`; XGBoost's JSON has the feature of each split.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

_MOST_BYTES = 256 << 20
_MARK = "feature_importances:"


def read_importances(files: Mapping[str, Path]) -> list[tuple[str, float]]:
    """Return the share of splits that each feature has, largest first; nothing when no file says so."""
    for path, place in sorted(files.items()):
        if place.stat().st_size > _MOST_BYTES:
            continue
        counts = _lightgbm(place) if path.endswith((".lgb", ".txt")) else {}
        counts = counts or (_xgboost(place) if path.endswith((".xgb", ".json")) else {})
        if counts:
            whole = sum(counts.values()) or 1.0
            ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
            return [(name, count / whole) for name, count in ranked]
    return []


def _lightgbm(place: Path) -> dict[str, float]:
    text = place.read_text(encoding="utf-8", errors="replace")
    if not text.startswith("tree") or _MARK not in text:
        return {}
    found = {}
    for line in text.partition(_MARK)[2].lstrip("\n").splitlines():
        name, equals, count = line.rpartition("=")
        # The list ends at its first empty line; parameters follow.
        if not equals or not count.strip().isdecimal():
            break
        found[name] = float(count)
    return found


def _xgboost(place: Path) -> dict[str, float]:
    try:
        learner = json.loads(place.read_bytes())["learner"]
        names: Sequence[str] = learner["feature_names"]
        trees = learner["gradient_booster"]["model"]["trees"]
        splits = [
            index
            for tree in trees
            for index, left in zip(tree["split_indices"], tree["left_children"], strict=True)
            # A leaf has no children, and its place in the list of features means nothing.
            if left != -1
        ]
        # The names may be of any shape too: the file is whatever somebody logged as a booster.
        return {
            str(names[index]) if index < len(names) else f"f{index}": float(count)
            for index, count in Counter(splits).items()
        }
    except (ValueError, LookupError, TypeError, RecursionError):
        return {}
