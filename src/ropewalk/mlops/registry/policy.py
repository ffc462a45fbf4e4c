"""The `registry` section of `ropewalk.yaml`: what a model's files may import, and whose approval a release needs."""

from __future__ import annotations

from typing import Annotated, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ropewalk.pipeline import Workspace

KEY = "registry"
# The entry for models that have none of their own.
ALL_MODELS = "all"
Pickles = Literal["refuse", "quarantine", "allow"]


class ApprovalRule(BaseModel):
    """Whose approval a version needs before a release brings it into one environment."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    count: int = Field(default=1, ge=1, le=20, strict=True, description="how many people must approve")
    by: list[Annotated[str, Field(min_length=1)]] | None = Field(
        default=None, description="who may approve; without it, anybody but the author"
    )

    @model_validator(mode="after")
    def _can_be_met(self) -> ApprovalRule:
        if self.by is not None and len(set(self.by)) < self.count:
            raise ValueError(f"{self.count} people must approve, and only {len(set(self.by))} may")
        return self


class RegistryEntry(BaseModel):
    """The rules of one model, or of all that have none of their own."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    pickles: Pickles = Field(
        default="refuse",
        description="what becomes of a model whose files would import or run what is not known: refuse its"
        " registration, quarantine it until somebody allows it by name, or allow it",
    )
    allowed_by: str | None = Field(default=None, min_length=1, description="who answers for `pickles: allow`")
    reason: str | None = Field(default=None, min_length=1, description="why `pickles: allow`")
    approvals: dict[str, ApprovalRule] = Field(
        default_factory=dict, description="by environment: whose approval a release of the model needs"
    )

    @model_validator(mode="after")
    def _is_answered_for(self) -> RegistryEntry:
        if (self.pickles == "allow") != (self.allowed_by is not None and self.reason is not None):
            raise ValueError("`pickles: allow` needs `allowed_by` and `reason`, and nothing else has them")
        return self


def policy_of(workspace: Workspace, model: str) -> RegistryEntry:
    """Return the rules that hold for a model."""
    entries = workspace.project.entries(KEY)
    entry = entries.get(model) or entries.get(ALL_MODELS)
    return RegistryEntry() if entry is None else cast("RegistryEntry", entry.value)
