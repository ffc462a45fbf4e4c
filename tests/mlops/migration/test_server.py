"""A running server moves in by its own API; here another Ropewalk, and stock MLflow where it is installed."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import httpx
import pytest

from ropewalk.mlops.migration import FolderSource, ServerSource, import_source
from ropewalk.mlops.migration.errors import NoSuchSource, SourceUnreachable
from ropewalk.mlops.registry import get_version, version_content
from ropewalk.mlops.tracking import endpoint
from ropewalk.pipeline import Workspace

OpenProject = Callable[..., Workspace]
# The folder of an environment with the whole of MLflow, whose server is started for a comparison.
# The environment that `make clients` makes has the whole of MLflow, and so its server.
CLIENTS = Path(__file__).parents[3] / "build/clients"


@pytest.fixture
def served(open_project: OpenProject, written: Path) -> Iterator[tuple[Workspace, str]]:
    """Return a project with experiments, runs and models, and the address that it answers at."""
    project = open_project("served")
    import_source(project, FolderSource(written))
    with endpoint(project) as address:
        yield project, address


def test_import_of_a_server(served: tuple[Workspace, str], open_project: OpenProject) -> None:
    """A server's content is the same here, to the digest, and a second import adds nothing."""
    project, address = served
    other = open_project("other")
    source = ServerSource(address)

    first, again = import_source(other, source), import_source(other, source)
    source.close()

    assert (first.differing, again.differing, first.digest) == ([], [], again.digest)
    assert {kind: tally.added for kind, tally in again.tallies.items()} == dict.fromkeys(again.tallies, 0)
    assert first.tallies["points"].added == 33
    before, after = (get_version(one, "late", "champion") for one in (project, other))
    assert version_content(project, before) == version_content(other, after)


def test_no_server(open_project: OpenProject) -> None:
    """Nobody who answers is told without the password of the address."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        source = ServerSource(f"http://ann:secret@127.0.0.1:{taken.getsockname()[1]}/mlflow")
        with pytest.raises(SourceUnreachable) as raised:
            import_source(open_project("other"), source)
    source.close()

    assert "secret" not in str(raised.value.as_json()) + source.title


def test_another_server(served: tuple[Workspace, str], open_project: OpenProject) -> None:
    """An address that is no MLflow server's is told as such."""
    source = ServerSource(f"{served[1]}/elsewhere")

    with pytest.raises((NoSuchSource, SourceUnreachable)):
        import_source(open_project("other"), source)
    source.close()


@pytest.fixture
def stock(tmp_path: Path) -> Iterator[str]:
    """Return the address of a stock MLflow server with a database of its own."""
    # Looked for only now: the tests of clients, which make it, may have run just before.
    made = [str(done.parent) for done in sorted(CLIENTS.glob("3.*/installed"))]
    environment = os.environ.get("MLFLOW_ENVIRONMENT") or next(iter(made), "")
    if not environment:
        pytest.skip(
            "no environment with the whole of MLflow: run `make clients`, or name one in MLFLOW_ENVIRONMENT"
        )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    command = [f"{environment}/bin/python", "-m", "mlflow", "server", "--port", str(port), "--workers", "1"]
    command += [
        "--backend-store-uri",
        f"sqlite:///{tmp_path}/stock.db",
        "--artifacts-destination",
        f"{tmp_path}/files",
    ]
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT
    ) as server:
        try:
            _wait(address)
            yield address
        finally:
            server.terminate()


def _wait(address: str) -> None:
    for _ in range(600):
        try:
            httpx.get(f"{address}/health").raise_for_status()
        except httpx.HTTPError:
            time.sleep(0.2)
        else:
            return
    pytest.fail("the server did not start")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_stock_server(
    stock: str, open_project: OpenProject, fluent: ModuleType, fill: Callable[[ModuleType, str], None]
) -> None:
    """The content of a stock server moves in, and both sides are alike."""
    fill(fluent, stock)
    source = ServerSource(stock)

    outcome = import_source(open_project("other"), source)
    source.close()

    assert outcome.differing == []
    assert (outcome.tallies["runs"].added, outcome.tallies["points"].added) == (2, 33)
