"""The contract files of a project, found without reading them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ropewalk.dataops.contracts.errors import InvalidContract
from ropewalk.dataops.contracts.values import Contract
from ropewalk.dataops.definitions import GLOSSARY_FILE, Glossary, read_glossary
from ropewalk.errors import Place
from ropewalk.project import files_below

SUFFIX = ".odcs.yaml"
FOLDER = "contracts"


def contract_files(root: Path) -> Mapping[str, Path]:
    """Return the contract file of each table that has one in the project at `root`, by the table's name.

    Raises:
        InvalidProjectFile: a folder cannot be listed.
        InvalidContract: two files are about one table, or a file's name is not `TABLE.odcs.yaml`.
    """
    found: dict[str, Path] = {}
    spelled: dict[str, Path] = {}
    for path in files_below(root / FOLDER, ".yaml", ".yml"):
        shown = Place(path.relative_to(root).as_posix())
        # Definitions that several contracts share are about no table.
        if path.relative_to(root).as_posix() == GLOSSARY_FILE:
            continue
        # Refused rather than passed over: a contract that is not read looks like one that holds.
        if not path.name.endswith(SUFFIX):
            raise InvalidContract(
                "a contract's file is named after its table: SCHEMA.TABLE.odcs.yaml",
                place=shown,
                hint="rename it, or move it out of contracts/",
            )
        table = path.name.removesuffix(SUFFIX)
        # The engine's names have no case: Mart.A and mart.a are one table.
        other = spelled.get(table.lower())
        if other is not None:
            raise InvalidContract(
                f"{table} has two contracts, here and in {other.relative_to(root).as_posix()}",
                place=shown,
                hint="put all that is promised of a table into one of the two",
            )
        found[table] = spelled[table.lower()] = path
    return found


def read_contract(path: Path, root: Path, glossary: Glossary | None = None) -> Contract:
    """Return the contract in the file at `path` of the project at `root`, with what its terms say of its columns.

    `glossary` is the project's, which is read when it is not given.

    Raises:
        InvalidYAML: the file is not YAML.
        UnknownKey: a key that the standard does not have.
        InvalidContract: the file asks for something that cannot be checked, or is about another table.
        UnknownTerm, TermContradicted: a column maps to a term that is not there, or says otherwise than it.
        InvalidProjectFile: a value does not fit the standard.
    """
    # The standard's model takes as long to import as a small project to plan; only a changed file needs it.
    from ropewalk.dataops.contracts.reading import parse_contract  # see above

    terms = read_glossary(root) if glossary is None else glossary
    return parse_contract(path, path.name.removesuffix(SUFFIX), root, terms)


def read_contract_file(path: Path, root: Path) -> Contract:
    """Return the contract in a file that stands anywhere, such as an older version beside the newer one.

    Terms are those of the project at `root`.

    Raises:
        RopewalkError: as `read_contract` says; the file names no table.
    """
    from ropewalk.dataops.contracts.reading import parse_contract  # see above

    name = path.name.removesuffix(SUFFIX)
    # Places are told as the person named the file.
    return parse_contract(path, None if name == path.name else name, path.parent, read_glossary(root))
