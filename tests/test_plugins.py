"""The seams: what our own rooms register, and how a user's plugin joins them."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from ropewalk import plugins
from ropewalk.pipeline import Kept, Workspace, collect_garbage
from ropewalk.project import load_project
from ropewalk.routes import Permission
from ropewalk.settings import load_settings

WriteProject = Callable[[Mapping[str, str]], Path]
PLUGIN = '''
"""A plugin as a user would write it."""
from pydantic import BaseModel
from starlette.responses import Response
from ropewalk.pipeline import Swept
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

@hookimpl
def live_objects(workspace, kept):
    return [path.read_text() for path in workspace.root.glob("reports/*.digest")]

@hookimpl
def sweep(workspace, kept):
    old = [path for path in workspace.root.glob("reports/*.mail") if path.stat().st_mtime * 1000 < kept.before_ms]
    for path in [] if kept.is_dry else old:
        path.unlink()
    return [Swept("reports", len(old))]
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

    data = {"sources", "engines", "publish"}
    ours = {"gates", "registry", "retention", "deploy", "monitor"}
    assert set(found) == {"environments", "pools", "schedule", *data, *ours}
    assert all(found.values())


def test_our_kinds() -> None:
    """The kinds of node, each under its own name and with the four verbs."""
    found = plugins.kinds()

    data = {"source", "table", "metric", "question", "publish"}
    assert set(found) == {*data, "step", "gate", "model", "deployment", "monitor"}
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
def test_plugin_that_keeps_content(write_project: WriteProject) -> None:
    """An installed package names objects that must stay, and removes what it keeps elsewhere when told what stays."""
    root = write_project({"reports/old.mail": "old", "reports/new.mail": "new"})
    with Workspace(load_project(root, plugins.sections()), load_settings({})) as workspace:
        digests = [workspace.objects.put_bytes(content).digest for content in (b"mine", b"nobody's")]
        (root / "reports/mine.digest").write_text(digests[0])
        for path in (root / "reports/old.mail", *map(workspace.objects.path, digests)):
            os.utime(path, (1, 1))

        swept = {one.what: one.count for one in collect_garbage(workspace, 0)}

        assert [workspace.objects.has(digest) for digest in digests] == [True, False]
    assert swept["reports"] == swept["objects"] == 1
    assert sorted(path.name for path in root.glob("reports/*.mail")) == ["new.mail"]


def test_our_live_objects_and_sweeping(write_project: WriteProject) -> None:
    """Our own rooms name nothing, and remove nothing, of a project that never ran."""
    with Workspace(load_project(write_project({}), plugins.sections()), load_settings({})) as workspace:
        kept = Kept({}, frozenset(), frozenset(), frozenset({"dev"}), before_ms=1, history_ms=1)

        assert plugins.named_objects(workspace, kept) == set()
        assert sum(swept.count for swept in plugins.sweep_rooms(workspace, kept)) == 0


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
