"""Documents: links lead somewhere, pages build, promises about their form hold."""

from __future__ import annotations

import re
import shutil
import subprocess
import sysconfig
import tomllib
from collections.abc import Callable
from importlib.metadata import metadata
from pathlib import Path

import pytest

from ropewalk.cli.main import COMMANDS

Prose = Callable[[Path], str]
ROOT = Path(__file__).resolve().parents[2]

LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)


def anchors(text: str) -> set[str]:
    return {
        re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in HEADING.findall(text)
    }


def test_links_lead_somewhere(document: Path, prose: Prose) -> None:
    """Every relative link names a file of the repository, and a heading in it where it names one."""
    for target in LINK.findall(prose(document)):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        path = (document.parent / name).resolve() if name else document
        assert path.exists(), target
        assert not anchor or anchor in anchors(prose(path)), target


def test_one_title_each(document: Path, prose: Prose) -> None:
    """A document starts with its one title."""
    assert len(re.findall(r"^# ", prose(document), re.MULTILINE)) == 1


def test_site_builds(tmp_path: Path) -> None:
    """The documentation builds without a warning, and nothing in it is fetched from another host."""
    config = (ROOT / "zensical.toml").read_text().replace("build/docs", str(tmp_path / "site"))
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    (tmp_path / "zensical.toml").write_text(config)
    zensical = Path(sysconfig.get_path("scripts")) / "zensical"

    done = subprocess.run(
        [zensical, "build", "--strict"], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
    page = (tmp_path / "site/index.html").read_text()
    assert re.findall(r"<(?:link|script|img)[^>]+(?:href|src)=\"?https?:[^ >]*", page) == []


def test_every_page_is_in_the_navigation(documents: list[Path]) -> None:
    """No page of the documentation can be reached by its address only."""
    config = (ROOT / "zensical.toml").read_text()
    pages = [
        path.relative_to(ROOT / "docs").as_posix() for path in documents if path.is_relative_to(ROOT / "docs")
    ]

    assert [page for page in pages if f'"{page}"' not in config] == []


def test_readme_is_short() -> None:
    """The README can be read in one sitting, and sets up by exactly two commands."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")

    assert text.count("\n") <= 150
    assert re.findall(r"^make .*$", text, re.MULTILINE) == ["make demo", "make test"]


def test_decisions_are_complete() -> None:
    """A decision record has its four parts, fits a page, and is listed."""
    index = (ROOT / "docs/decisions/index.md").read_text(encoding="utf-8")
    records = sorted((ROOT / "docs/decisions").glob("0*.md"))

    assert [int(path.name[:4]) for path in records] == list(range(1, len(records) + 1))
    for path in records:
        parts = re.findall(r"^## (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
        assert parts == ["Context", "Decision", "Consequences", "Rejected alternatives"], path.name
        assert path.name in index


def test_every_dependency_has_its_line() -> None:
    """Each dependency of pyproject.toml is justified, with the licence that its package states."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    asked = [*project["project"]["dependencies"]]
    for group in (
        *project["project"]["optional-dependencies"].values(),
        *project["dependency-groups"].values(),
    ):
        asked += [item for item in group if not item.startswith("ropewalk[")]
    rows = dict(
        re.findall(
            r"^\| ([\w-]+) \| .+ \| (.+) \|$",
            (ROOT / "docs/decisions/0011-dependencies.md").read_text(),
            re.MULTILINE,
        )
    )

    names = {re.split(r"[<>=\[ ]", item)[0] for item in asked}
    assert names == set(rows) - {"package"}
    for name in names:
        assert rows[name].split("-")[0].split(" ")[0] in _licence(name), name


def _licence(name: str) -> str:
    found = metadata(name)
    classifiers = [item for item in found.get_all("Classifier") or [] if item.startswith("License")]
    text = " ".join([found.get("License-Expression") or "", (found.get("License") or "")[:60], *classifiers])
    return text.replace("Apache Software License", "Apache-2.0")


def test_commands_in_documents_exist(document: Path) -> None:
    """A command that a document names is one."""
    text = document.read_text(encoding="utf-8")

    named = set(re.findall(r"(?:`|\$ )ropewalk ([a-z]+)", text))

    assert named <= set(COMMANDS)


def test_changelog_has_what_is_coming() -> None:
    """The changelog always has a place for the next line."""
    assert "## [Unreleased]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "folder",
    ["cli", "web", "applied", "devops", "mlops", "dataops", "pipeline", "lineage", "store", "project"],
)
def test_folder_says_what_it_owns(folder: str) -> None:
    """Each folder of the house has a README that says what it owns and what it must never do."""
    text = (ROOT / "src/ropewalk" / folder / "README.md").read_text(encoding="utf-8")

    assert "never" in text
