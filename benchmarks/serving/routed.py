"""Ropewalk's public routes with a worker behind them, as `ropewalk up` has them. `python routed.py MODEL_FOLDER SOCKET`.

What it costs more than the worker alone is the hop: Starlette, the router, and the way to the worker and back. The
pages' own guards, which `ropewalk up` puts before every route, are not in it.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.routing import Route

from ropewalk.devops.serving import SECTION, Supervisor, Target, routes
from ropewalk.pipeline import Workspace
from ropewalk.project import load_project
from ropewalk.settings import load_settings
from ropewalk.store.deployments import move_deployment


async def serve(workspace: Workspace, path: str) -> None:
    """Answer on a socket until the process is told to end."""
    app = Starlette(routes=[Route(r.path, r.endpoint, methods=[r.method]) for r in routes(workspace)])
    async with Supervisor(workspace):
        config = uvicorn.Config(app, uds=path, log_config=None, access_log=False, lifespan="off")
        await uvicorn.Server(config).serve()


def main(model: str, path: str) -> None:
    """Serve the model as the one deployment of a project of its own, beside the socket."""
    root = Path(path).with_suffix(".project")
    root.mkdir()
    (root / "ropewalk.yaml").write_text("project: bench\ndeploy:\n  bench: {key: id}\n")
    with Workspace(load_project(root, [SECTION]), load_settings({})) as workspace:
        shutil.copytree(model, workspace.state / "serving" / "bench" / "1")
        target = Target("bench", 1, "digest", "id")
        move_deployment(workspace.database, "dev", "bench", target, expected=0)
        uvloop.run(serve(workspace, path))


if __name__ == "__main__":
    main(*sys.argv[1:])
