"""One server under several addresses: at its root, below `/p/<project>`, and where GitLab has its MLflow endpoint.

MLflow's header for a workspace names a project too.

The prefix is taken off before anything else looks at the path. So every route, guard and permission sees one path per
route, and there is no second table whose checks could be forgotten.
"""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import quote

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from ropewalk.errors import nearest
from ropewalk.mlops.tracking.errors import UnknownProject
from ropewalk.mlops.tracking.wire.compat import refuse
from ropewalk.pipeline import Workspace

HEADER = "X-MLFLOW-WORKSPACE"
# What stands before and behind a project's name in the two addresses.
_FORMS = (("/p/", ""), ("/api/v4/projects/", "/ml/mlflow"))


class ProjectPrefix:
    """Takes a prefix that names this project off the path; one that names another project is answered with 404.

    Attributes:
        names: all names of the project, its own first.
    """

    def __init__(self, app: ASGIApp, names: Collection[str]) -> None:
        self.app = app
        self.names = tuple(names)
        self._prefixes = [f"{before}{name}{behind}" for before, behind in _FORMS for name in names]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its plain path, or refuse it."""
        if scope["type"] == "http" and (named := Headers(scope=scope).get(HEADER)) not in (
            None,
            "",
            *self.names,
        ):
            await refuse(self._elsewhere(str(named)))(scope, receive, send)
            return
        if scope["type"] == "http" and scope["path"].startswith(("/p/", "/api/v4/")):
            prefix = self._prefix_of(scope["path"])
            if prefix is None:
                await refuse(self._unknown(scope["path"]))(scope, receive, send)
                return
            plain = scope["path"].removeprefix(prefix) or "/"
            # Both forms of the path: whoever logs or checks the raw one must not see another than what is answered.
            scope = {**scope, "path": plain, "raw_path": quote(plain).encode("ascii"), "prefix": prefix}
        await self.app(scope, receive, send)

    def _prefix_of(self, path: str) -> str | None:
        # The path was decoded once by the server, so a GitLab path `group%2Fproject` arrives with its slash.
        whole = (prefix for prefix in self._prefixes if path == prefix or path.startswith(f"{prefix}/"))
        return next(whole, None)

    def _unknown(self, path: str) -> UnknownProject:
        before, behind = next((form for form in _FORMS if path.startswith(form[0])), ("/", ""))
        name = path.removeprefix(before)
        # Everything up to what must stand behind the name, which may have slashes of its own.
        name = name.partition(behind)[0] if behind else name.partition("/")[0]
        return self._elsewhere(name)

    def _elsewhere(self, name: str) -> UnknownProject:
        return UnknownProject(
            f"there is no project {name[:200]!r} here",
            nearest=nearest(name, self.names),
            hint=f"this server's project is {self.names[0]}; other names of it are set by ROPEWALK_PROJECT_NAMES",
        )


def project_names(workspace: Workspace) -> tuple[str, ...]:
    """Return the names by which addresses may call the project: its own, and those that the settings add."""
    more = (name.strip().strip("/") for name in workspace.settings.project_names.split(","))
    return (workspace.project.name, *(name for name in more if name))
