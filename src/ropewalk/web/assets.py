"""The built styles and scripts: what each is called in this build, and the route that hands them out."""

from __future__ import annotations

import json
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from ropewalk.routes import Permission, Route
from ropewalk.web.errors import PageNotFound

STATIC = Path(__file__).parent / "static"
PREFIX = "/static/"


@dataclass(frozen=True)
class Assets:
    """The files of one build.

    Attributes:
        names: the name a page asks for (`islands.js`) -> the name that carries the content's hash.
        contents: bytes by hashed name.
    """

    names: Mapping[str, str]
    contents: Mapping[str, bytes]

    def address(self, name: str) -> str | None:
        """Return the address of an asset, or None in an installation that was made without assets."""
        return PREFIX + self.names[name] if name in self.names else None


def load_assets(folder: Path = STATIC) -> Assets:
    """Return the assets that the build wrote to `folder`; none when it wrote none (BUILD_WITHOUT_UI)."""
    manifest = folder / "manifest.json"
    if not manifest.is_file():
        return Assets({}, {})
    names: dict[str, str] = json.loads(manifest.read_text(encoding="utf-8"))["files"]
    # A few files of a few kilobytes: kept in memory, so that no request can name a path.
    return Assets(names, {hashed: (folder / hashed).read_bytes() for hashed in names.values()})


def asset_route(assets: Assets) -> Route:
    """Return the route that answers with an asset; its name changes with its content, so it never expires."""

    async def answer(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in assets.contents:
            raise PageNotFound(f"there is no asset called {name!r}", hint="reload the page")
        media_type = mimetypes.guess_type(name)[0]
        headers = {"cache-control": "public, max-age=31536000, immutable"}
        return Response(assets.contents[name], media_type=media_type, headers=headers)

    return Route("GET", PREFIX + "{name}", Permission.PUBLIC, answer)
