"""The table of routes: complete for its tier, each row with a permission, in step with upstream."""

from __future__ import annotations

import importlib
import pkgutil
import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from ropewalk.mlops import tracking
from ropewalk.mlops.tracking import routes
from ropewalk.mlops.tracking.rows.absent import ABSENT, reason_of
from ropewalk.mlops.tracking.rows.row import translated
from ropewalk.pipeline import Workspace
from ropewalk.routes import Permission

ROOT = Path(__file__).parents[3]
UPSTREAM = (Path(__file__).parent / "upstream_routes.txt").read_text("utf-8").splitlines()
# What upstream's descriptors name and a later tier brings.
TIER_1 = (
    "/mlflow/experiments/",
    "/mlflow/runs/",
    "/mlflow/metrics/",
    "/mlflow/artifacts/",
    "/mlflow/logged-models",
    "/mlflow/registered-models/",
    "/mlflow/model-versions/",
    "/mlflow-artifacts/",
)
# Services that only Databricks has; their routes are not of the open protocol.
DATABRICKS = {
    "DatabricksMlflowArtifactsService",
    "DatabricksTrackingService",
    "DatabricksUnityCatalogService",
    "FilesystemService",
    "UcModelRegistryService",
    "UnityCatalogPromptService",
    "UnityCatalogService",
}
CLOSED = (
    "/gateway/<path:artifact_path>",
    "/mlflow/gateway/budgets/<path:artifact_path>",
    "/mlflow/gateway/guardrails/<path:artifact_path>",
)
PEOPLE = ("/mlflow/users/", "/mlflow/roles/")
READING_POSTS = (
    "presigned-download-url",
    "search",
    "search-datasets",
    "get-latest-versions",
    "batchGetInfos",
    "calculate-filter-correlation",
    "traces/metrics",
    "presigned-download-url",
    "/graphql",
)
CHANGES = {Permission.WRITE, Permission.DELETE, Permission.MANAGE, Permission.ADMINISTER}


def _ours(workspace: Workspace) -> set[str]:
    """Return our rows in upstream's spelling."""
    found = set()
    for route in routes(workspace):
        if route.path.startswith("/ajax-api/"):
            continue
        path = route.path.removeprefix("/api/2.0").replace("{path:path}", "<path:artifact_path>")
        path = path.removeprefix("/api/3.0") if "server-info" not in path else path
        found.add(f"{route.method} {path}")
    return found


def test_tier_1_is_complete(workspace: Workspace) -> None:
    """Every route of tier 1 that upstream's descriptors name is answered."""
    wanted = {row for row in UPSTREAM if row.partition(" ")[2].startswith(TIER_1)}

    assert wanted - _ours(workspace) == set()
    assert len(wanted) == 69


def _plain(row: str) -> str:
    return re.sub(r"<path:[^>]*>|\{[^}]*\}", "{}", row)


def test_every_route_of_upstream_is_served_or_left_out_on_purpose(workspace: Workspace) -> None:
    """A route that MLflow gains is answered, or named with the reason why it is not."""
    ours = {_plain(row) for row in _ours(workspace)}
    left = {row for row in UPSTREAM if _plain(row) not in ours}

    assert [row for row in left if reason_of(row.partition(" ")[2]) is None] == []


@pytest.mark.parametrize("start", ABSENT)
def test_nothing_is_left_out_that_upstream_lacks(start: str) -> None:
    """What is named as left out is still a path of MLflow's."""
    assert any(row.partition(" ")[2].startswith(start) for row in UPSTREAM)


@pytest.mark.filterwarnings("ignore")
def test_no_service_of_upstream_is_overlooked() -> None:
    """MLflow's descriptors have no service beside those whose routes are listed and those of Databricks alone."""
    import mlflow.protos

    found = set()
    for module in pkgutil.walk_packages(mlflow.protos.__path__, "mlflow.protos."):
        if module.name.endswith("_pb2"):
            with suppress(ImportError):
                found |= set(importlib.import_module(module.name).DESCRIPTOR.services_by_name)

    assert found - DATABRICKS == {
        "MlflowService",
        "ModelRegistryService",
        "MlflowArtifactsService",
        "WebhookService",
    }


