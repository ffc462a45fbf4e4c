"""The sources that functions below `sources/` declare, read as syntax trees: no code of the user runs here."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import ValidationError

from ropewalk.dataops.sources.errors import InvalidSource
from ropewalk.dataops.sources.facts import source_facts
from ropewalk.dataops.sources.program_declarations import PythonSource
from ropewalk.dataops.sources.spec import SourceSpec
from ropewalk.errors import nearest
from ropewalk.pipeline import Node
from ropewalk.project import ClosureReader, Project, PythonFiles, StepDeclaration, read_source_functions

SINCE = "since"
# What planning fills in is no option of the decorator.
_OWN = {"kind", "function", "parameters", "takes_since"}
OPTIONS = sorted({field.alias or name for name, field in PythonSource.model_fields.items()} - _OWN)


def python_nodes(project: Project) -> Iterator[Node]:
    """Yield one node for each function below `sources/` that carries `@source`.

    Raises:
        InvalidPython: a file does not parse, or a function is declared wrongly.
        InvalidSource: a function cannot be a source, or its options do not fit.
    """
    files = PythonFiles(project.root)
    functions = read_source_functions(project.root, files)
    code = ClosureReader(files)
    for function in functions:
        spec = SourceSpec(function.name, _source(function), function.place)
        closure = code.closure(function.path, function.name)
        facts = source_facts(spec.source)
        yield Node(
            id=spec.node_id,
            origin=spec.place,
            spec=spec,
            provides=(spec.table,),
            # One fact per piece of code, so that `why` names the function or module that changed.
            facts={**facts, **{f"code {name}": digest for name, digest in closure.facts.items()}},
            places={
                **dict.fromkeys(facts, spec.place),
                **{f"code {name}": place for name, place in closure.places.items()},
            },
        )
    files.save()


def _source(function: StepDeclaration) -> PythonSource:
    if function.needs:
        raise InvalidSource(
            f"source {function.name!r} takes {function.needs[0][0]!r} by position, and a source needs nothing",
            place=function.place,
            hint="write `*,` before its parameters, and give each a default",
        )
    for name in function.options:
        if name not in OPTIONS:
            raise InvalidSource(
                f"@source has no option {name!r}",
                place=function.place,
                nearest=nearest(name, OPTIONS),
                hint="valid here: " + ", ".join(OPTIONS),
            )
    # The watermark is no parameter: it changes with every load.
    parameters = {p.name: repr(p.default) for p in function.parameters if p.name != SINCE}
    given = {
        "function": f"{function.path}:{function.name}",
        "parameters": parameters,
        "takes_since": any(parameter.name == SINCE for parameter in function.parameters),
        **function.options,
    }
    try:
        return PythonSource.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        told = f"{where}: {first['msg']}" if where else first["msg"].removeprefix("Value error, ")
        raise InvalidSource(f"source {function.name!r}: {told}", place=function.place) from error
