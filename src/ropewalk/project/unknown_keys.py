"""The error for a key of a YAML file that nothing understands."""

from __future__ import annotations

from ropewalk.errors import nearest
from ropewalk.project.errors import UnknownKey
from ropewalk.project.yaml import Document, Location


def unknown_key(
    document: Document, where: Location, valid: list[str], detail: str | None = None
) -> UnknownKey:
    """Return the error for the key at `where`, beside which only the keys `valid` may stand."""
    key = str(where[-1])
    return UnknownKey(
        f"unknown key {key!r}",
        place=document.place(where),
        nearest=nearest(key, valid),
        hint="valid here: " + ", ".join(valid) if valid else None,
        detail=detail,
    )
