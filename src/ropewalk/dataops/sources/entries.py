"""What the declarations of all kinds of source share: how rows land, and what is true of every entry."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

# The columns that the write mode `history` adds to a table.
VALID_FROM, VALID_TO, IS_CURRENT = "valid_from", "valid_to", "is_current"
Name = Annotated[str, Field(min_length=1)]


class Entry(BaseModel):
    """What every entry has: no unknown keys, and values that do not change."""

    # Built with the first entry of its kind: a project uses few of them.
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


WriteMode = Literal["append", "replace", "merge", "history"]
SchemaPolicy = Literal["evolve", "freeze", "quarantine"]
# `5 %` of the arriving rows, or a number of them.
Limit = Annotated[str, Field(pattern=r"^(100|\d{1,2}(\.\d+)?) ?%$")] | Annotated[int, Field(ge=0)]
Overlap = Annotated[float, Field(gt=0)] | Annotated[str, Field(pattern=r"^\d+ ?(s|m|h|d|w)$")]


class Cursor(Entry):
    """Incremental loading: only rows after the greatest value loaded so far count."""

    column: Name = Field(description="The column that grows")
    overlap: Overlap | None = Field(
        None, description="How far before that value rows are taken again: a number, or 30s, 10m, 2h, 1d, 1w"
    )


class LandedSource(Entry):
    """What every kind of source may say about how its rows land in their table."""

    write: WriteMode | None = Field(
        None,
        description="By default merge with key and cursor, append with a cursor alone, replace without one",
    )
    key: list[Name] = Field([], description="Columns that identify a row")
    cursor: Cursor | None = None
    schema_policy: SchemaPolicy = Field(
        "evolve", alias="schema", description="What happens when the source's columns are not the table's"
    )
    types: dict[str, str] = Field({}, description="Column -> SQL type, where the one found is not wanted")
    max_quarantined: Limit = Field(
        "50%",
        description="Rows, or share of the arriving rows, that may go to quarantine before the load fails",
    )
    on_unreachable: Literal["keep", "fail"] = "fail"

    @model_validator(mode="after")
    def _writing_has_what_it_needs(self) -> Self:
        if self.write in {"merge", "history"} and not self.key:
            raise ValueError(f"write: {self.write} needs a key")
        return self
