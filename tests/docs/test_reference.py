"""The reference is what the product says of itself, and leaves nothing out."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from ropewalk import plugins
from ropewalk.cli.main import COMMANDS
from ropewalk.settings import describe_settings

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    """Return the script that writes the reference, as a module."""
    spec = importlib.util.spec_from_file_location(
        "generate_reference", ROOT / "scripts/generate_reference.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def headings(page: str) -> set[str]:
    text = (ROOT / "docs/reference" / page).read_text(encoding="utf-8")
    return set(re.findall(r"^#{2,3} (.+)$", text, re.MULTILINE))


@pytest.mark.parametrize(
    "page",
    ["settings.md", "errors.md", "ropewalk-yaml.md", "commands.md", "metadata.md", "mlflow-protocol.md"],
)
def test_page_is_up_to_date(generator: ModuleType, page: str) -> None:
    """Each page says what the code says now; `python scripts/generate_reference.py` writes it anew."""
    written = (ROOT / "docs/reference" / page).read_text(encoding="utf-8")

    assert written == generator.PAGES[page]()


def test_every_page_is_generated(generator: ModuleType) -> None:
    """Nothing in the reference is written by hand."""
    assert {path.name for path in (ROOT / "docs/reference").iterdir()} == set(generator.PAGES)


def test_every_setting_has_its_heading() -> None:
    """No setting is undocumented."""
    assert headings("settings.md") == {variable for _, variable, _, _ in describe_settings()}


def test_every_error_has_its_heading(generator: ModuleType) -> None:
    """No error code is undocumented, and each page entry names its exit code and status."""
    codes = {error.code for error in generator.all_errors()}

    assert headings("errors.md") == codes


def test_every_command_has_its_heading() -> None:
    """No command is undocumented."""
    assert {f"ropewalk {name}" for name in COMMANDS} <= headings("commands.md")


def test_every_section_has_its_heading() -> None:
    """No section of the project file is undocumented."""
    assert {section.key for section in plugins.sections()} <= headings("ropewalk-yaml.md")


def test_every_key_has_a_place(generator: ModuleType) -> None:
    """Models that entries refer to are on the page, so that no type is a dead link."""
    text = generator.project_page()
    targets = set(re.findall(r"\]\(#([a-z]+)\)", text))

    assert targets <= {heading.lower() for heading in headings("ropewalk-yaml.md")}


def test_check_tells(generator: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    """The script itself says that nothing differs, and writes nothing then."""
    before = {path: path.stat().st_mtime_ns for path in generator.REFERENCE.iterdir()}

    assert generator.main(["--check"]) == 0

    assert "up to date" in capsys.readouterr().out
    assert {path: path.stat().st_mtime_ns for path in generator.REFERENCE.iterdir()} == before
