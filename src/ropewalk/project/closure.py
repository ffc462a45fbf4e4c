"""What a step's code is: the function, and every piece of the project's code that it can reach.

A piece is a module-level name. Of a module that is imported, what its import runs counts (statements that do more than
bind names, and the modules it imports in turn), and those names that the step reaches; all of it, where a module is
handed around as a value. Digests are of a fixed form without comments, formatting and docstrings. Where code
looks at code (`inspect`, `globals()`, `eval`), every module that is loaded counts whole, as it is written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from ropewalk.errors import Place
from ropewalk.project.importing import Module, ModuleFinder
from ropewalk.project.python_files import PythonFiles
from ropewalk.project.summaries import Import, Statement, Summary


@dataclass(frozen=True)
class Closure:
    """The code that a step reaches.

    Attributes:
        facts: digest of each piece, named `FILE:NAME`, or `FILE` where all of a module counts.
        places: where each piece stands; also the files that are loaded and of which no piece is reached.
        packages: top-level names of the packages it imports that are not the project's, the standard library's included.
        beside: those that are imported along with it and not used by it.
    """

    facts: Mapping[str, str]
    places: Mapping[str, Place]
    packages: tuple[str, ...]
    beside: tuple[str, ...] = ()


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


class ClosureReader:
    """Finds the closures of the steps of one project; what two steps share is looked at once.

    Args:
        files: reads the project's files.
    """

    def __init__(self, files: PythonFiles) -> None:
        self._files = files
        self._finder = ModuleFinder(files.root)
        # By the folder of the step: what stands beside a step hides what stands in the root.
        self._views: dict[tuple[str, ...], _View] = {}

    def closure(self, path: str, symbol: str) -> Closure:
        """Return the code that `symbol` of the file at `path` reaches.

        Raises:
            InvalidPython: a file that is reached does not parse.
        """
        folders = self._finder.search_folders(path)
        view = self._views.setdefault(folders, _View(self._files, self._finder, folders))
        return _Walk(view, path, symbol).closure()


@dataclass
class _File:
    """One file's statements: those that bind names, by name, and those that do not, in order."""

    summary: Summary
    bindings: dict[str, list[Statement]] = field(default_factory=dict)
    nameless: list[Statement] = field(default_factory=list)

    @classmethod
    def of(cls, summary: Summary) -> _File:
        found = cls(summary)
        for statement in summary.statements:
            # All of them count: a second assignment, or a second import of one package, does not undo the first.
            for name in statement.names:
                found.bindings.setdefault(name, []).append(statement)
            if not statement.names:
                found.nameless.append(statement)
        return found


class _View:
    """The project's modules as one folder of steps sees them: each piece leads to those that it reaches."""

    def __init__(self, files: PythonFiles, finder: ModuleFinder, folders: tuple[str, ...]) -> None:
        self._files, self._finder, self._folders = files, finder, folders
        self._known: dict[str, _File] = {}
        self._edges: dict[Piece, tuple[Piece, ...]] = {}

    def file(self, path: str) -> _File:
        """Return the statements of the file at `path`."""
        if path not in self._known:
            self._known[path] = _File.of(self._files.read(path).summary)
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
            inner = self._finder.find(rest[0], module.folders) if module.folders else None
            named = bool(module.file) and self._binds(str(module.file), rest[0])
            if named:
                yield from self._resolve(str(module.file), rest, seen if seen is not None else set())
            if inner is None:
                if not named and module.file:
                    # Nothing of that name: whatever makes it (`__getattr__`, a loop) is somewhere in the module.
                    yield Piece("all", module.file)
                yield from loads
                return
            loads.append(Piece("load", inner.file)) if inner.file else None
            module, rest = inner, rest[1:]
        yield from loads
        if module and module.file:
            yield Piece("all", module.file)

    def _binds(self, path: str, name: str) -> bool:
        found = self.file(path).bindings
        return name in found or "*" in found

    def _may_bind(self, path: str, name: str) -> bool:
        # A statement such as `exec` or a module's own `__getattr__` may make any name.
        found = self.file(path)
        return self._binds(path, name) or "__getattr__" in found.bindings or bool(found.nameless)

    def _target(self, imported: Import, path: str) -> _Target:
        """Return what an import in the file at `path` means, with the modules that it loads."""
        folders = self._finder.relative(path, imported.level) if imported.level else self._folders
        parts = imported.module.split(".") if imported.module else []
        module = Module(None, folders)
        loads: list[Piece] = []
        if imported.level and not parts and folders:
            # `from . import x` loads the package around the file.
            module = self._finder.package(folders[0])
            loads += [Piece("load", module.file)] if module.file else []
        for number, part in enumerate(parts):
            inner = self._finder.find(part, module.folders)
            if inner is None or (number == 0 and self._is_elsewhere(inner, imported)):
                is_elsewhere = not imported.level and number == 0
                name = "." * imported.level + ".".join(parts[: number + 1])
                lost = Piece("package", "", part) if is_elsewhere else Piece("missing", path, name)
                return _Target(None, (), (*loads, lost))
            module = inner
            loads += [Piece("load", module.file)] if module.file else []
        return self._end(imported, module, loads)

    def _end(self, imported: Import, module: Module, loads: list[Piece]) -> _Target:
        if imported.name not in (None, "*"):
            inner = self._finder.find(str(imported.name), module.folders) if module.folders else None
            loads += [Piece("load", inner.file)] if inner and inner.file else []
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
        # Classes that derive from each other in a circle are no Python, but a file may say so.
        if depth > 20 or any(piece.kind != "name" for piece in pieces):
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


