"""What each piece of a project's code reaches: the names, modules and packages that it leads to at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from ropewalk.project.importing import Module, ModuleFinder
from ropewalk.project.python_files import PythonFiles
from ropewalk.project.summaries import Import, Statement, Summary

# Classes that derive from each other in a circle are no Python, but a file may say so.
DEEPEST = 20


class Piece(NamedTuple):
    """A piece of code: one name of a module, its loading, all of it, what it lacks, or a package from elsewhere."""

    kind: str
    file: str
    name: str = ""


@dataclass(frozen=True)
class _Target:
    """What a dotted name stands for: a module, or something in one; `loads` are the modules imported on the way."""

    module: Module | None
    rest: tuple[str, ...]
    loads: tuple[Piece, ...]


@dataclass
class File:
    """One file's statements: those that bind names, by name, and those that do not; and whether their order can matter."""

    summary: Summary
    bindings: dict[str, list[Statement]] = field(default_factory=dict)
    nameless: list[Statement] = field(default_factory=list)
    has_order: bool = False

    @classmethod
    def of(cls, summary: Summary) -> File:
        """Return the statements of one file, sorted by the names they bind."""
        found = cls(summary)
        for statement in summary.statements:
            # All of them count: a second assignment, or a second import of one package, does not undo the first.
            for name in statement.names:
                found.bindings.setdefault(name, []).append(statement)
            if not statement.names:
                found.nameless.append(statement)
        found.has_order = _has_order([s for s in summary.statements if not s.is_import])
        return found


