"""What stands below `sources:` for databases that the engine cannot attach, and for dlt's sources."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, JsonValue, model_validator

from ropewalk.dataops.sources.database_declarations import TableSource
from ropewalk.dataops.sources.entries import Name
from ropewalk.dataops.sources.program_declarations import FUNCTION, ProgramSource


def _require_function(text: str) -> str:
    if not FUNCTION.match(text):
        raise ValueError("must be MODULE:FUNCTION")
    return text


class DriverSource(TableSource, ProgramSource):
    """A table or query of a database, through a driver that runs in a process of its own; read only by its login."""


class ADBCSource(DriverSource):
    """A table or query of any database that has an ADBC driver; rows arrive as Arrow."""

    kind: Literal["adbc"]
    driver: Name = Field(description="The driver: a Python package such as adbc_driver_sqlite, or a library")
    uri: Name | None = Field(None, description="Where the database is; secret://NAME allowed")
    options: dict[str, str] = Field({}, description="Options of the database, as the driver names them")


class SQLAlchemySource(DriverSource):
    """A table or query of any database that has an SQLAlchemy dialect."""

    kind: Literal["sqlalchemy"]
    url: Name = Field(description="SQLAlchemy's URL of the database; secret://NAME allowed")


class DLTSource(ProgramSource):
    """Resources of a dlt source: each becomes `raw.NAME_RESOURCE`, or one of them `raw.NAME`."""

    kind: Literal["dlt"]
    function: Annotated[str, AfterValidator(_require_function)] = Field(
        description="MODULE:FUNCTION that returns the source or resource; modules of the project count"
    )
    arguments: dict[str, JsonValue] = Field({}, description="What it is called with; secret://NAME allowed")
    resource: Name | None = Field(None, description="Load this resource alone, as raw.NAME")
    resources: list[Name] = Field([], description="Which resources to load")

    @model_validator(mode="after")
    def _names_its_resources(self) -> Self:
        if bool(self.resources) == (self.resource is not None):
            raise ValueError("either resource or resources is needed: planning does not run the source")
        if self.cursor is not None:
            raise ValueError("cursor: dlt's resources keep their own state")
        return self

    def expand(self, name: str) -> Iterator[tuple[str, Self]]:
        """Yield each resource that is loaded: the name of its table below `raw`, and its declaration."""
        if self.resource is not None:
            yield name, self
        for resource in dict.fromkeys(self.resources):
            table = re.sub(r"\W", "_", resource)
            yield f"{name}_{table}", self.model_copy(update={"resource": resource, "resources": []})
