"""What a file below `metrics/` says: a table, the measures over it, and by what they can be told apart."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", max_length=63)]
Text = Annotated[str, Field(min_length=1)]
Kind = Literal["count", "sum", "avg", "min", "max", "median", "count_distinct", "ratio", "expression"]
Grain = Literal["hour", "day", "week", "month", "quarter", "year"]
GRAINS: tuple[Grain, ...] = ("hour", "day", "week", "month", "quarter", "year")
# Those of one column, which `sql` may stand for.
OF_A_COLUMN = frozenset({"sum", "avg", "min", "max", "median", "count_distinct"})
# What a measure is made of, and which of it each kind has a use for; all others are of a column.
_PARTS = ("column", "sql", "where", "numerator", "denominator")
_OF_ROWS = frozenset({"column", "sql", "where"})
_ALLOWED = {
    "count": frozenset({"where"}),
    "ratio": frozenset({"numerator", "denominator"}),
    "expression": frozenset({"sql"}),
}


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Measure(_Entry):
    """One metric: how it is computed from the rows of the table, or from other measures of the file."""

    kind: Kind
    column: Text | None = Field(None, description="sum, avg, min, max, median, count_distinct: the column")
    sql: Text | None = Field(
        None, description="Instead of a column: SQL over a row's columns; expression: SQL over other measures"
    )
    where: Text | None = Field(None, description="Only rows that meet this condition in SQL")
    numerator: Name | None = Field(None, description="ratio: the measure above the line")
    denominator: Name | None = Field(None, description="ratio: the measure below the line")
    description: Text | None = Field(None, description="What it means to those who read it")
    owner: Text | None = Field(None, description="Who answers for it (default: the file's owner)")
    format: Literal["number", "percent"] = Field("number", description="How it is shown")
    unit: Text | None = Field(None, description="What it counts, such as min or EUR")

    @model_validator(mode="after")
    def _has_what_its_kind_needs(self) -> Self:
        given = {name for name in _PARTS if getattr(self, name)}
        if self.kind in OF_A_COLUMN and len(given & {"column", "sql"}) != 1:
            raise ValueError(f"{self.kind} needs a column, or sql in its place")
        if self.kind == "ratio" and not {"numerator", "denominator"} <= given:
            raise ValueError("ratio needs a numerator and a denominator")
        if self.kind == "expression" and not self.sql:
            raise ValueError("expression needs sql")
        if unfit := sorted(given - _ALLOWED.get(self.kind, _OF_ROWS)):
            raise ValueError(f"{unfit[0]} is not for {self.kind}")
        return self


class Dimension(_Entry):
    """By what measures can be told apart; a text alone is a column."""

    column: Text | None = Field(None, description="A column of the table, or JOIN.COLUMN")
    sql: Text | None = Field(None, description="Instead of a column: SQL over a row's columns")
    kind: Literal["category", "time"] = Field(
        "category", description="time: can be asked for by hour, day, month"
    )
    description: Text | None = None

    @model_validator(mode="after")
    def _is_one_thing(self) -> Self:
        if (self.column is None) == (self.sql is None):
            raise ValueError("exactly one of column and sql is needed")
        return self


class Join(_Entry):
    """A table with one row for each row of this one: many to one, never the other way round."""

    table: Text
    on: dict[Text, Text] = Field(
        min_length=1,
        description="Column here, or JOIN.COLUMN of another join -> column there; a key of that table",
    )


def _long_form(data: object) -> object:
    return {"column": data} if isinstance(data, str) else data


class MetricFile(_Entry):
    """One file below `metrics/`."""

    table: Text = Field(description="The table that the measures are taken of, such as mart.flights")
    description: Text | None = None
    owner: Text | None = Field(None, description="Who answers for the metrics")
    grain: tuple[Text, ...] = Field(
        (), description="Columns that tell rows apart; checked, so that none counts twice"
    )
    time: Name | None = Field(None, description="The dimension that `--grain` is about when none is named")
    dimensions: dict[Name, Annotated[Dimension, BeforeValidator(_long_form)]] = {}
    joins: dict[Name, Join] = {}
    measures: dict[Name, Measure] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_fit(self) -> Self:
        if self.time is not None and (
            self.time not in self.dimensions or self.dimensions[self.time].kind != "time"
        ):
            raise ValueError(f"time: {self.time!r} is no dimension of kind: time")
        both = sorted(self.dimensions.keys() & self.measures.keys())
        if both:
            raise ValueError(f"{both[0]!r} is a dimension and a measure")
        # `--by month` has to mean one thing.
        taken = sorted(self.dimensions.keys() & {*GRAINS})
        if taken:
            raise ValueError(f"a dimension cannot be called {taken[0]!r}, which is a grain of time")
        return self
