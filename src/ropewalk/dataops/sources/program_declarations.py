"""What sources may say that run code of others in a process of its own: how long it may run, and how often it has to."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from ropewalk.dataops.sources.entries import Cursor, LandedSource, Name
from ropewalk.dataops.sources.refreshing import Refresh, refresh_seconds

DURATION = r"^\d+\s*[smh]$"
Duration = Annotated[str, Field(pattern=DURATION)]
# A function `module:name`, the module's name dotted.
FUNCTION = re.compile(r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")


class ProgramSource(LandedSource):
    """A source that code of others brings: a function, a driver, a program."""

    refresh: Refresh | None = Field(
        None, description="How old what was loaded may be, such as 6h, or never; by default every run loads"
    )
    timeout: Duration = Field("1h", description="How long it may run, such as 90s, 30m or 2h")

    @property
    def timeout_s(self) -> float:
        """How many seconds it may run."""
        return refresh_seconds(self.timeout)


def _one_or_more(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _named(value: object) -> object:
    return {"column": value} if isinstance(value, str) else value


class PythonSource(ProgramSource):
    """A generator function below `sources/`, marked with `@source`; its options are those of the decorator."""

    kind: Literal["python"] = "python"
    function: Name = Field(description="FILE:NAME, relative to the project")
    parameters: dict[str, str] = Field({}, description="Its tracked parameters, as Python writes them")
    takes_since: bool = Field(
        default=False, description="Whether it has a parameter `since` for the watermark"
    )
    version: str | None = Field(None, description="Change it to have everything loaded anew")
    # A function has one cursor and mostly one key: they may be given as what they are.
    key: Annotated[list[Name], BeforeValidator(_one_or_more)] = Field([])
    cursor: Annotated[Cursor | None, BeforeValidator(_named)] = None
