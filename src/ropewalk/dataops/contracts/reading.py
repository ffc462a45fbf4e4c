"""Reading `contracts/TABLE.odcs.yaml`: the Open Data Contract Standard v3, strictly, into our own values."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from open_data_contract_standard.model import (
    Description,
    OpenDataContractStandard,
    SchemaObject,
    SchemaProperty,
    Team,
)
from pydantic import ValidatorFunctionWrapHandler, WrapValidator

from ropewalk.dataops.contracts.errors import InvalidContract
from ropewalk.dataops.contracts.quality import quality_checks
from ropewalk.dataops.contracts.rules import column_name, property_checks, unique_key
from ropewalk.dataops.contracts.values import Check, Contract, ContractColumn
from ropewalk.errors import nearest
from ropewalk.project import Document, parse_yaml, validate

HEADER = "a contract starts with apiVersion: v3.1.0, kind: DataContract, id and version"


def _strict(data: object, _: ValidatorFunctionWrapHandler) -> OpenDataContractStandard:
    """Read the standard's model without the leniency of its nested models, which let unknown keys pass."""
    return OpenDataContractStandard.model_validate(data, extra="forbid")


StrictContract = Annotated[OpenDataContractStandard, WrapValidator(_strict)]


def parse_contract(path: Path, table: str, root: Path) -> Contract:
    """Return the contract for `table` in the file at `path` of the project at `root`.

    Raises:
        InvalidYAML: the file is not YAML.
        UnknownKey: a key that the standard does not have.
        InvalidContract: the file asks for something that cannot be checked, or is about another table.
        InvalidProjectFile: a value does not fit the standard.
    """
    document = parse_yaml(path, root)
    # The model's own complaint about a file without keys speaks of Python's types.
    if not isinstance(document.data, dict):
        raise InvalidContract("a contract must be a mapping", place=document.place(), hint=HEADER)
    declared: OpenDataContractStandard = validate(document, StrictContract)
    _require_header(document, declared)
    described = _the_table(document, declared, table)
    properties = described.properties or []
    _refuse_repeated(document, properties)
    return Contract(
        table=table,
        place=document.place(),
        version=declared.version or "",
        status=declared.status,
        description=described.description or _purpose(declared.description),
        domain=declared.domain,
        owner=_owner(declared),
        checks=tuple(_checks(document, described)),
        columns=tuple(_column(item) for item in properties),
    )


def _require_header(document: Document, declared: OpenDataContractStandard) -> None:
    # The standard demands these; its pydantic model lets them be missing.
    for key in ("version", "apiVersion", "kind", "id"):
        if getattr(declared, key) is None:
            raise InvalidContract(
                f"key {key!r} is missing",
                place=document.place(),
                hint=HEADER,
            )
    if declared.kind != "DataContract":
        raise InvalidContract(
            f"kind must be DataContract, not {declared.kind!r}", place=document.place(("kind",))
        )
    if not str(declared.apiVersion).startswith("v3."):
        raise InvalidContract(
            f"apiVersion {declared.apiVersion!r} is not read here; contracts follow v3.1.0",
            place=document.place(("apiVersion",)),
            nearest="v3.1.0",
        )


def _the_table(document: Document, declared: OpenDataContractStandard, table: str) -> SchemaObject:
    objects = declared.schema_ or []
    if len(objects) != 1:
        raise InvalidContract(
            f"a contract describes one table, and this schema has {len(objects)}",
            place=document.place(("schema",)),
            hint="one file per table, named after it",
        )
    # The file's name decides; the schema repeats it so that other tools, which see only the text, know it too.
    names = [name for name in (objects[0].physicalName, objects[0].name) if name]
    valid = (table.lower(), table.lower().rpartition(".")[2])
    # The engine's names have no case, so neither has this comparison.
    if not any(name.lower() in valid for name in names):
        raise InvalidContract(
            f"the file is about {table!r}, and its schema about {names[0] if names else 'nothing'!r}",
            place=document.place(("schema", 0, "name")),
            nearest=nearest(names[0], [table]) if names else None,
            hint="the file's name and `schema[0].name` name the same table",
        )
    return objects[0]


def _refuse_repeated(document: Document, properties: list[SchemaProperty]) -> None:
    seen: set[str] = set()
    for index, item in enumerate(properties):
        location = ("schema", 0, "properties", index)
        if not item.name:
            raise InvalidContract("a property has no name", place=document.place(location))
        if column_name(item).lower() in seen:
            raise InvalidContract(
                f"column {column_name(item)!r} is described twice", place=document.place((*location, "name"))
            )
        seen.add(column_name(item).lower())


def _checks(document: Document, described: SchemaObject) -> Iterator[Check]:
    properties = described.properties or []
    for index, item in enumerate(properties):
        location = ("schema", 0, "properties", index)
        yield from property_checks(document, location, item)
        yield from quality_checks(document, (*location, "quality"), item.quality, column_name(item))
    yield from unique_key(document, properties)
    yield from quality_checks(document, ("schema", 0, "quality"), described.quality, None)


def _column(item: SchemaProperty) -> ContractColumn:
    return ContractColumn(
        name=column_name(item),
        logical_type=item.logicalType,
        description=item.description or item.businessName,
        classification=item.classification,
        required=bool(item.required),
        primary_key=bool(item.primaryKey),
    )


def _purpose(description: Description | None) -> str | None:
    return description.purpose or description.usage if description else None


def _owner(declared: OpenDataContractStandard) -> str | None:
    """Return who answers for the table: the team's name, its owner, or its first member."""
    # Since v3.1 a team is a mapping with members; before, it was the list of members itself.
    team = declared.team
    if isinstance(team, Team):
        if team.name:
            return team.name
        members = team.members or []
    else:
        members = team or []
    owners = [member for member in members if member.role == "owner"] or members
    return (owners[0].name or owners[0].username) if owners else None
