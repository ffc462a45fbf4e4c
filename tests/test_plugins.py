"""The seams: what our own rooms register, and how a user's plugin joins them."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from ropewalk import plugins
from ropewalk.pipeline import Workspace
from ropewalk.project import load_project
from ropewalk.routes import Permission
from ropewalk.settings import load_settings

WriteProject = Callable[[Mapping[str, str]], Path]
PLUGIN = '''
"""A plugin as a user would write it."""
from pydantic import BaseModel
from starlette.responses import Response
from ropewalk.plugins import hookimpl
from ropewalk.project import Section
from ropewalk.routes import Permission, Route

class Report(BaseModel):
    to: str

class ReportKind:
    name = "report"

async def answer(request):
    return Response("report")

@hookimpl
def project_sections():
    return [Section("reports", Report, "Reports by mail")]

@hookimpl
def node_kinds():
    return [ReportKind()]

@hookimpl
def http_routes(workspace):
    return [Route("GET", f"/reports/{workspace.project.name}", Permission.READ, answer)]
'''


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Install a plugin by its entry point, as pip would, for one test."""
    metadata = tmp_path / "site/reports-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: reports\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[ropewalk]\nreports = reports_of_a_user\n")
    (tmp_path / "site/reports_of_a_user.py").write_text(PLUGIN)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    plugins.plugin_manager.cache_clear()
    yield
    plugins.plugin_manager.cache_clear()
    sys.modules.pop("reports_of_a_user", None)


def test_our_sections() -> None:
    """The sections of the project file, each with a line for the reference."""
    found = {section.key: section.help for section in plugins.sections()}

    assert set(found) == {"environments", "pools", "schedule", "sources", "gates", "deploy", "monitor"}
    assert all(found.values())


def test_our_kinds() -> None:
    """The kinds of node, each under its own name and with the four verbs."""
    found = plugins.kinds()

    assert set(found) == {"source", "table", "step", "gate", "model", "deployment", "monitor"}
    for name, kind in found.items():
        assert kind.name == name
        assert all(callable(getattr(kind, verb)) for verb in ("declare", "probe", "holds", "execute"))


def test_our_routes(write_project: WriteProject) -> None:
    """Tracking's and serving's routes, each with a permission and none twice."""
    project = load_project(write_project({}), plugins.sections())
    with Workspace(project, load_settings({})) as workspace:
        found = plugins.routes(workspace)

    paths = [(route.method, route.path) for route in found]
    assert ("POST", "/invocations") in paths
    assert ("POST", "/api/2.0/mlflow/runs/create") in paths
    assert len(paths) == len(set(paths))
    assert all(isinstance(route.permission, Permission) for route in found)


@pytest.mark.usefixtures("installed")
def test_plugin_of_a_user(write_project: WriteProject) -> None:
    """An installed package joins with a section, a kind and a route, beside ours."""
    root = write_project({"ropewalk.yaml": "project: shop\nreports: {weekly: {to: a@example.com}}\n"})
    project = load_project(root, plugins.sections())
    with Workspace(project, load_settings({})) as workspace:
        paths = [route.path for route in plugins.routes(workspace)]

    assert project.entries("reports")["weekly"].value.to == "a@example.com"  # type: ignore[attr-defined]
    assert {"report", "table"} <= set(plugins.kinds())
    assert "/reports/shop" in paths


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(("old", "new"), [('"reports"', '"gates"'), ('"report"', '"table"')])
def test_name_that_is_taken(old: str, new: str) -> None:
    """A plugin that claims a name of another is refused, instead of one of them winning in silence."""
    plugin = PLUGIN.replace(old, new)
    Path(importlib.import_module("reports_of_a_user").__file__ or "").write_text(plugin)
    importlib.reload(sys.modules["reports_of_a_user"])

    with pytest.raises(plugins.PluginConflict, match=f"two plugins register the .* '{new[1:-1]}'"):
        plugins.sections(), plugins.kinds()


def test_the_manager_is_made_once() -> None:
    """Whoever asks gets the same manager, with every built-in plugin registered by its name."""
    manager = plugins.plugin_manager()

    assert manager is plugins.plugin_manager()
    assert all(manager.has_plugin(name) for name in plugins.BUILT_IN)


def test_registering_is_light() -> None:
    """Reading sections and kinds loads neither the engine nor a model library."""
    heavy = ["duckdb", "lightgbm", "mlflow", "numpy", "pandas", "rich", "sklearn", "uvicorn"]
    code = f"import sys; from ropewalk import plugins; plugins.sections(); print([m for m in {heavy} if m in sys.modules])"

    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert found.stdout.strip() == "[]"
