"""What a step's code is: the function, every same-file symbol it reaches, every module of the project it imports.

Digests are of the syntax tree without docstrings, so comments, blank lines and formatting count for nothing.
What cannot be told apart from running the code counts always: a statement of the file that does more than
bind names, such as a call, a loop or a star import.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from blake3 import blake3

from ropewalk.project.declarations import parse_python

Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
# How a tree is written down says nothing of what it does: `u"x"` is `"x"`.
SILENT_FIELDS = ("ctx", "kind", "type_comment")


@dataclass(frozen=True)
class _Import:
    """One imported name: `from ..a import b` is level 2 and parts `a`, `b`."""

    level: int
    parts: tuple[str, ...]


@dataclass
class _Reached:
    """What has been found so far on the way through the code.

    Attributes:
        root: the project's folder.
        folder: the folder of the step's file; modules of both import by their bare names.
        facts: digest of each piece of code.
        packages: top-level names of modules that are not of the project.
        modules: files of the project that were imported.
    """

    root: Path
    folder: Path
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
    reached = _Reached(root, path.parent)
    shown = path.relative_to(root).as_posix()
    # Per symbol in the step's own file, so that a step next to it can change without making this one stale;
    # per module elsewhere, where attribute access makes it hard to tell which of its symbols are used.
    bindings, always = _sort_statements(parse_python(path, root))
    pending, seen = [symbol], set[str]()
    for number, statement in enumerate(always, start=1):
        reached.facts[f"{shown}:statement {number}"] = _digest([statement])
        pending.extend(_names(statement))
        _follow(_imports(statement), path, reached)
    while pending:
        name = pending.pop()
        if name in seen or name not in bindings:
            continue
        seen.add(name)
        reached.facts[f"{shown}:{name}"] = _digest(bindings[name])
        for statement in bindings[name]:
            pending.extend(_names(statement))
            _follow(_imports(statement), path, reached)
    return reached


def _follow(imports: Iterable[_Import], importer: Path, reached: _Reached) -> None:
    """Record each imported module of the project with all that it imports, or the package it comes from."""
    pending = [(imported, importer) for imported in imports]
    while pending:
        imported, source = pending.pop()
        found = _locate(imported, source, reached)
        # A relative import can only mean the project; one that finds nothing will fail at run time by itself.
        if not found and not imported.level:
            reached.packages.add(imported.parts[0])
        for module in found:
            if module not in reached.modules:
                reached.modules.add(module)
                tree = parse_python(module, reached.root)
                reached.facts[module.relative_to(reached.root).as_posix()] = _digest([tree])
                pending.extend((further, module) for further in _imports(tree))


def _locate(imported: _Import, source: Path, reached: _Reached) -> list[Path]:
    """Return the project's files that the import runs: the module and the packages around it."""
    if imported.level:
        # One dot is the importer's own folder, each further one the folder above.
        folders = [source.parents[min(imported.level, len(source.parents)) - 1]]
    else:
        # In the order of `sys.path` when the step runs: what stands beside it hides what stands in the root.
        folders = [reached.folder, reached.root]
    for folder in folders:
        # `import a.b` also runs a/__init__.py, and the last part of `from a import b` may be a name in a.py.
        stems = [folder.joinpath(*imported.parts[:end]) for end in range(1, len(imported.parts) + 1)]
        candidates = [path for stem in stems for path in (stem.with_suffix(".py"), stem / "__init__.py")]
        found = [path for path in candidates if path.is_file() and path.is_relative_to(reached.root)]
        if found:
            return found
    return []


def _sort_statements(tree: ast.Module) -> tuple[dict[str, list[ast.stmt]], list[ast.stmt]]:
    """Return the statements that bind each module-level name, and those that count whatever is used."""
    bindings: dict[str, list[ast.stmt]] = {}
    always = []
    for statement in tree.body:
        names = _bound(statement)
        # All of them count: a second assignment, or a second import of one package, does not undo the first.
        for name in names:
            bindings.setdefault(name, []).append(statement)
        if not names and not _is_bare_constant(statement):
            always.append(statement)
    return bindings, always


def _bound(statement: ast.stmt) -> list[str]:
    """Return the names that a statement binds, if binding names is all it does."""
    match statement:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return [statement.name]
        case ast.Import() | ast.ImportFrom():
            names = [alias.asname or alias.name.partition(".")[0] for alias in statement.names]
        case ast.Assign():
            names = [name for target in statement.targets for name in _targets(target)]
        case ast.AnnAssign() | ast.AugAssign():
            names = _targets(statement.target)
        case _:
            return []
    # `*` stands for names nobody knows, and for a target such as `table["key"]` or `thing.field`.
    return [] if "*" in names else names


def _targets(target: ast.expr) -> list[str]:
    match target:
        case ast.Name():
            return [target.id]
        case ast.Tuple() | ast.List():
            return [name for element in target.elts for name in _targets(element)]
        case ast.Starred():
            return _targets(target.value)
        case _:
            return ["*"]


def _names(node: ast.AST) -> Iterator[str]:
    for child in ast.walk(node):
        if isinstance(child, ast.Name) and isinstance(child.ctx, ast.Load):
            yield child.id


def _imports(node: ast.AST) -> Iterator[_Import]:
    """Yield every module that an import in `node` may load, `from a import b` as `a.b`."""
    for child in ast.walk(node):
        if isinstance(child, ast.Import):
            yield from (_Import(0, tuple(alias.name.split("."))) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            stem = tuple(child.module.split(".")) if child.module else ()
            yield from (_Import(child.level, (*stem, alias.name)) for alias in child.names)


def _digest(statements: Iterable[ast.AST]) -> str:
    """Return a digest of syntax trees, without recursion: a generated file may nest deeply."""
    hasher = blake3()
    pending: list[object] = [list(statements)]
    while pending:
        item = pending.pop()
        # Lengths and line ends keep neighbours apart: no two trees may write the same bytes.
        if isinstance(item, list):
            hasher.update(b"[%d\n" % len(item))
            pending.extend(reversed(item))
        elif isinstance(item, ast.AST):
            hasher.update(type(item).__name__.encode() + b"\n")
            pending.extend(reversed(_fields(item)))
        else:
            hasher.update(repr(item).encode() + b"\n")
    return hasher.hexdigest()[:16]


def _fields(node: ast.AST) -> list[object]:
    fields = [value for name, value in ast.iter_fields(node) if name not in SILENT_FIELDS]
    if isinstance(node, Documented) and node.body and _is_bare_constant(node.body[0]):
        return [value[1:] if value is node.body else value for value in fields]
    return fields


def _is_bare_constant(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
