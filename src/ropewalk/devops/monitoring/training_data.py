"""What a model version is compared with: the table it was trained on, as kept beside its reference profile."""

from __future__ import annotations

import msgspec

from ropewalk.store import Database
from ropewalk.store.monitoring import get_profile


class TrainingData(msgspec.Struct, frozen=True):
    """The part of a reference profile that people are told of.

    Attributes:
        table: the table of the lake; empty in a profile from before tables were kept by name.
        snapshot: the snapshot of the lake it was read at.
        rows: how many of its rows count.
        positive_rate: share of positive outcomes; None when the table has no such column.
    """

    table: str = ""
    snapshot: int = 0
    rows: int = 0
    positive_rate: float | None = None

    def __str__(self) -> str:
        """The table and its snapshot in words."""
        rate = "" if self.positive_rate is None else f", {self.positive_rate:.1%} of them positive"
        return f"table {self.table} at snapshot {self.snapshot} of the lake ({self.rows:,} rows{rate})"


def training_data(database: Database, model_version: str) -> TrainingData | None:
    """Return what `model_version`, such as `late/3`, is compared with; None before its profile was taken."""
    model, _, number = model_version.rpartition("/")
    kept = get_profile(database, model, int(number))
    # Of the whole profile only these few fields are decoded.
    found = msgspec.json.decode(kept, type=TrainingData) if kept else None
    return found if found and found.table else None
