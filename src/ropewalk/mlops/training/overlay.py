"""Packages of another time for a step: laid over what is installed, by `uv`, and kept by what they are.

Only a search for what turned a metric asks for it. Everything else that the step imports is what is installed.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from blake3 import blake3

from ropewalk.mlops.training.environment import Environment
from ropewalk.mlops.training.errors import EnvironmentNotBuilt
from ropewalk.mlops.training.step_environment import TOOL, Interpreter, is_built, locked, run_tool, tool
from ropewalk.pipeline import Node, Task

_PACKAGE, _NEEDED = "package ", "packages needed"
_RELEASED = re.compile(r"[A-Za-z0-9][A-Za-z0-9.!+_-]*")


def packages_in(facts: Mapping[str, str]) -> dict[str, str]:
    """Return what a step with these facts ran on: Python's version, and that of each package, by its name."""
    found = {name.removeprefix(_PACKAGE): value for name, value in facts.items() if name.startswith(_PACKAGE)}
    lines = facts.get(_NEEDED, "").splitlines()
    found |= {name: version for name, _, version in (line.partition("==") for line in lines)}
    return found | ({"python": facts["python"]} if "python" in facts else {})


def with_packages(node: Node, packages: Mapping[str, str]) -> Node:
    """Return the step as it would be declared where these versions are installed."""
    facts = dict(node.facts)
    for name, version in node.facts.items():
        if name == "python" or name.startswith(_PACKAGE):
            facts[name] = packages.get(name.removeprefix(_PACKAGE), version)
    if _NEEDED in facts:
        lines = [line.partition("==") for line in facts[_NEEDED].splitlines()]
        facts[_NEEDED] = "\n".join(f"{name}=={packages.get(name, version)}" for name, _, version in lines)
    return replace(node, facts=facts)


def overlaid(task: Task) -> Interpreter:
    """Return what runs the step on the packages that its facts name, in place of those that are installed.

    Raises:
        NoEnvironmentTool: `uv` is not installed.
        EnvironmentNotBuilt: a version is not to be had, or there is no package index that answers.
    """
    pins = _pins(task)
    if not pins:
        return Interpreter()
    kept = task.workspace.state / "environments"
    kept.mkdir(exist_ok=True)
    told = "\n".join((*pins, sys.version, sys.platform))
    folder = kept / blake3(told.encode()).hexdigest()[:32]
    with locked(folder.with_suffix(".lock")):
        if not is_built(folder):
            task.report(0, None, f"installing {', '.join(pins)}")
            _install(pins, folder)
    path = os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH", "")]))
    return Interpreter(variables={"PYTHONPATH": path})


def _pins(task: Task) -> list[str]:
    environment = Environment.of(task.workspace.state)
    wanted = packages_in(task.node.facts)
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    if (python := wanted.pop("python", here)) != here:
        raise _not_built(f"step {task.node.name} ran on Python {python}, and this is Python {here}")
    return sorted(
        _pin(environment.distribution_of(name), version)
        for name, version in wanted.items()
        if environment.version_of(name) != version
    )


def _pin(distribution: str, version: str) -> str:
    if not _RELEASED.fullmatch(version):
        raise _not_built(f"{distribution} was {version!r}, which is no released version")
    return f"{distribution}=={version}"


def _not_built(message: str) -> EnvironmentNotBuilt:
    return EnvironmentNotBuilt(
        message, hint="search between runs that were made with released packages and this Python"
    )


def _install(pins: list[str], folder: Path) -> None:
    program = tool(", ".join(pins))
    # Made beside its place and renamed: whoever finds it finds all of it.
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="new-", ignore_cleanup_errors=True) as parent:
        new = Path(parent) / "packages"
        command = [program, "pip", "install", "--quiet", "--no-deps", "--python", sys.executable]
        hint = f"`{TOOL}` must reach a package index that has these versions; UV_INDEX_URL names one, UV_FIND_LINKS a folder"
        run_tool([*command, "--target", str(new), *pins], ", ".join(pins), hint)
        new.rename(folder)
