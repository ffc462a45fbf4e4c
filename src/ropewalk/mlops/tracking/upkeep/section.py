"""The `retention` section of `ropewalk.yaml`: rules by name, each saying which runs go and what of them."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from ropewalk.mlops.tracking.columns import parse_column
from ropewalk.mlops.tracking.errors import InvalidFilter
from ropewalk.mlops.tracking.filter import RUNS, parse_filter

_AGE = re.compile(r"(\d{1,6})([hdw])")
_HOURS = {"h": 1, "d": 24, "w": 24 * 7}
HOUR_MS = 3_600_000
_CLOSED = ConfigDict(extra="forbid", frozen=True)


class KeepBest(BaseModel):
    """How many of the runs that a rule is about stay, and by which metric they are compared."""

    model_config = _CLOSED

    metric: str = Field(min_length=1, description="the metric by which runs are compared, such as auc")
    count: int = Field(1, ge=1, le=100_000, description="how many of the best stay, in each experiment")
    goal: Literal["max", "min"] | None = Field(
        None, description="whether more or less is better (default: what the metric's name says)"
    )


class RetentionRule(BaseModel):
    """One rule: which runs it is about, and what goes of them."""

    model_config = _CLOSED

    experiment: str | None = Field(
        None, min_length=1, description="only runs of this experiment (default: of all experiments)"
    )
    filter: str = Field(
        "", description="only runs that this filter finds, in MLflow's language: tags.kind = 'sweep'"
    )
    older_than: str | None = Field(
        None, description="only runs that ended this long ago: a number and h, d or w"
    )
    keep_best: KeepBest | None = Field(None, description="of these, the best stay")
    remove: Literal["run", "artifacts"] = Field(
        "run",
        description="what goes: the run, into the trash; or its files only, so that what it logged stays",
    )

    @field_validator("older_than")
    @classmethod
    def _is_age(cls, text: str | None) -> str | None:
        if text is not None and not _AGE.fullmatch(text):
            raise PydanticCustomError(
                "age", "{text} is no age: write a number and h, d or w", {"text": repr(text)}
            )
        return text

    @field_validator("filter")
    @classmethod
    def _is_filter(cls, text: str) -> str:
        try:
            parse_filter(text, RUNS)
        except InvalidFilter as error:
            raise PydanticCustomError("filter", "{message}", {"message": error.message}) from None
        return text

    @model_validator(mode="after")
    def _is_limited(self) -> RetentionRule:
        # A rule that takes every run is nobody's intention, and a forgotten line is how one comes about.
        if self.older_than is None and self.keep_best is None:
            raise PydanticCustomError("unlimited", "a rule needs older_than, keep_best or both")
        if self.keep_best:
            parse_column(f"metrics.`{self.keep_best.metric}`")
        return self

    @property
    def age_ms(self) -> int:
        """How long ago a run must have ended."""
        match = _AGE.fullmatch(self.older_than or "")
        return int(match[1]) * _HOURS[match[2]] * HOUR_MS if match else 0
