"""One row to try a model with: its logged input example, or one made up from its signature."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path

from ropewalk.devops.serving.payload import Values
from ropewalk.devops.serving.signature import Signature

_MADE_UP: dict[str, object] = {
    "double": 0.0,
    "float": 0.0,
    "long": 0,
    "integer": 0,
    "boolean": False,
    "string": "",
    "datetime": "2000-01-01T00:00:00",
}


def example_columns(folder: Path, signature: Signature) -> Sequence[Values]:
    """Return one row in the signature's column order, from the logged example where it fits."""
    logged = _logged_row(folder)
    row = {column.name: logged.get(column.name, _MADE_UP[column.type]) for column in signature.columns}
    return [[_finite(row[name])] for name in signature.names]


def _logged_row(folder: Path) -> dict[str, object]:
    path = folder / "serving_input_example.json"
    if not path.is_file():
        return {}
    # Other shapes belong to models without named columns, whose row is made up.
    split = json.loads(path.read_text(encoding="utf-8")).get("dataframe_split")
    return dict(zip(split["columns"], split["data"][0], strict=True)) if split else {}


def _finite(value: object) -> object:
    # MLflow writes a missing value into its example as NaN, which JSON does not have.
    return None if isinstance(value, float) and math.isnan(value) else value
