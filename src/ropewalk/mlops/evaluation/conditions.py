"""The `gates` section of `ropewalk.yaml`: conditions on metrics, by model."""

from __future__ import annotations

from typing import Annotated, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ropewalk.store.gates import Bound

# Strict, because YAML's `yes` would otherwise pass for 1.0.
Figure = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Distance = Annotated[Figure, Field(ge=0)]
BOUNDS: tuple[Bound, ...] = get_args(Bound)


class Condition(BaseModel):
    """One metric and the bounds it must keep."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    # The step ends at the first dot, because a metric of MLflow may have dots in its name.
    metric: str = Field(pattern=r"^[^.\s]+\.\S+$", description="STEP.METRIC: a figure that a step returned")
    min: Figure | None = Field(None, description="the least that passes")
    max: Figure | None = Field(None, description="the most that passes")
    max_drop: Distance | None = Field(None, description="how far below the version in production it may be")
    max_rise: Distance | None = Field(None, description="how far above the version in production it may be")

    @property
    def step(self) -> str:
        """The step that records the metric."""
        return self.metric.partition(".")[0]

    @property
    def figure(self) -> str:
        """The metric's name within its step."""
        return self.metric.partition(".")[2]

    def bounds(self) -> list[tuple[Bound, float]]:
        """Return the bounds that are set, in the order they are documented."""
        # A bound of zero is set, so that each is compared with None.
        found = ((bound, getattr(self, bound)) for bound in BOUNDS)
        return [(bound, value) for bound, value in found if value is not None]

    def __str__(self) -> str:
        bounds = " ".join(f"{bound} {value:g}" for bound, value in self.bounds())
        return f"{self.metric} {bounds}"

    @model_validator(mode="after")
    def _can_decide(self) -> Condition:
        if not self.bounds():
            raise ValueError("needs at least one of " + ", ".join(BOUNDS))
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"no figure passes: min {self.min:g} is above max {self.max:g}")
        return self


Conditions = Annotated[list[Condition], Field(min_length=1)]

KEY = "gates"
