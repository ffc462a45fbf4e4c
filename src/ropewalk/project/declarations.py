"""The steps that Python files declare, read as syntax trees: no code of the user runs here.

A step is a module-level function under `steps/` that carries `@step` or returns `Model`, `Metrics`,
`Table` or `Files`. Its positional parameters name what it needs, its keyword-only parameters are tracked settings,
its return annotation says what it makes.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from ropewalk.errors import Place
from ropewalk.project.errors import InvalidPython
from ropewalk.project.layout import files_below
from ropewalk.project.parameters import Parameter, set_parameters
from ropewalk.project.python_files import SOURCES_FOLDER, STEPS_FOLDER, PythonFiles
from ropewalk.project.signatures import Signature


@dataclass(frozen=True)
class StepDeclaration:
    """One step as its file declares it.

    Attributes:
        name: the function's name, unique over the project.
        path: the file, relative to the project root.
        needs: positional parameters in order, with the annotation each carries.
        parameters: keyword-only parameters, with their literal defaults or what a command set in their place.
        makes: `Model`, `Metrics`, `Table`, `Files`, or None for a step run for its effect.
        options: literal keyword arguments of `@step(...)`.
        place: where the function stands.
    """

    name: str
    path: str
    needs: tuple[tuple[str, str | None], ...]
    parameters: tuple[Parameter, ...]
    makes: str | None
    options: Mapping[str, object]
    place: Place


def read_steps(
    root: Path, files: PythonFiles | None = None, parameters: Mapping[str, str] | None = None
) -> list[StepDeclaration]:
    """Return the steps that the files below `steps/` declare, in file and line order.

    Args:
        root: the project's folder.
        files: what reads the files; one of its own when None.
        parameters: values to set in place of defaults, as text: `train.max_depth` -> `8`.

    Raises:
        InvalidPython: a file does not parse, a step is declared wrongly, or a name is used twice.
        UnknownParameter, InvalidParameter: a value cannot be set.
    """
    reader = files or PythonFiles(root)
    found = _collect(root, STEPS_FOLDER, "step", lambda path: reader.read(path).steps)
    if not parameters:
        return list(found.values())
    in_force = set_parameters({name: step.parameters for name, step in found.items()}, parameters)
    return [replace(step, parameters=in_force[name]) for name, step in found.items()]


def read_source_functions(root: Path, files: PythonFiles) -> list[StepDeclaration]:
    """Return the functions below `sources/` that carry `@source`, in file and line order.

    Raises:
        InvalidPython: a file does not parse, a source is declared wrongly, or a name is used twice.
    """
    found = _collect(root, SOURCES_FOLDER, "source", lambda path: files.read(path).sources)
    return list(found.values())


def _collect(
    root: Path, folder: str, what: str, read: Callable[[str], Iterable[Signature]]
) -> dict[str, StepDeclaration]:
    found: dict[str, StepDeclaration] = {}
    for path in files_below(root / folder, ".py"):
        shown = path.relative_to(root).as_posix()
        for signature in read(shown):
            declared = _declare(signature, shown)
            if declared.name in found:
                raise InvalidPython(
                    f"{what} {declared.name!r} is declared twice, here and at {found[declared.name].place}",
                    place=declared.place,
                    hint="rename one of the two functions",
                )
            found[declared.name] = declared
    return found


def _declare(signature: Signature, path: str) -> StepDeclaration:
    return StepDeclaration(
        name=signature.name,
        path=path,
        needs=signature.needs,
        parameters=tuple(
            Parameter(p.name, _literal(p.default), p.annotation, Place(path, p.line, p.column))
            for p in signature.parameters
        ),
        makes=signature.makes,
        options={name: _literal(text) for name, text in signature.options},
        place=Place(path, signature.line, signature.column),
    )


# The same few defaults stand in most signatures. Nobody changes one in place: they are read, shown and written out.
@lru_cache(maxsize=4096)
def _literal(text: str) -> object:
    return ast.literal_eval(text)
