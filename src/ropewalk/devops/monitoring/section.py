"""The `monitor` section of `ropewalk.yaml`: windows, labels and limits, by deployment."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

# Strict, because YAML's `yes` would otherwise pass for 1.0.
Share = Annotated[float, Field(strict=True, ge=0, le=1)]
Period = Literal["day", "week", "month"]
_CLOSED = ConfigDict(extra="forbid", frozen=True)


class Labels(BaseModel):
    """Where outcomes arrive: a table, the column that identifies a prediction, and the column of 0 and 1."""

    model_config = _CLOSED

    table: str = Field(min_length=1, description="the table that outcomes arrive in")
    key: str = Field(min_length=1, description="its column that identifies what was predicted")
    column: str = Field(min_length=1, description="its column with the outcome: 0 or 1, or a boolean")


class Range(BaseModel):
    """The least and the most a figure may be."""

    model_config = _CLOSED

    min: Share | None = None
    max: Share | None = None

    @model_validator(mode="after")
    def _can_decide(self) -> Range:
        if self.min is None and self.max is None:
            raise ValueError("needs at least one of min, max")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"no figure passes: min {self.min:g} is above max {self.max:g}")
        return self


class Limits(BaseModel):
    """What a window must keep; what is left out is shown and not judged."""

    model_config = _CLOSED

    psi: Annotated[float, Field(strict=True, gt=0, allow_inf_nan=False)] | None = Field(
        None, description="the most that any column may have drifted from the training data"
    )
    auc: Range | None = Field(None, description="the range of the area under the ROC curve")
    rate_shift: Share | None = Field(
        None, description="how far the share of positives may be from that of the training data"
    )


class Monitor(BaseModel):
    """How one deployment is watched."""

    model_config = _CLOSED

    by: Period = Field("month", description="length of a window: day, week or month")
    time: str = Field(min_length=1, description="the request's column that places a prediction in time")
    labels: Labels
    limits: Limits = Limits(psi=None, auc=None, rate_shift=None)
    # Names, not a larger limit: one for all columns, raised for one that has seasons, would hide the others.
    ignore: tuple[Annotated[str, Field(min_length=1)], ...] = Field(
        (), description="columns whose drift is shown and not judged, such as those that follow the seasons"
    )
    # The standard error of a rate is below 3.6 points from 200 rows on.
    min_rows: int = Field(200, strict=True, ge=1, description="windows with fewer rows are not judged")


KEY = "monitor"
