"""MLflow's workspaces: each is a project, and this server has one; what is another's name is not found here."""

from __future__ import annotations

from ropewalk.errors import nearest
from ropewalk.mlops.tracking.errors import UnknownProject, WorkspaceFixed
from ropewalk.mlops.tracking.prefixes import project_names
from ropewalk.mlops.tracking.rows.row import Row
from ropewalk.mlops.tracking.wire import workspaces as wire
from ropewalk.mlops.tracking.wire.answers import need
from ropewalk.pipeline import Workspace
from ropewalk.routes import Permission


def _ours(workspace: Workspace) -> wire.Workspace:
    return wire.Workspace(
        name=workspace.project.name, description="", default_artifact_root="mlflow-artifacts:/"
    )


def _list(workspace: Workspace, _: wire.ListWorkspaces) -> wire.ListWorkspacesResponse:
    return wire.ListWorkspacesResponse([_ours(workspace)])


def _get(workspace: Workspace, asked: wire.GetWorkspace) -> wire.GetWorkspaceResponse:
    _require(workspace, need(asked.workspace_name, "workspace_name"))
    return wire.GetWorkspaceResponse(_ours(workspace))


def _create(_: Workspace, asked: wire.CreateWorkspace) -> None:
    raise WorkspaceFixed(
        f"the workspace {need(asked.name, 'name')[:200]!r} cannot be made here: a workspace is a project",
        hint="a project is a repository with a ropewalk.yaml: `ropewalk init` makes one, `ropewalk up` serves it",
    )


def _update(workspace: Workspace, asked: wire.UpdateWorkspace) -> None:
    _require(workspace, need(asked.workspace_name, "workspace_name"))
    raise WorkspaceFixed(
        "a project is not changed by its server", hint="change its ropewalk.yaml, in a merge request"
    )


def _delete(workspace: Workspace, asked: wire.DeleteWorkspace) -> None:
    _require(workspace, need(asked.workspace_name, "workspace_name"))
    raise WorkspaceFixed(
        "a project is not deleted by its server",
        hint="stop the server, then delete the state folder or database",
    )


def _require(workspace: Workspace, name: str) -> None:
    names = project_names(workspace)
    if name not in names:
        raise UnknownProject(f"Workspace '{name[:200]}' not found", nearest=nearest(name, names))


_AT = "/mlflow/workspaces"
ROWS = (
    Row("GET", _AT, Permission.READ, wire.ListWorkspaces, _list, api="3.0"),
    Row("GET", f"{_AT}/{{workspace_name}}", Permission.READ, wire.GetWorkspace, _get, api="3.0"),
    Row("POST", _AT, Permission.MANAGE, wire.CreateWorkspace, _create, api="3.0"),
    Row("PATCH", f"{_AT}/{{workspace_name}}", Permission.MANAGE, wire.UpdateWorkspace, _update, api="3.0"),
    Row("DELETE", f"{_AT}/{{workspace_name}}", Permission.MANAGE, wire.DeleteWorkspace, _delete, api="3.0"),
)
