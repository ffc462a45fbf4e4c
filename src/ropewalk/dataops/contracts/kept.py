"""All contracts of a project, read again only when their bytes or the glossary's have changed.

What was read is kept in one file of the state folder. Losing it costs time and nothing else, so that a file that cannot
be read, or was written by another version, counts as empty, and one that cannot be written is left.
"""

from __future__ import annotations

import importlib.metadata
import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path

import msgspec
from blake3 import blake3

from ropewalk.dataops.contracts.files import contract_files, read_contract
from ropewalk.dataops.contracts.values import Contract
from ropewalk.dataops.definitions import glossary_path, read_glossary

STATE_FOLDER = ".ropewalk"
FILE = "contracts.json"


@dataclass
class _Kept:
    """What the file holds: contracts by digest of what they were read from."""

    version: str = ""
    contracts: dict[str, Contract] = field(default_factory=dict)


def read_contracts(root: Path) -> Mapping[str, Contract]:
    """Return the contract of each table that has one in the project at `root`, by the table's name in lower case.

    Raises:
        InvalidProjectFile: a contract or the glossary is wrong.
        UnknownTerm: a contract names a term that the glossary does not have.
    """
    files = contract_files(root)
    if not files:
        # A glossary that no contract uses yet is read all the same: what is wrong in it is told now.
        read_glossary(root)
        return {}
    meant = _bytes(glossary_path(root))
    # A contract knows its file and, from its name, its table: they are part of what is read.
    digests = tuple(
        blake3(f"{path.relative_to(root)}\n{len(meant)}\n".encode() + meant + _bytes(path)).hexdigest()
        for path in files.values()
    )
    return _read(root, tuple(files.items()), digests)


# Tables, sources and steps each ask for the contracts of one plan.
@lru_cache(maxsize=4)
def _read(
    root: Path, files: tuple[tuple[str, Path], ...], digests: tuple[str, ...]
) -> Mapping[str, Contract]:
    path = root / STATE_FOLDER / FILE
    known = _load(path)
    used = _Kept(_version())
    # A changed glossary changes them all, and is read once.
    missing = [digest for digest in digests if digest not in known.contracts]
    glossary = read_glossary(root) if missing else None
    for digest, (_, file) in zip(digests, files, strict=True):
        used.contracts[digest] = known.contracts.get(digest) or read_contract(file, root, glossary)
    if used != known:
        _save(path, used)
    return {table.lower(): used.contracts[digest] for digest, (table, _) in zip(digests, files, strict=True)}


def _bytes(path: Path) -> bytes:
    # What cannot be read has no bytes here; reading it as a contract fails with the error that names it.
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _load(path: Path) -> _Kept:
    try:
        found = msgspec.json.decode(path.read_bytes(), type=_Kept)
    except (OSError, msgspec.MsgspecError):
        return _Kept()
    return found if found.version == _version() else _Kept()


def _save(path: Path, kept: _Kept) -> None:
    # Planning makes no folders: in a project that was never run nothing is kept.
    if not path.parent.is_dir():
        return
    with suppress(OSError):
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=FILE)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(msgspec.json.encode(kept))
        # Two plans at once each write a whole file; the last one stays.
        Path(name).replace(path)


@cache
def _version() -> str:
    """Return what decides how files are read: the standard's model, and our own code around it."""
    code = blake3()
    for room in ("contracts", "definitions"):
        for module in sorted((Path(__file__).parents[1] / room).glob("*.py")):
            code.update(module.read_bytes())
    return f"{importlib.metadata.version('open-data-contract-standard')} {code.hexdigest()[:16]}"
