"""Doors load what they offer at its first use, and offer just what they name."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import ropewalk
from ropewalk.doors import lazy_names

PACKAGE = Path(ropewalk.__file__).parent
LAZY = [path for path in PACKAGE.rglob("__init__.py") if "lazy_names(" in path.read_text()]


@pytest.mark.parametrize("path", LAZY, ids=lambda path: path.parent.name)
def test_no_module_has_the_name_of_what_is_offered(path: Path) -> None:
    """Loading such a module would put it in the place of the function of that name."""
    (listed,) = re.findall(r"__all__ = \[(.*?)\]", path.read_text(), re.DOTALL)
    offered = re.findall(r'"(\w+)"', listed)

    assert offered
    assert [
        name for name in offered if (path.parent / f"{name}.py").exists() or (path.parent / name).is_dir()
    ] == []


def test_unknown_name(tmp_path: Path) -> None:
    """A door says as any module does that it has no such name."""
    (tmp_path / "door.py").write_text("if TYPE_CHECKING:\n    from os.path import join, split\n")

    load = lazy_names(__name__, str(tmp_path / "door.py"))

    assert load("join") is __import__("os").path.join
    with pytest.raises(AttributeError, match="has no attribute 'exists'"):
        load("exists")


@pytest.mark.parametrize(
    "heavy", ["duckdb", "pydantic", "structlog", "sqlglot", "mlflow", "uvicorn", "asyncio"]
)
def test_commands_of_a_project_of_steps_load_nothing_heavy(heavy: str) -> None:
    """Reading and planning needs none of the engines behind the kinds."""
    code = f"import ropewalk.cli.commands.run, sys; print({heavy!r} in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "False"
