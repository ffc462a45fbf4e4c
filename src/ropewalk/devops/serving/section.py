"""The section `deploy` of `ropewalk.yaml`."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class DeployEntry(BaseModel):
    """One deployment: which model it serves and how requests say what they are about."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str | None = Field(
        default=None, description="Model to serve; the deployment's own name by default"
    )
    # Asked for at the start: without it predictions never meet their outcomes, and nobody can add it later.
    key: str = Field(
        min_length=1,
        description="Column of a request that identifies what is predicted, for joining labels later",
    )


KEY = "deploy"