class View:
    """The project's modules as one folder of steps sees them: each piece leads to those that it reaches."""

    def __init__(self, files: PythonFiles, finder: ModuleFinder, folders: tuple[str, ...]) -> None:
        self._files, self._finder, self._folders = files, finder, folders
        self._known: dict[str, File] = {}
        self._edges: dict[Piece, tuple[Piece, ...]] = {}

    def file(self, path: str) -> File:
        """Return the statements of the file at `path`."""
        if path not in self._known:
            self._known[path] = File.of(self._files.read(path).summary)
        return self._known[path]

    def edges(self, piece: Piece) -> tuple[Piece, ...]:
        """Return the pieces that `piece` reaches at once."""
        if piece not in self._edges:
            self._edges[piece] = tuple(dict.fromkeys(self._reached(piece)))
        return self._edges[piece]

    def statements(self, piece: Piece) -> list[Statement]:
        """Return the statements that a piece consists of."""
        found = self.file(piece.file)
        if piece.kind == "statement":
            return [found.nameless[int(piece.name)]]
        return found.bindings.get(piece.name, [])

    def named(self, path: str, name: str) -> tuple[Piece, ...]:
        """Return the pieces that a name in the file at `path` stands for, in whichever module they are."""
        return tuple(self._resolve(path, (name,), set()))

    def _reached(self, piece: Piece) -> Iterator[Piece]:
        if piece.kind in {"package", "missing", "beside"}:
            return
        if piece.kind == "load":
            yield from self._on_load(piece.file)
        elif piece.kind == "all":
            yield Piece("load", piece.file)
            for name in self.file(piece.file).bindings:
                yield Piece("name", piece.file, name)
        else:
            for statement in self.statements(piece):
                yield from self._used_by(statement, piece.file)

    def _on_load(self, path: str) -> Iterator[Piece]:
        """Yield what importing a module reaches: what it imports itself, and statements that do something."""
        found = self.file(path)
        for number in range(len(found.nameless)):
            yield Piece("statement", path, str(number))
        for statement in found.summary.statements:
            if statement.is_import:
                target = self._target(statement.imports[0], path)
                yield from self._loaded_by(target)
                # What a module of the project does when it is loaded is in its own pieces.
                if statement.certain and (target.module is None or statement.names == ("*",)):
                    yield Piece("name", path, statement.names[0])
            elif statement.names and self._does_something(statement, path):
                yield Piece("name", path, statement.names[0])

    def _loaded_by(self, target: _Target) -> Iterator[Piece]:
        """Yield what an import by itself reaches, whether or not its name is used."""
        for piece in target.loads:
            # A package that nothing uses does not decide what is made, as long as it is there.
            if piece.kind != "package" or not self._finder.is_installed(piece.name):
                yield piece
            else:
                yield piece._replace(kind="beside")
        if target.module and target.module.file and target.rest:
            inner = (
                self._finder.find(target.rest[0], target.module.folders) if target.module.folders else None
            )
            if inner is None and not self._may_bind(target.module.file, target.rest[0]):
                yield Piece("missing", target.module.file, target.rest[0])

    def _used_by(self, statement: Statement, path: str) -> Iterator[Piece]:
        for found in statement.imports:
            target = self._target(found, path)
            yield from target.loads
            # Inside a function an import binds a local name, which is followed here.
            for use in () if statement.is_import else statement.uses:
                chain = use.split(".")
                if chain[0] == found.bound:
                    yield from self._pieces(_Target(target.module, (*target.rest, *chain[1:]), ()))
            if found.bound is None and not statement.is_import:
                yield from self._pieces(target)
        for use in statement.uses:
            yield from self._resolve(path, tuple(use.split(".")), set())

    def _resolve(self, path: str, chain: tuple[str, ...], seen: set[tuple[str, str]]) -> Iterator[Piece]:
        """Yield the pieces that a dotted name in the file at `path` stands for."""
        name, rest = chain[0], chain[1:]
        if (path, name) in seen:
            return
        seen.add((path, name))
        found = self.file(path)
        for statement in found.bindings.get(name, ()):
            yield Piece("name", path, name)
            for imported in statement.imports:
                if imported.bound == name:
                    target = self._target(imported, path)
                    yield from target.loads
                    yield from self._pieces(_Target(target.module, (*target.rest, *rest), ()), seen)
        for statement in found.bindings.get("*", ()):
            target = self._target(statement.imports[0], path)
            if target.module and target.module.file:
                yield from self._resolve(target.module.file, chain, seen)
                yield Piece("name", target.module.file, "__all__")

    def _pieces(self, target: _Target, seen: set[tuple[str, str]] | None = None) -> Iterator[Piece]:
        """Yield the pieces that `target.rest` of a module stands for; all of the module when that is nothing."""
        module, rest, loads = target.module, target.rest, list(target.loads)
        while module and rest:
            inner = self._finder.find(rest[0], module.folders)
            is_named = self._binds(module.file, rest[0])
            if is_named:
                yield from self._resolve(str(module.file), rest, seen if seen is not None else set())
            # Neither a name nor a module: whatever makes it (`__getattr__`, a loop) is somewhere in the module.
            if inner is None:
                module = None if is_named else module
                break
            loads += _load(inner)
            module, rest = inner, rest[1:]
        yield from loads
        if module and module.file:
            yield Piece("all", module.file)

    def _binds(self, path: str | None, name: str) -> bool:
        found = self.file(path).bindings if path else {}
        return name in found or "*" in found

    def _may_bind(self, path: str, name: str) -> bool:
        # A statement such as `exec` or a module's own `__getattr__` may make any name.
        found = self.file(path)
        return self._binds(path, name) or "__getattr__" in found.bindings or bool(found.nameless)

    def _target(self, imported: Import, path: str) -> _Target:
        """Return what an import in the file at `path` means, with the modules that it loads."""
        parts = imported.module.split(".") if imported.module else []
        module, loads = self._start(imported, path)
        for number, part in enumerate(parts):
            inner = self._finder.find(part, module.folders)
            if inner is None or (number == 0 and self._is_elsewhere(inner, imported)):
                return _Target(None, (), (*loads, _lost(imported, parts[: number + 1], path)))
            module = inner
            loads += _load(module)
        return self._end(imported, module, loads)

    def _start(self, imported: Import, path: str) -> tuple[Module, list[Piece]]:
        """Return where the parts of an import's name are looked for, and what is loaded before any of them."""
        folders = self._finder.relative(path, imported.level) if imported.level else self._folders
        if imported.level and not imported.module and folders:
            # `from . import x` loads the package around the file.
            package = self._finder.package(folders[0])
            return package, _load(package)
        return Module(None, folders), []

    def _end(self, imported: Import, module: Module, loads: list[Piece]) -> _Target:
        if imported.name not in (None, "*"):
            inner = self._finder.find(str(imported.name), module.folders)
            loads += _load(inner)
            return _Target(module, (str(imported.name),), tuple(loads))
        top = imported.module.partition(".")[0]
        if imported.name is None and imported.bound == top and imported.module != top:
            # `import a.b` binds `a`.
            module = self._finder.find(top, self._folders) or module
        return _Target(module, (), tuple(loads))

    def _is_elsewhere(self, module: Module, imported: Import) -> bool:
        """Return whether a folder without `__init__.py` only happens to be called like an installed package."""
        if module.file or imported.level:
            return False
        rest = [*imported.module.split(".")[1:], *([imported.name] if imported.name else [])]
        return not rest or self._finder.find(rest[0], module.folders) is None

    def _does_something(self, statement: Statement, path: str) -> bool:
        return statement.certain or not (
            all(self._is_quiet(path, use, is_base=False) for use in statement.calls)
            and all(self._is_quiet(path, use, is_base=True) for use in statement.bases)
        )

    def is_read(self, statement: Statement, path: str) -> bool:
        """Return whether something from elsewhere may read the annotations and docstrings of `statement`."""
        if not statement.readers:
            return False
        # What decorators and bases of the project read is seen in their own code.
        found = [p for use in statement.readers for p in self._resolve(path, tuple(use.split(".")), set())]
        return not found or any(piece.kind in {"package", "missing"} for piece in found)

    def _is_quiet(self, path: str, use: str, *, is_base: bool, depth: int = 0) -> bool:
        """Return whether calling the function, or subclassing the class, of that name does nothing else."""
        chain = tuple(use.split("."))
        pieces = [p for p in self._resolve(path, chain, set()) if p.kind != "load"]
        if depth > DEEPEST or any(piece.kind != "name" for piece in pieces):
            return False
        found = [(piece, s) for piece in pieces for s in self.statements(piece) if not s.is_import]
        return bool(found) and all(
            statement.is_quiet
            and (statement.as_step is None) is is_base
            # `handle.register` is something else than `handle`.
            and (len(chain) == 1 or piece.name == chain[-1])
            # What a base class derives from may hear of the subclass as well.
            and all(self._is_quiet(piece.file, b, is_base=True, depth=depth + 1) for b in statement.bases)
            for piece, statement in found
        )


def _lost(imported: Import, parts: list[str], path: str) -> Piece:
    """Return the piece for an import that leads out of the project, or to what it lacks, at the last of `parts`."""
    if not imported.level and len(parts) == 1:
        return Piece("package", "", parts[0])
    return Piece("missing", path, "." * imported.level + ".".join(parts))


def is_loud(statements: Iterable[Statement]) -> bool:
    """Return whether one of `statements`, functions aside, does something beside binding names when it runs."""
    return any(s.certain or s.calls for s in statements if s.as_step is None)


def _has_order(plain: list[Statement]) -> bool:
    # Where each name is bound once and nothing else is done, no other order makes other values.
    names = [name for statement in plain for name in statement.names]
    return is_loud(plain) or len(set(names)) < len(names)


def _load(module: Module | None) -> list[Piece]:
    return [Piece("load", module.file)] if module and module.file else []
