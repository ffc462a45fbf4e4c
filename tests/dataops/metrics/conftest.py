"""Projects with metrics, run once for each module, and asked in its tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from textwrap import dedent

import pytest
from blank_state import add_state

from ropewalk import plugins
from ropewalk.pipeline import RunResult, Workspace, declare_graph, execute
from ropewalk.project import load_project
from ropewalk.settings import load_settings

FLIGHTS = """
    SELECT * FROM (VALUES
        (1, 'UA', TIMESTAMP '2024-01-03 10:00', 30, true), (2, 'UA', '2024-02-03 11:00', 5, false),
        (3, 'AA', '2024-02-05 11:00', 15, true), (4, 'ZZ', '2024-02-05 12:00', NULL, false)
    ) AS v (id, carrier, dep, delay, late)
    """
PUNCTUALITY = """
    table: mart.flights
    owner: operations
    grain: [id]
    time: departed
    dimensions:
      carrier: carrier
      departed: {column: dep, kind: time}
      airline: {column: airlines.name}
      is_long: {sql: "delay > 20"}
    joins:
      airlines: {table: mart.airlines, on: {carrier: carrier}}
    measures:
      flights: {kind: count}
      late_flights: {kind: count, where: late}
      late_share: {kind: ratio, numerator: late_flights, denominator: flights, format: percent}
      typical_delay: {kind: median, column: delay, unit: min}
      total_delay: {kind: sum, sql: "delay * 1"}
      carriers: {kind: count_distinct, column: carrier}
      on_time: {kind: expression, sql: "flights - late_flights"}
    """
FILES = {
    "ropewalk.yaml": "project: m\n",
    "tables/mart/flights.sql": FLIGHTS,
    "tables/mart/airlines.sql": "SELECT * FROM (VALUES ('UA', 'United'), ('AA', 'American')) AS v (carrier, name)",
    "tables/mart/complaints.sql": "SELECT * FROM (VALUES ('UA', DATE '2024-02-01', 3), ('AA', DATE '2024-03-01', 7)) AS v (carrier, day, n)",
    "metrics/punctuality.yaml": PUNCTUALITY,
    "metrics/complaints.yaml": """
        table: mart.complaints
        time: filed
        dimensions: {carrier: carrier, filed: {column: day, kind: time}}
        measures:
          complaints: {kind: sum, column: n}
        """,
}


class Silent:
    """An observer that is told everything and says nothing."""

    def __getattr__(self, _name: str) -> Callable[..., None]:
        return lambda *_, **__: None


class Bench:
    """A project in a folder that can be changed, run and asked."""

    def __init__(self, root: Path, stack: ExitStack) -> None:
        self.root = root
        self._stack = stack
        self.workspace: Workspace | None = None

    def write(self, files: Mapping[str, str]) -> None:
        """Write files of the project."""
        for name, text in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(dedent(text), encoding="utf-8")

    def open(self) -> Workspace:
        """Open the project as it is written now."""
        project = load_project(self.root, plugins.sections())
        if self.workspace is None:
            settings = load_settings({}, environment="dev", parallel=1)
            add_state(self.root / ".ropewalk")
            self.workspace = self._stack.enter_context(Workspace(project, settings))
        self.workspace.project = project
        return self.workspace

    def run(self) -> RunResult:
        """Bring everything up to date."""
        workspace, kinds = self.open(), plugins.kinds()
        return execute(declare_graph(workspace.project, kinds), kinds, workspace, Silent())


@pytest.fixture(scope="module")
def airline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """Return a project with metrics that has run; not to be changed."""
    with ExitStack() as stack:
        bench = Bench(tmp_path_factory.mktemp("airline"), stack)
        bench.write(FILES)
        bench.run()
        yield bench.open()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """Return the same project for one test alone, not run yet."""
    with ExitStack() as stack:
        made = Bench(tmp_path, stack)
        made.write(FILES)
        yield made
