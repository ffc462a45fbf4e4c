"""Code in documents: Python compiles, YAML and SQL are what the product reads, marked consoles do what they show."""

from __future__ import annotations

import os
import re
import subprocess
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sqlglot
import yaml

from ropewalk import plugins
from ropewalk.dataops.contracts import read_contract
from ropewalk.dataops.definitions import GLOSSARY_FILE, read_glossary
from ropewalk.dataops.metrics import read_metrics
from ropewalk.dataops.questions import read_questions
from ropewalk.dataops.transform import read_table_tests
from ropewalk.project import load_project

if TYPE_CHECKING:
    from tests.docs.conftest import Fence


def test_python(python_fence: Fence) -> None:
    """Python in a document is Python."""
    compile(python_fence.text, python_fence.place, "exec")


def test_yaml(yaml_fence: Fence, glossary_beside: Callable[[Fence], str], tmp_path: Path) -> None:
    """YAML in a document is a project file that the sections accept, a contract, a glossary, tests of a table, or metrics."""
    found = yaml.safe_load(yaml_fence.text)
    if found.get("kind") == "DataContract":
        path = tmp_path / f"contracts/{found['schema'][0]['physicalName']}.odcs.yaml"
        path.parent.mkdir()
        path.write_text(yaml_fence.text)
        (tmp_path / GLOSSARY_FILE).write_text(glossary_beside(yaml_fence))
        assert read_contract(path, tmp_path).checks
    elif "terms" in found:
        (tmp_path / GLOSSARY_FILE).parent.mkdir()
        (tmp_path / GLOSSARY_FILE).write_text(yaml_fence.text)
        assert read_glossary(tmp_path).terms
    elif "unit_tests" in found:
        folder = tmp_path / "tables/mart"
        folder.mkdir(parents=True)
        (folder / "example.sql").touch()
        (folder / "example.test.yaml").write_text(yaml_fence.text)
        assert read_table_tests(tmp_path)
    elif "measures" in found:
        (tmp_path / "metrics").mkdir()
        (tmp_path / "metrics/example.yaml").write_text(yaml_fence.text)
        assert read_metrics(tmp_path).by_name
    else:
        text = yaml_fence.text if "project" in found else f"project: example\n{yaml_fence.text}"
        (tmp_path / "ropewalk.yaml").write_text(text)
        assert load_project(tmp_path, plugins.sections()).name


def test_sql(sql_fence: Fence, tmp_path: Path) -> None:
    """SQL in a document is one SELECT of DuckDB's; with parameters it is a saved question."""
    (statement,) = sqlglot.parse(sql_fence.text, dialect="duckdb")

    assert isinstance(statement, sqlglot.exp.Select)
    if "$" in sql_fence.text:
        (tmp_path / "questions").mkdir()
        (tmp_path / "questions/example.sql").write_text(sql_fence.text)
        assert read_questions(tmp_path)["example"].parameters


@pytest.mark.slow
def test_console(guide: Path, consoles: Callable[[Path], list[Fence]], tmp_path: Path) -> None:
    """The marked commands of a guide, one after the other in an empty folder, print what the guide shows."""
    scripts = sysconfig.get_path("scripts")
    environ = {**os.environ, "PATH": f"{scripts}:{os.environ['PATH']}", "NO_COLOR": "1"}
    for block in consoles(guide):
        for command, expected in _commands(block.text):
            done = subprocess.run(
                command,
                shell=True,
                cwd=tmp_path,
                env=environ,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
            assert re.fullmatch(_pattern(expected), _plain(done.stdout)), (
                f"{block.place}: {command}\n{done.stdout}"
            )
            assert done.returncode == 0, done.stdout


def _commands(text: str) -> list[tuple[str, str]]:
    """Return each command of a console with the output shown for it."""
    parts = re.split(r"^\$ (.+)$", text, flags=re.MULTILINE)
    return [(command, output) for command, output in zip(parts[1::2], parts[2::2], strict=True)]


def _pattern(expected: str) -> str:
    """Return a regular expression for shown output, in which `...` stands for anything."""
    return r"[\s\S]*?".join(re.escape(part) for part in _plain(expected).split("..."))


def _plain(text: str) -> str:
    return re.sub(r"[ \t]+", " ", text).strip()