def test_nothing_of_our_own_making(workspace: Workspace) -> None:
    """Beside what the descriptors name there is only what clients ask to learn of the server."""
    extra = {
        "GET /health",
        "GET /version",
        "GET /api/3.0/mlflow/server-info",
        # MLflow has these too, outside of its descriptors.
        "GET /get-artifact",
        "GET /model-versions/get-artifact",
        "GET //model-versions/get-artifact",
        "GET /mlflow/metrics/get-history-bulk",
        "GET /mlflow/logged-models/{model_id}/artifacts/files",
        "POST /mlflow/runs/create-promptlab-run",
        "POST /mlflow/upload-artifact",
        "GET /graphql",
        "POST /graphql",
        "GET /mlflow/scorers/online-configs",
        "PUT /mlflow/scorers/online-config",
        "POST /v1/traces",
        "POST /mlflow/traces/{trace_id}/assessments",
        "GET /mlflow/webhooks/{webhook_id}/deliveries",
        "POST /mlflow/webhooks/{webhook_id}/deliveries/retry",
        # Where signed addresses lead, and what goes on with a broken upload.
        "POST /mlflow-artifacts/mpu/resume/<path:artifact_path>",
        "PUT /mlflow-artifacts/parts/{ticket}",
        "PUT /mlflow-artifacts/files/{ticket}",
        "GET /mlflow-artifacts/files/{ticket}",
        # Not ours to answer, which is said with 501.
        *(f"{method} {path}" for method in ("GET", "POST") for path in CLOSED),
    }

    # MLflow's descriptors do not know its users and roles.
    found = {row for row in _ours(workspace) if not row.partition(" ")[2].startswith(PEOPLE)}

    assert found - set(UPSTREAM) == extra


def test_every_row_has_a_permission(workspace: Workspace) -> None:
    """Reading needs READ, everything else more; public are only the server's own questions and signed addresses."""
    for route in routes(workspace):
        reads = route.method == "GET" or route.path.endswith(READING_POSTS)
        public = (
            route.path in {"/health", "/version", "/api/3.0/mlflow/server-info"} or "{ticket}" in route.path
        )
        expected = {Permission.PUBLIC} if public else {Permission.READ} if reads else CHANGES
        # Where a webhook calls, and who else may what, is more than every reader should know.
        if any(part in route.path for part in ("/webhooks", "/users/", "/roles/")):
            expected |= {Permission.MANAGE, Permission.ADMINISTER, Permission.SELF}
        # The gateway's own routes are closed, for those who could predict as for everybody.
        if "{path:path}" in route.path and "gateway" in route.path:
            expected = {Permission.PREDICT}
        assert route.permission in expected, route.path


def test_no_row_twice(workspace: Workspace) -> None:
    """One method on one path has one row."""
    rows = [(route.method, route.path) for route in routes(workspace)]

    assert len(rows) == len(set(rows))


def test_generated_structs_are_current() -> None:
    """The structs and the list of upstream's routes are what the installed descriptors say."""
    script = ROOT / "scripts" / "generate_wire.py"
    done = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True, check=False)

    assert done.stdout == ""
    assert done.returncode == 0


def test_the_server_never_imports_mlflow() -> None:
    """Answering the protocol needs neither MLflow nor anything that unpickles."""
    code = (
        "import sys; import ropewalk.mlops.tracking as t; t.routes, t.application, t.endpoint;"
        "print([m for m in ('mlflow', 'pandas', 'cloudpickle', 'duckdb', 'numpy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_the_door_opens_without_the_web_framework() -> None:
    """Planning a project imports this room, and must not pay for a server."""
    code = (
        "import sys; import ropewalk.mlops.tracking;"
        "print([m for m in ('uvicorn', 'starlette.applications', 'structlog') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


async def _breaks(_: object) -> object:
    msg = "the cause, for the log only"
    raise RuntimeError(msg)


def test_internal_errors(capsys: pytest.CaptureFixture[str]) -> None:
    """An error of ours is answered without its cause, which goes to the log."""
    import asyncio

    from starlette.requests import Request

    request = Request({"type": "http", "method": "GET", "path": "/x", "headers": [], "query_string": b""})
    response = asyncio.run(translated(_breaks)(request))  # type: ignore[arg-type]

    assert response.status_code == 500
    assert b"the cause" not in response.body
    # Where logs are not configured they go to stdout, else to stderr.
    assert "the cause" in "".join(capsys.readouterr())


def test_logs_hold_no_local_values() -> None:
    """In a program that configured no log, a failure shows where it happened and no variable's value."""
    code = (
        "import asyncio\n"
        "from starlette.requests import Request\n"
        "from ropewalk.mlops.tracking.rows.row import translated\n"
        "async def breaks(request):\n"
        "    password = 'hunter' + '2'\n"
        "    raise KeyError\n"
        "scope = {'type': 'http', 'method': 'GET', 'path': '/x', 'headers': [], 'query_string': b''}\n"
        "asyncio.run(translated(breaks)(Request(scope)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "in breaks" in done.stdout
    assert "hunter2" not in done.stdout + done.stderr


def test_the_door_has_no_other_names() -> None:
    """A name that the door does not have is an error at once, not an import of something else."""
    with pytest.raises(AttributeError, match="nothing_here"):
        _ = tracking.nothing_here
