"""The steps that Python files declare, read as syntax trees: no code of the user runs here.

A step is a module-level function under `steps/` that carries `@step` or returns `Model`, `Metrics` or
`Table`. Its positional parameters name what it needs, its keyword-only parameters are tracked settings,
its return annotation says what it makes.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ropewalk.errors import Place
from ropewalk.project.errors import InvalidPython
from ropewalk.project.layout import files_below

PRODUCTS = ("Model", "Metrics", "Table")
FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Parameter:
    """A tracked parameter: its default, as Python source and as a value, and where it stands."""

    name: str
    default: object
    annotation: str | None
    place: Place


@dataclass(frozen=True)
class StepDeclaration:
    """One step as its file declares it.

    Attributes:
        name: the function's name, unique over the project.
        path: the file, relative to the project root.
        needs: positional parameters in order, with the annotation each carries.
        parameters: keyword-only parameters, all with a literal default.
        makes: `Model`, `Metrics`, `Table`, or None for a step run for its effect.
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


def read_steps(root: Path) -> list[StepDeclaration]:
    """Return the steps that the files below `steps/` declare, in file and line order.

    Raises:
        InvalidPython: a file does not parse, a step is declared wrongly, or a name is used twice.
    """
    found: dict[str, StepDeclaration] = {}
    for path in files_below(root / "steps", ".py"):
        for step in _read_file(path, root):
            if step.name in found:
                raise InvalidPython(
                    f"step {step.name!r} is declared twice, here and at {found[step.name].place}",
                    place=step.place,
                    hint="rename one of the two functions",
                )
            found[step.name] = step
    return list(found.values())


def parse_python(path: Path, root: Path) -> ast.Module:
    """Parse one Python file of the project.

    Raises:
        InvalidPython: the file does not parse or is not UTF-8.
    """
    shown = path.relative_to(root).as_posix()
    try:
        # Bytes, not text: Python itself finds the file's declared encoding.
        return ast.parse(path.read_bytes(), filename=shown)
    except SyntaxError as error:
        place = Place(shown, error.lineno, error.offset)
        raise InvalidPython(f"not valid Python: {error.msg}", place=place) from error
    except (ValueError, RecursionError) as error:
        raise InvalidPython(f"not valid Python: {error}", place=Place(shown)) from error
    except OSError as error:
        raise InvalidPython(f"cannot be read: {error.strerror}", place=Place(shown)) from error


def _read_file(path: Path, root: Path) -> Iterator[StepDeclaration]:
    tree = parse_python(path, root)
    shown = path.relative_to(root).as_posix()
    # Only the top level: a function inside another, or a method, has no name that a plan could tell people.
    for node in tree.body:
        if isinstance(node, FunctionNode) and _is_step(node):
            yield _declare(node, shown)


def _is_step(node: FunctionNode) -> bool:
    return _decorator(node) is not None or _annotation_name(node.returns) in PRODUCTS


def _declare(node: FunctionNode, shown: str) -> StepDeclaration:
    place = Place(shown, node.lineno, node.col_offset + 1)
    if isinstance(node, ast.AsyncFunctionDef):
        raise InvalidPython(f"step {node.name!r} is async; a step is a plain function", place=place)
    arguments = node.args
    if arguments.vararg or arguments.kwarg:
        raise InvalidPython(
            f"step {node.name!r} takes *args or **kwargs, whose names nothing can supply",
            place=place,
            hint="name each input and each parameter",
        )
    # Most likely a parameter that was meant to be keyword-only; taken for an input it would never be found.
    if arguments.defaults:
        raise InvalidPython(
            f"step {node.name!r} gives an input a default, and an input is what the node of that name made",
            place=Place(shown, arguments.defaults[0].lineno, arguments.defaults[0].col_offset + 1),
            hint="write `*,` before it to make it a tracked parameter",
        )
    needs = tuple(
        (argument.arg, _annotation_name(argument.annotation))
        for argument in (*arguments.posonlyargs, *arguments.args)
    )
    parameters = tuple(
        _parameter(argument, default, shown)
        for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    )
    makes = _annotation_name(node.returns)
    return StepDeclaration(
        name=node.name,
        path=shown,
        needs=needs,
        parameters=parameters,
        makes=makes if makes in PRODUCTS else None,
        options=_options(node, shown),
        place=place,
    )


def _parameter(argument: ast.arg, default: ast.expr | None, shown: str) -> Parameter:
    place = Place(shown, argument.lineno, argument.col_offset + 1)
    if default is None:
        raise InvalidPython(f"parameter {argument.arg!r} needs a default", place=place)
    try:
        value = ast.literal_eval(default)
    except (ValueError, TypeError):
        raise InvalidPython(
            f"the default of parameter {argument.arg!r} must be a literal: planning does not run your code",
            place=place,
        ) from None
    annotation = ast.unparse(argument.annotation) if argument.annotation else None
    return Parameter(argument.arg, value, annotation, place)


def _options(node: FunctionNode, shown: str) -> dict[str, object]:
    decorator = _decorator(node)
    if not isinstance(decorator, ast.Call):
        return {}
    place = Place(shown, decorator.lineno, decorator.col_offset + 1)
    # `**options` has no name here and cannot be read without running the code that makes it.
    names = [keyword.arg for keyword in decorator.keywords]
    if decorator.args or None in names:
        raise InvalidPython("@step takes options by name only, such as timeout='10m'", place=place)
    try:
        return {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in decorator.keywords}
    except (ValueError, TypeError):
        raise InvalidPython("the options of @step must be literals", place=place) from None


def _decorator(node: FunctionNode) -> ast.expr | None:
    for decorator in node.decorator_list:
        target = decorator.func if isinstance(decorator, ast.Call) else decorator
        if _annotation_name(target) == "step":
            return decorator
    return None


def _annotation_name(node: ast.expr | None) -> str | None:
    """Return the last name of an annotation: `Model` for `Model`, `ropewalk.Model` and `"Model"`."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return node.attr
    # An annotation in quotes is what people write when the name is imported for type checking only.
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value.rpartition(".")[2]
    return None
