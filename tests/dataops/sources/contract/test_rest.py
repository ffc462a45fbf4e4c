"""REST APIs keep the contract of all sources."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from ..conftest import Reply, Request  # noqa: TID252  # the folders of tests are no package
from .suite import Adapter, Row, SourceContract


class API(Adapter):
    """An API of one list, with a parameter for what is at or after a value."""

    increments = "cursor: {field: seen, param: since}, key: [id]"
    cursor = "cursor: {field: seen, param: since}"
    appends = "cursor: {field: seen, param: since}"
    secret = "headers: {Authorization: 'secret://CONTRACT_SECRET'}"

    def __init__(self, project, serve) -> None:
        super().__init__(project)
        self.things: list[Row] = []
        self.server = serve(self.answer)

    def answer(self, request: Request) -> Reply:
        """Answer with what is at or after `since`."""
        since = float(request.query.get("since", "-inf"))
        return Reply([thing for thing in self.things if float(thing.get("seen") or 0) >= since])

    def entry(self) -> str:
        return f"kind: rest, url: '{self.server.url}/things'"

    def put(self, rows: Sequence[Row]) -> None:
        self.things = list(rows)

    def stop(self) -> None:
        self.server.stop()


class TestREST(SourceContract):
    @pytest.fixture
    def adapter(self, project, serve):
        return API(project, serve)
