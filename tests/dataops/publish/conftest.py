"""Projects that publish: run through the real pipeline against real databases, folders and buckets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest
from blank_state import add_state
from database_server import PASSWORD, USER, DatabaseServer
from mariadb_server import MariaDBServer
from pg8000.native import Connection

from ropewalk import plugins
from ropewalk.pipeline import NodeResult, Workspace, declare_graph, execute
from ropewalk.project import load_project
from ropewalk.settings import load_settings

ORDERS = (
    "SELECT * FROM (VALUES (1, 'ann', 1.5::DOUBLE), (2, 'bob', 2.5), (3, NULL, NULL)) AS v (id, who, price)"
)
Rows = list[tuple[object, ...]]


class Silent:
    """An observer that is told everything and says nothing."""

    def __getattr__(self, _name: str) -> Callable[..., None]:
        return lambda *_, **__: None


class Shop:
    """A project with one table and one publication of it."""

    def __init__(self, root: Path, stack: ExitStack) -> None:
        self.root = root
        self._stack = stack
        self._opened: dict[str, Workspace] = {}
        self.write("tables/mart/orders.sql", ORDERS)

    def write(self, name: str, text: str) -> None:
        """Write a file of the project."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def declare(self, to: str, **options: str) -> None:
        """Declare the publication `orders` to a target, with options as YAML."""
        lines = "".join(
            f"    {name}: {value}\n" for name, value in {"environments": "[dev]", **options}.items()
        )
        text = f"project: shop\npublish:\n  orders:\n    table: mart.orders\n    to: {to}\n{lines}"
        self.write("ropewalk.yaml", text)

    def open(self, environment: str = "dev") -> Workspace:
        """Open the project as it is written now."""
        project = load_project(self.root, plugins.sections())
        if environment not in self._opened:
            settings = load_settings({}, environment=environment, parallel=1)
            add_state(self.root / ".ropewalk")
            self._opened[environment] = self._stack.enter_context(Workspace(project, settings))
        # Starting an engine costs more than what most tests do with it.
        self._opened[environment].project = project
        return self._opened[environment]

    def run(self, sql: str | None = None, environment: str = "dev") -> NodeResult:
        """Run the project, with another SELECT if one is given, and return how the publication ended."""
        if sql is not None:
            self.write("tables/mart/orders.sql", sql)
        workspace = self.open(environment)
        kinds = plugins.kinds()
        result = execute(declare_graph(workspace.project, kinds), kinds, workspace, Silent())
        return next(node for node in result.nodes if node.id == "publish:orders")


@dataclass(frozen=True)
class Target:
    """A database to publish to: how it is declared, and asked."""

    kind: str
    to: str
    ask: Callable[[str], Rows]
    fail_ledger: str
    mend_ledger: str


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """Return a project whose publication is still to be declared."""
    with ExitStack() as stack:
        yield Shop(tmp_path / "shop", stack)


@pytest.fixture
def postgres(database_server: DatabaseServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Target]:
    """Return an empty PostgreSQL database whose URL is the secret WAREHOUSE."""
    with database_server.database("template1") as name:
        monkeypatch.setenv("WAREHOUSE", database_server.network_url(name))
        connection = Connection(
            USER, host="127.0.0.1", port=database_server.port, database=name, password=PASSWORD
        )
        yield Target(
            "postgres",
            "{kind: postgres, url: 'secret://WAREHOUSE'}",
            lambda sql: [tuple(row) for row in connection.run(sql) or []],
            "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'boom'; END $$;"
            "CREATE TRIGGER no BEFORE INSERT ON ropewalk_publications FOR EACH ROW EXECUTE FUNCTION no()",
            "DROP TRIGGER no ON ropewalk_publications",
        )
        connection.close()


@pytest.fixture
def mysql(mariadb_server: MariaDBServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Target]:
    """Return an empty MariaDB database whose URL is the secret WAREHOUSE."""
    with mariadb_server.database() as name:
        monkeypatch.setenv("WAREHOUSE", mariadb_server.url(name))
        yield Target(
            "mysql",
            "{kind: mysql, url: 'secret://WAREHOUSE'}",
            lambda sql: [_plain(line) for line in mariadb_server.run(sql, name).splitlines()],
            "DELIMITER //\nCREATE TRIGGER no BEFORE INSERT ON ropewalk_publications FOR EACH ROW "
            "IF NEW.digest <> '' THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'boom'; END IF//",
            "DROP TRIGGER no",
        )


# What MySQL does otherwise has tests of its own in the fast lane.
@pytest.fixture(params=["postgres", pytest.param("mysql", marks=pytest.mark.slow)])
def database(request: pytest.FixtureRequest) -> Target:
    """Return an empty database of each kind in turn."""
    target: Target = request.getfixturevalue(request.param)
    return target


def _plain(line: str) -> tuple[object, ...]:
    """Return values that came as text as what they look like."""
    return tuple(_value(text) for text in line.split("\t"))


def _value(text: str) -> object:
    if text == "NULL":
        return None
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


@pytest.fixture(scope="session")
def read_files() -> Callable[[Path, list[str]], Rows]:
    """Return a function that reads the rows of Parquet files, sorted."""

    def read(folder: Path, files: list[str]) -> Rows:
        names = ", ".join(f"'{folder / name}'" for name in files)
        with duckdb.connect() as connection:
            return connection.execute(f"SELECT * FROM read_parquet([{names}]) ORDER BY ALL").fetchall()

    return read
