"""The `schedule` section of `ropewalk.yaml`: rules by name, and what each runs."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, GetJsonSchemaHandler, field_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError

from ropewalk.pipeline.schedule_times import check_cron, is_zone, nearest_zone

CatchUp = Literal["last", "all", "none"]
Overlap = Literal["wait", "skip"]


class ScheduleEntry(BaseModel):
    """One entry of `schedule`; a cron line alone means UTC and the whole project."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cron: str = Field(
        description="minute, hour, day of month, month, day of week; or @daily, @hourly and their like"
    )
    timezone: str = Field(
        "UTC", description="the time zone in which the times are meant, such as Europe/Berlin"
    )
    run: tuple[Annotated[str, Field(min_length=1)], ...] = Field(
        (), description="the nodes to bring up to date, with all they need (default: the whole project)"
    )
    environment: str | None = Field(
        None, min_length=1, description="the environment whose pointers move (default: the scheduler's)"
    )
    catch_up: CatchUp = Field(
        "last", description="which due times are made up for after a break: the last, all in order, or none"
    )
    overlap: Overlap = Field(
        "wait",
        description="what a due time does while the run before it is at work: wait for it, or be skipped",
    )

    @field_validator("cron")
    @classmethod
    def _is_cron(cls, cron: str) -> str:
        return check_cron(cron)

    @field_validator("timezone")
    @classmethod
    def _is_zone(cls, name: str) -> str:
        if not is_zone(name):
            context = {"name": repr(name), "nearest": nearest_zone(name)}
            raise PydanticCustomError(
                "unknown_zone", "{name} is no time zone that this machine knows", context
            )
        return name


class _AlsoText:
    """Says to editors that the short form is one too."""

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"anyOf": [{"type": "string", "description": "a cron line, in UTC"}, handler(core)]}


def _long_form(data: object) -> object:
    return {"cron": data} if isinstance(data, str) else data


ScheduleForm = Annotated[ScheduleEntry, BeforeValidator(_long_form), _AlsoText()]
