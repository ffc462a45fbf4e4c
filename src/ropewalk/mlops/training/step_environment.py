"""Environments of steps: built once by `uv` from a locked file, kept by what they are made of, never while planning.

In such an environment the step's process finds Ropewalk's own package and nothing else of the environment that the
engine runs in. The process itself needs the standard library only.
"""

from __future__ import annotations

import fcntl
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from blake3 import blake3

from ropewalk.errors import Place
from ropewalk.mlops.training.errors import EnvironmentNotBuilt, NoEnvironmentTool
from ropewalk.pipeline import Task

TOOL = "uv"
SHOWN_LINES = 20
LOCK_HINT = f"`{TOOL} pip compile --generate-hashes` writes a file that it can install"
PACKAGE = Path(__file__).parents[2]


@dataclass(frozen=True)
class Interpreter:
    """What runs a step: a Python, and the variables that differ from the engine's.

    Attributes:
        is_own: it is of an environment of the step's own, which need not have what the engine has.
    """

    python: str = sys.executable
    variables: Mapping[str, str] = field(default_factory=dict)
    is_own: bool = False


def interpreter_for(task: Task, file_name: str | None) -> Interpreter:
    """Return what runs the step of `task`; its environment is built from the file `file_name` when it is not there yet.

    Raises:
        NoEnvironmentTool: `uv` is not installed.
        EnvironmentNotBuilt: `uv` could not make it; the error has what it said.
    """
    if file_name is None:
        return Interpreter()
    file, kept = task.workspace.root / file_name, task.workspace.state / "environments"
    folder = kept / _digest(file)
    if not is_built(folder):
        kept.mkdir(exist_ok=True)
        with locked(folder.with_suffix(".lock")):
            # Another run may have built it while this one waited.
            if not is_built(folder):
                task.report(0, None, f"building the environment of {file_name}")
                _build(file, file_name, folder)
    programs = folder / "bin"
    variables = {
        "PYTHONPATH": str(_own_package(kept)),
        "VIRTUAL_ENV": str(folder),
        "PATH": os.pathsep.join([str(programs), os.environ.get("PATH", os.defpath)]),
    }
    return Interpreter(str(programs / "python"), variables, is_own=True)


def is_built(folder: Path) -> bool:
    """Return whether the environment is there, and let it count as used just now: unused ones are collected."""
    try:
        os.utime(folder)
    except FileNotFoundError:
        return False
    return True


def _digest(file: Path) -> str:
    """Return a digest of what an environment is made of: the locked file, and the Python and machine it is for."""
    made_for = (platform.python_implementation(), platform.python_version(), sys.platform, platform.machine())
    # The same Python elsewhere on the disk is another one to an environment, which points to it.
    content = b"\0".join([*(part.encode() for part in (*made_for, sys.base_prefix)), file.read_bytes()])
    return blake3(content).hexdigest()[:32]


def _build(file: Path, file_name: str, folder: Path) -> None:
    program = tool(file_name)
    # Made beside its place and renamed: whoever finds it finds all of it.
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="new-", ignore_cleanup_errors=True) as parent:
        new = Path(parent) / "environment"
        run_tool(
            [
                program,
                "venv",
                "--quiet",
                "--no-project",
                "--relocatable",
                "--python",
                sys.executable,
                str(new),
            ],
            file_name,
            place=Place(file_name),
        )
        # A file in pylock's form has its hashes in any case.
        hashes = [] if file.suffix == ".toml" else ["--require-hashes"]
        python = ["--python", str(new / "bin/python")]
        run_tool(
            [program, "pip", "install", "--quiet", *python, *hashes, "-r", str(file)],
            file_name,
            place=Place(file_name),
        )
        new.rename(folder)


def tool(what: str) -> str:
    """Return the path of `uv`, which is to make the environment of `what`.

    Raises:
        NoEnvironmentTool: it is not installed.
    """
    # Where the engine was installed with it, it stands beside the engine's Python.
    found = shutil.which(TOOL) or shutil.which(TOOL, path=str(Path(sys.executable).parent))
    if found is None:
        raise NoEnvironmentTool(
            f"{TOOL}, which makes the environment of {what}, is not installed",
            hint=f"`pip install {TOOL}`, or leave the option env out to run the step in Ropewalk's own environment",
        )
    return found


def run_tool(command: list[str], what: str, hint: str = LOCK_HINT, *, place: Place | None = None) -> None:
    """Run `uv` to make the environment of `what`.

    Raises:
        EnvironmentNotBuilt: it failed; the error has what it said.
    """
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if done.returncode != 0:
        said = (done.stderr + done.stdout).decode(errors="replace").strip().splitlines()
        raise EnvironmentNotBuilt(
            f"the environment of {what} could not be made: {TOOL} ended with exit code {done.returncode}",
            place=place,
            hint=hint,
            detail="\n".join(said[-SHOWN_LINES:]),
        )


def _own_package(kept: Path) -> Path:
    """Return a folder in which Python finds Ropewalk's package, and nothing of what is installed beside it."""
    folder = kept / f"package-{blake3(str(PACKAGE).encode()).hexdigest()[:16]}"
    link = folder / PACKAGE.name
    if not link.exists():
        folder.mkdir(exist_ok=True)
        new = folder / f"new-{os.getpid()}-{os.urandom(4).hex()}"
        new.symlink_to(PACKAGE, target_is_directory=True)
        # Two runs may come here at once; either link is right.
        new.replace(link)
    return folder


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Let one process at a time make what `path` stands for."""
    # The kernel lets go of it with its holder, however that ends.
    with path.open("a") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield
