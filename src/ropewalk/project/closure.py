"""What a step's code is: the function, every same-file symbol it reaches, every module of the project it imports.

Digests are of the syntax tree without docstrings, so comments, blank lines and formatting count for nothing.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from blake3 import blake3

from ropewalk.project.declarations import parse_python


@dataclass
class _Reached:
    """What has been found so far on the way through the code."""

    root: Path
    facts: dict[str, str] = field(default_factory=dict)
    packages: set[str] = field(default_factory=set)
    modules: set[Path] = field(default_factory=set)


def code_facts(path: Path, symbol: str, root: Path) -> dict[str, str]:
    """Return the digest of every piece of first-party code that `symbol` of the file at `path` reaches.

    The keys read `FILE:SYMBOL` within the step's own file and `FILE` for the modules it imports.

    Raises:
        InvalidPython: a file that is reached does not parse.
    """
    return _reach(path, symbol, root).facts


def imported_packages(path: Path, symbol: str, root: Path) -> list[str]:
    """Return the top-level names of the third-party and standard modules that the step's code imports."""
    return sorted(_reach(path, symbol, root).packages)


def _reach(path: Path, symbol: str, root: Path) -> _Reached:
    reached = _Reached(root)
    tree = parse_python(path, root)
    shown = path.relative_to(root).as_posix()
    symbols = _symbols(tree)
    pending, seen = [symbol], set[str]()
    while pending:
        name = pending.pop()
        if name in seen or name not in symbols:
            continue
        seen.add(name)
        node = symbols[name]
        reached.facts[f"{shown}:{name}"] = _digest(node)
        pending.extend(_names(node))
        for imported in _imports(node):
            _follow(imported, path.parent, reached)
    # Statements that bind no name (a call at module level, a bare import) run for every step of the file.
    for index, statement in enumerate(_nameless(tree)):
        reached.facts[f"{shown}:statement {index + 1}"] = _digest(statement)
        for imported in _imports(statement):
            _follow(imported, path.parent, reached)
    return reached


def _follow(module: str, folder: Path, reached: _Reached) -> None:
    """Record a module of the project with all that it imports, or the package it comes from."""
    found = _locate(module, folder, reached.root)
    if found is None:
        reached.packages.add(module.partition(".")[0])
        return
    if found in reached.modules:
        return
    reached.modules.add(found)
    tree = parse_python(found, reached.root)
    reached.facts[found.relative_to(reached.root).as_posix()] = _digest(tree)
    for imported in _imports(tree):
        _follow(imported, found.parent, reached)


def _locate(module: str, folder: Path, root: Path) -> Path | None:
    """Return the project file that `module` is: beside the importing file, or below the root."""
    parts = module.lstrip(".").split(".")
    for base in (folder, root):
        for stem in (base.joinpath(*parts), base.joinpath(*parts[:-1])):
            for candidate in (stem.with_suffix(".py"), stem / "__init__.py"):
                if stem != base and candidate.is_file():
                    return candidate
    return None


def _symbols(tree: ast.Module) -> dict[str, ast.stmt]:
    """Return the statement that binds each module-level name; the last binding wins."""
    found: dict[str, ast.stmt] = {}
    for node in tree.body:
        for name in _bound(node):
            found[name] = node
    return found


def _bound(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.Import | ast.ImportFrom):
        for alias in node.names:
            yield alias.asname or alias.name.partition(".")[0]
    else:
        for child in ast.walk(node):
            if isinstance(child, ast.Name) and isinstance(child.ctx, ast.Store):
                yield child.id


def _nameless(tree: ast.Module) -> Iterator[ast.stmt]:
    for node in tree.body:
        is_docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if not is_docstring and not list(_bound(node)):
            yield node


def _names(node: ast.AST) -> Iterator[str]:
    for child in ast.walk(node):
        if isinstance(child, ast.Name) and isinstance(child.ctx, ast.Load):
            yield child.id


def _imports(node: ast.AST) -> Iterator[str]:
    """Yield every module that an import in `node` may load, `from a import b` as `a.b`."""
    for child in ast.walk(node):
        if isinstance(child, ast.Import):
            yield from (alias.name for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            stem = "." * child.level + (child.module or "")
            joint = "" if stem.endswith(".") or not stem else "."
            yield from (stem + joint + alias.name for alias in child.names)


def _digest(node: ast.AST) -> str:
    return blake3(ast.dump(_without_docstrings(node)).encode()).hexdigest()[:16]


def _without_docstrings(node: ast.AST) -> ast.AST:
    for child in ast.walk(node):
        if isinstance(child, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            body = child.body
            if body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
                child.body = body[1:]
    return node
