"""What `ropewalk.yaml` may say about environments and pools."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class EnvironmentEntry(BaseModel):
    """One entry of `environments`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    protected: bool = Field(default=False, description="whether only applying a release moves it")
    base: str | None = Field(
        default=None, description="the environment it starts from and is compared with (default: production)"
    )
    expires: str | None = Field(
        default=None,
        pattern=r"^\d+[hd]$",
        description="how long after its last use it may be dropped, such as 14d; never by default",
    )


PoolSize = Annotated[int, Field(ge=1, description="how many nodes of the pool may run at once")]
