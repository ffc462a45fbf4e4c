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
from ropewalk.dataops.contracts.inherit import custom_property, find_term, with_term
from ropewalk.dataops.contracts.personal import contract_masks, personal_class
from ropewalk.dataops.contracts.promises import age_checks, property_relationships, table_relationships
from ropewalk.dataops.contracts.quality import quality_checks, text_rules
from ropewalk.dataops.contracts.rules import Location, column_name, property_checks, unique_key
from ropewalk.dataops.contracts.values import Check, Contract, ContractColumn
from ropewalk.dataops.definitions import Glossary, Term
from ropewalk.errors import nearest
from ropewalk.project import Document, parse_yaml, validate

_PROPERTIES: Location = ("schema", 0, "properties")
HEADER = "a contract starts with apiVersion: v3.1.0, kind: DataContract, id and version"


def _strict(data: object, _: ValidatorFunctionWrapHandler) -> OpenDataContractStandard:
    """Read the standard's model without the leniency of its nested models, which let unknown keys pass."""
    return OpenDataContractStandard.model_validate(data, extra="forbid")


StrictContract = Annotated[OpenDataContractStandard, WrapValidator(_strict)]


def parse_contract(path: Path, table: str | None, root: Path, glossary: Glossary) -> Contract:
    """Return the contract for `table` in the file at `path` of the project at `root`, with what its terms say.

    Without a `table`, the contract is about the one that it names itself.

    Raises:
        InvalidYAML: the file is not YAML.
        UnknownKey: a key that the standard does not have.
        InvalidContract: the file asks for something that cannot be checked, or is about another table.
        UnknownTerm: a column maps to a term that `glossary` does not have.
        TermContradicted: a column says otherwise than its term.
        InvalidProjectFile: a value does not fit the standard.
    """
    document = parse_yaml(path, root)
    # The model's own complaint about a file without keys speaks of Python's types.
    if not isinstance(document.data, dict):
        raise InvalidContract("a contract must be a mapping", place=document.place(), hint=HEADER)
    declared: OpenDataContractStandard = validate(document, StrictContract)
    _require_header(document, declared)
    described = _the_table(document, declared, table)
    columns = _columns(document, described, glossary)
    name = table or described.physicalName or described.name or ""
    return Contract(
        table=name,
        place=document.place(),
        version=declared.version or "",
        status=declared.status,
        description=described.description or _purpose(declared.description),
        domain=declared.domain,
        owner=_owner(declared),
        checks=tuple(_checks(document, declared, described, name)),
        columns=columns,
        masks=contract_masks(columns, glossary),
        notes=tuple(_notes(described)),
    )


def _columns(document: Document, described: SchemaObject, glossary: Glossary) -> tuple[ContractColumn, ...]:
    """Return the columns, and let each property of `described` say what its term says too: checks are read there."""
    properties = described.properties or []
    _refuse_repeated(document, properties)
    terms = [find_term(document, (*_PROPERTIES, i), item, glossary) for i, item in enumerate(properties)]
    described.properties = [
        with_term(document, (*_PROPERTIES, i), item, term) if term else item
        for i, (item, term) in enumerate(zip(properties, terms, strict=True))
    ]
    pairs = zip(described.properties, terms, strict=True)
    return tuple(_column(document, (*_PROPERTIES, i), item, term) for i, (item, term) in enumerate(pairs))


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
            f"kind must be DataContract, not {declared.kind!r}",
            place=document.place(("kind",)),
            nearest="DataContract",
            hint=HEADER,
        )
    if not str(declared.apiVersion).startswith("v3."):
        raise InvalidContract(
            f"apiVersion {declared.apiVersion!r} is not read here; contracts follow v3.1.0",
            place=document.place(("apiVersion",)),
            nearest="v3.1.0",
            hint=HEADER,
        )


def _the_table(document: Document, declared: OpenDataContractStandard, table: str | None) -> SchemaObject:
    objects = declared.schema_ or []
    if len(objects) != 1:
        raise InvalidContract(
            f"a contract describes one table, and this schema has {len(objects)}",
            place=document.place(("schema",)),
            hint="one file per table, named after it",
        )
    if table is None:
        return objects[0]
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
        location = (*_PROPERTIES, index)
        if not item.name:
            raise InvalidContract(
                "a property has no name",
                place=document.place(location),
                hint="name: is the column, or physicalName: where the two differ",
            )
        if column_name(item).lower() in seen:
            raise InvalidContract(
                f"column {column_name(item)!r} is described twice",
                place=document.place((*location, "name")),
                hint="the engine's names have no case: put all of it into one property",
            )
        seen.add(column_name(item).lower())


def _checks(
    document: Document, declared: OpenDataContractStandard, described: SchemaObject, table: str
) -> Iterator[Check]:
    properties, schema = described.properties or [], table.rpartition(".")[0]
    for index, item in enumerate(properties):
        location = (*_PROPERTIES, index)
        yield from property_checks(document, location, item)
        yield from property_relationships(document, location, item, schema)
        yield from quality_checks(document, (*location, "quality"), item.quality, column_name(item))
    yield from unique_key(document, properties)
    yield from table_relationships(document, ("schema", 0, "relationships"), described.relationships, schema)
    yield from quality_checks(document, ("schema", 0, "quality"), described.quality, None)
    yield from age_checks(document, declared.slaProperties, declared.slaDefaultElement)


def _notes(described: SchemaObject) -> Iterator[str]:
    yield from text_rules(described.quality, "the table")
    for item in described.properties or []:
        yield from text_rules(item.quality, column_name(item))


def _column(
    document: Document, location: Location, item: SchemaProperty, term: Term | None
) -> ContractColumn:
    pii, mask = personal_class(document, location, item, term)
    unit, owner = custom_property(item, "unit"), custom_property(item, "owner")
    return ContractColumn(
        name=column_name(item),
        logical_type=item.logicalType,
        description=item.description or item.businessName,
        classification=item.classification or ("pii" if pii else None),
        required=bool(item.required),
        primary_key=bool(item.primaryKey),
        term=term.name if term else None,
        unit=str(unit) if unit is not None else term.unit if term else None,
        owner=str(owner) if owner is not None else term.owner if term else None,
        pii=pii,
        mask=mask,
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
