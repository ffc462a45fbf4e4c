"""How a file declares its steps, or its sources, read from its syntax tree."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import msgspec

from ropewalk.errors import Place
from ropewalk.project.errors import InvalidPython
from ropewalk.project.syntax import FunctionNode

PRODUCTS = ("Files", "Metrics", "Model", "Table")


class Tracked(msgspec.Struct, frozen=True, array_like=True):
    """A keyword-only parameter: its default as source, which is a literal, and where it stands."""

    name: str
    default: str
    annotation: str | None
    line: int
    column: int


class Signature(msgspec.Struct, frozen=True, array_like=True):
    """One step or source, as its function's signature and decorator say.

    Attributes:
        name: the function's name.
        needs: positional parameters in order, with the annotation each carries.
        parameters: keyword-only parameters.
        makes: what its annotation says it makes, if that is one of the products.
        options: keyword arguments of the decorator, as source; each is a literal.
        line: where the function stands.
        column: where it stands in that line.
    """

    name: str
    needs: tuple[tuple[str, str | None], ...]
    parameters: tuple[Tracked, ...]
    makes: str | None
    options: tuple[tuple[str, str], ...]
    line: int
    column: int


def read_signatures(tree: ast.Module, path: str, what: str = "step") -> Iterator[Signature]:
    """Yield the steps that the parsed file at `path` declares, or what else carries the decorator `what`.

    Raises:
        InvalidPython: one is declared wrongly.
    """
    # Only the top level: a function inside another, or a method, has no name that a plan could tell people.
    for node in tree.body:
        if isinstance(node, FunctionNode) and _is_declared(node, what):
            yield _read(node, path, what)


def _is_declared(node: FunctionNode, what: str) -> bool:
    returns = _annotation_name(node.returns)
    return _decorator(node, what) is not None or (what == "step" and returns in PRODUCTS)


def _read(node: FunctionNode, path: str, what: str) -> Signature:
    _refuse_unusable(node, path, what)
    arguments = node.args
    needs = tuple(
        (argument.arg, _annotation_name(argument.annotation))
        for argument in (*arguments.posonlyargs, *arguments.args)
    )
    parameters = tuple(
        _tracked(argument, default, path)
        for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    )
    makes = _annotation_name(node.returns)
    return Signature(
        name=node.name,
        needs=needs,
        parameters=parameters,
        makes=makes if makes in PRODUCTS else None,
        options=tuple(_options(node, path, what)),
        line=node.lineno,
        column=node.col_offset + 1,
    )


def _refuse_unusable(node: FunctionNode, path: str, what: str) -> None:
    place = Place(path, node.lineno, node.col_offset + 1)
    if isinstance(node, ast.AsyncFunctionDef):
        raise InvalidPython(f"{what} {node.name!r} is async; a {what} is a plain function", place=place)
    arguments = node.args
    if arguments.vararg or arguments.kwarg:
        raise InvalidPython(
            f"{what} {node.name!r} takes *args or **kwargs, whose names nothing can supply",
            place=place,
            hint="name each input and each parameter",
        )
    # Most likely a parameter that was meant to be keyword-only; taken for an input it would never be found.
    if arguments.defaults:
        raise InvalidPython(
            f"{what} {node.name!r} gives an input a default, and an input is what the node of that name made",
            place=Place(path, arguments.defaults[0].lineno, arguments.defaults[0].col_offset + 1),
            hint="write `*,` before it to make it a tracked parameter",
        )


def _tracked(argument: ast.arg, default: ast.expr | None, path: str) -> Tracked:
    place = Place(path, argument.lineno, argument.col_offset + 1)
    if default is None:
        raise InvalidPython(f"parameter {argument.arg!r} needs a default", place=place)
    try:
        ast.literal_eval(default)
    except (ValueError, TypeError):
        raise InvalidPython(
            f"the default of parameter {argument.arg!r} must be a literal: planning does not run your code",
            place=place,
        ) from None
    annotation = ast.unparse(argument.annotation) if argument.annotation else None
    return Tracked(argument.arg, ast.unparse(default), annotation, argument.lineno, argument.col_offset + 1)


def _options(node: FunctionNode, path: str, what: str) -> Iterator[tuple[str, str]]:
    decorator = _decorator(node, what)
    if not isinstance(decorator, ast.Call):
        return
    place = Place(path, decorator.lineno, decorator.col_offset + 1)
    # `**options` has no name here and cannot be read without running the code that makes it.
    if decorator.args or any(keyword.arg is None for keyword in decorator.keywords):
        raise InvalidPython(f"@{what} takes options by name only, such as timeout='10m'", place=place)
    for keyword in decorator.keywords:
        try:
            ast.literal_eval(keyword.value)
        except (ValueError, TypeError):
            raise InvalidPython(f"the options of @{what} must be literals", place=place) from None
        yield str(keyword.arg), ast.unparse(keyword.value)


def _decorator(node: FunctionNode, what: str) -> ast.expr | None:
    for decorator in node.decorator_list:
        target = decorator.func if isinstance(decorator, ast.Call) else decorator
        if _annotation_name(target) == what:
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
