"""Glossaries written as text and read as a project's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent, indent

import pytest

from ropewalk.dataops.definitions import GLOSSARY_FILE, Glossary, read_glossary

ReadTerms = Callable[[str], Glossary]


@pytest.fixture
def read_text(tmp_path: Path) -> ReadTerms:
    """Return a function that reads the text of a whole glossary."""

    def read(text: str) -> Glossary:
        path = tmp_path / GLOSSARY_FILE
        path.parent.mkdir(exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")
        return read_glossary(tmp_path)

    return read


@pytest.fixture
def read_terms(read_text: ReadTerms) -> ReadTerms:
    """Return a function that reads a glossary from the text below its `terms:`."""
    return lambda text: read_text("terms:\n" + indent(dedent(text), "  "))
