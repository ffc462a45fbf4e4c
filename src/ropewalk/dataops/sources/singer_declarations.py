"""What stands below `sources:` for a Singer tap."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, JsonValue, model_validator

from ropewalk.dataops.sources.entries import Name
from ropewalk.dataops.sources.program_declarations import ProgramSource

DISCOVER = "discover"


def _split(command: object) -> object:
    # Here and not at the top: few projects have a tap.
    import shlex

    return shlex.split(command) if isinstance(command, str) else command


class SingerSource(ProgramSource):
    """Streams of a Singer tap: each becomes `raw.NAME_STREAM`, or one of them `raw.NAME`."""

    kind: Literal["singer"]
    command: Annotated[list[Name], BeforeValidator(_split)] = Field(
        description="The tap's program with its arguments; no shell reads it", min_length=1
    )
    config: dict[str, JsonValue] = Field({}, description="The tap's configuration; secret://NAME allowed")
    catalog: Name | None = Field(
        None, description="File with the tap's catalog, or `discover` to ask the tap for it"
    )
    stream: Name | None = Field(None, description="Load this stream alone, as raw.NAME")
    streams: list[Name] = Field([], description="Which streams to load")

    @model_validator(mode="after")
    def _names_its_streams(self) -> Self:
        if bool(self.streams) == (self.stream is not None):
            raise ValueError("either stream or streams is needed: planning does not run the tap")
        if self.cursor is not None:
            raise ValueError("cursor: a tap keeps its own state")
        return self

    def expand(self, name: str) -> Iterator[tuple[str, Self]]:
        """Yield each stream that is loaded: the name of its table below `raw`, and its declaration."""
        if self.stream is not None:
            yield name, self
        for stream in dict.fromkeys(self.streams):
            table = re.sub(r"\W", "_", stream)
            yield f"{name}_{table}", self.model_copy(update={"stream": stream, "streams": []})