class _Walk:
    """One way through the code, from one step."""

    def __init__(self, view: _View, path: str, symbol: str) -> None:
        self.view = view
        self.root = Piece("name", path, symbol)
        self.reached: dict[Piece, None] = {}

    def closure(self) -> Closure:
        """Return what was found on the way."""
        self._reach([Piece("load", self.root.file), self.root])
        is_strict = self._reach_all_that_is_looked_for()
        whole = sorted(piece.file for piece in self.reached if piece.kind == "all")
        facts: dict[str, str] = {}
        for file in whole:
            summary = self.view.file(file).summary
            facts[file] = summary.strict if is_strict else summary.digest
        places = {piece.file: Place(piece.file) for piece in self.reached if piece.kind == "load"}
        for file, pieces in self._by_file().items():
            # The step's own piece is told also where its file counts whole: its line is what a person looks for.
            told = [piece for piece in pieces if file not in whole or piece == self.root]
            for piece in told:
                self._tell(piece, facts, places)
            if file not in whole:
                facts |= self._order(file, told)
        # Code that is gone makes whoever imports it fail.
        lost = [piece for piece in self.reached if piece.kind == "missing"]
        facts |= {f"{piece.file}:{piece.name}": "missing" for piece in lost}
        packages = {piece.name for piece in self.reached if piece.kind == "package"}
        beside = {piece.name for piece in self.reached if piece.kind == "beside"} - packages
        return Closure(facts, places, tuple(sorted(packages)), tuple(sorted(beside)))

    def _reach(self, pieces: Iterable[Piece]) -> None:
        pending = list(pieces)
        while pending:
            piece = pending.pop()
            if piece not in self.reached:
                self.reached[piece] = None
                pending.extend(self.view.edges(piece))

    def _reach_all_that_is_looked_for(self) -> bool:
        """Follow code that looks at code, or for variables; return whether everything counts as it is written."""
        is_strict, before = False, 0
        while before != len(self.reached):
            before = len(self.reached)
            found = {
                file: [s for piece in pieces for s in self.view.statements(piece)]
                for file, pieces in self._by_file().items()
            }
            is_strict = is_strict or any(s.introspects for statements in found.values() for s in statements)
            if is_strict:
                loaded = [piece.file for piece in self.reached if piece.kind == "load"]
                self._reach(Piece("all", file) for file in loaded)
            for file, statements in found.items():
                if any(statement.queries for statement in statements):
                    self._reach(Piece("name", file, word) for s in statements for word in s.words)
        return is_strict

    def _by_file(self) -> dict[str, list[Piece]]:
        found: dict[str, list[Piece]] = {}
        for piece in self.reached:
            if piece.kind in {"name", "statement"}:
                found.setdefault(piece.file, []).append(piece)
        return found

    def _tell(self, piece: Piece, facts: dict[str, str], places: dict[str, Place]) -> None:
        statements = self.view.statements(piece)
        if statements:
            name = f"{piece.file}:{_label(piece)}"
            facts[name] = " ".join(self._digest(piece, statement) for statement in statements)
            # Of a name that is bound twice, the last binding is the one in force.
            places[name] = Place(piece.file, statements[-1].line)

    def _digest(self, piece: Piece, statement: Statement) -> str:
        # Its parameters are facts of their own, unless the step calls itself, which takes the defaults.
        is_root = piece == self.root and statement.as_step and piece.name not in statement.uses
        own = str(statement.as_step) if is_root else statement.digest
        return f"{own} {statement.full}" if self.view.is_read(statement, piece.file) else own

    def _order(self, file: str, pieces: list[Piece]) -> dict[str, str]:
        """Return the order of what is reached in a file, where another order could make other values."""
        labels = {id(s): _label(piece) for piece in pieces for s in self.view.statements(piece)}
        found = [s for s in self.view.file(file).summary.statements if id(s) in labels and not s.is_import]
        names = Counter(name for statement in found for name in statement.names)
        is_loud = any(s.certain or s.calls for s in found if s.as_step is None)
        if not is_loud and all(count == 1 for count in names.values()):
            return {}
        # A function may stand anywhere, as long as it has its name for itself.
        shown = [labels[id(s)] for s in found if s.as_step is None or any(names[n] > 1 for n in s.names)]
        return {f"{file}:order": ", ".join(shown)} if len(set(shown)) > 1 else {}


def _label(piece: Piece) -> str:
    return f"statement {int(piece.name) + 1}" if piece.kind == "statement" else piece.name
