"""The documents of the repository, and the fenced blocks in them."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FENCE = re.compile(
    r"^(?P<mark><!-- run -->\n)?(?P<indent> *)```(?P<language>\w+)\n(?P<text>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Fence:
    """One fenced block: where it stands, its language and text, and whether it is marked to be run."""

    place: str
    language: str
    text: str
    is_run: bool


def tracked_files() -> list[Path]:
    """Return the files that Git tracks, or would if they were added."""
    command = ["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return [path for name in listed if (path := ROOT / name).is_file()]


def documents() -> list[Path]:
    """Return the Markdown files of the repository."""
    return [path for path in tracked_files() if path.suffix == ".md"]


def fences(path: Path) -> list[Fence]:
    """Return the fenced blocks of one document."""
    text = path.read_text(encoding="utf-8")
    return [
        Fence(
            f"{path.relative_to(ROOT)}:{text.count(chr(10), 0, found.start()) + 1}",
            found["language"],
            found["text"],
            bool(found["mark"]),
        )
        for found in FENCE.finditer(text)
    ]


@pytest.fixture(scope="session", name="documents")
def all_documents() -> list[Path]:
    """Return the Markdown files of the repository."""
    return documents()


@pytest.fixture(scope="session")
def prose() -> Callable[[Path], str]:
    """Return a function that reads a document without its fenced blocks."""
    return lambda path: FENCE.sub("", path.read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def consoles() -> Callable[[Path], list[Fence]]:
    """Return a function that reads the marked consoles of a document."""
    return lambda path: [block for block in fences(path) if block.is_run]


@pytest.fixture(scope="session")
def glossary_beside() -> Callable[[Fence], str]:
    """Return a function that finds the glossary which a fence's document shows; one without terms when there is none."""

    def find(fence: Fence) -> str:
        beside = fences(ROOT / fence.place.partition(":")[0])
        return next((block.text for block in beside if block.text.startswith("terms:")), "terms: {}\n")

    return find


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a test each document as `document`, each with marked consoles as `guide`, each block of a language as `LANGUAGE_fence`."""
    if "document" in metafunc.fixturenames:
        found = documents()
        metafunc.parametrize("document", found, ids=[str(path.relative_to(ROOT)) for path in found])
    if "guide" in metafunc.fixturenames:
        marked = [path for path in documents() if any(block.is_run for block in fences(path))]
        metafunc.parametrize("guide", marked, ids=[path.stem for path in marked])
    for language in ("python", "yaml", "sql"):
        if f"{language}_fence" in metafunc.fixturenames:
            blocks = [block for path in documents() for block in fences(path) if block.language == language]
            metafunc.parametrize(f"{language}_fence", blocks, ids=[block.place for block in blocks])
