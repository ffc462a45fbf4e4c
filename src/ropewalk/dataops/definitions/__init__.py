"""Definitions: the project's words, what they mean, and which columns should be called by them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ropewalk.doors import lazy_names

if TYPE_CHECKING:
    from ropewalk.dataops.definitions.errors import ColumnsUnmapped, UnknownTerm
    from ropewalk.dataops.definitions.reading import GLOSSARY_FILE, glossary_path, read_glossary
    from ropewalk.dataops.definitions.unmapped import Suggestion, UsedColumn, find_unmapped, split_words
    from ropewalk.dataops.definitions.values import (
        MASKS,
        PII_CLASSES,
        Glossary,
        MaskKind,
        PIIClass,
        Term,
        as_text,
    )

__all__ = [
    "GLOSSARY_FILE",
    "MASKS",
    "PII_CLASSES",
    "ColumnsUnmapped",
    "Glossary",
    "MaskKind",
    "PIIClass",
    "Suggestion",
    "Term",
    "UnknownTerm",
    "UsedColumn",
    "as_text",
    "find_unmapped",
    "glossary_path",
    "read_glossary",
    "split_words",
]

__getattr__ = lazy_names(__name__, __file__)
