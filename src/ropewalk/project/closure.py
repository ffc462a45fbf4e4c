"""What a step's code is: the function, and every piece of the project's code that it can reach.

A piece is a module-level name. Of a module that is imported, what its import runs counts (statements that do more than
bind names, and the modules it imports in turn), and those names that the step reaches; all of it, where a module is
handed around as a value. Digests are of a fixed form without comments, formatting and docstrings. Where code
looks at code (`inspect`, `globals()`, `eval`), every module that is loaded counts whole, as it is written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain

from ropewalk.errors import Place
from ropewalk.project.importing import ModuleFinder
from ropewalk.project.python_files import PythonFiles
from ropewalk.project.reach import Piece, View, is_loud
from ropewalk.project.summaries import Statement


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


class ClosureReader:
    """Finds the closures of the steps of one project; what two steps share is looked at once.

    Args:
        files: reads the project's files.
    """

    def __init__(self, files: PythonFiles) -> None:
        self._files = files
        self._finder = ModuleFinder(files.root)
        # By the folder of the step: what stands beside a step hides what stands in the root.
        self._views: dict[tuple[str, ...], View] = {}

    def closure(self, path: str, symbol: str) -> Closure:
        """Return the code that `symbol` of the file at `path` reaches.

        Raises:
            InvalidPython: a file that is reached does not parse.
        """
        folders = self._finder.search_folders(path)
        view = self._views.setdefault(folders, View(self._files, self._finder, folders))
        return _Walk(view, path, symbol).closure()


class _Walk:
    """One way through the code, from one step."""

    def __init__(self, view: View, path: str, symbol: str) -> None:
        self.view = view
        self.root = Piece("name", path, symbol)
        self.reached: dict[Piece, None] = {}

    def closure(self) -> Closure:
        """Return what was found on the way."""
        self._reach([Piece("load", self.root.file), self.root])
        facts = self._whole(is_strict=self._reach_all_that_is_looked_for())
        whole = set(facts)
        places = {file: Place(file) for file in self._files("load")}
        for file, pieces in self._by_file().items():
            # The step's own piece is told also where its file counts whole: its line is what a person looks for.
            told = [piece for piece in pieces if file not in whole or piece == self.root]
            for piece in told:
                self._tell(piece, facts, places)
            if file not in whole:
                facts |= self._order(file, told)
        # Code that is gone makes whoever imports it fail.
        facts |= {f"{piece.file}:{piece.name}": "missing" for piece in self._of_kind("missing")}
        packages = self._names("package")
        beside = self._names("beside") - packages
        return Closure(facts, places, tuple(sorted(packages)), tuple(sorted(beside)))

    def _names(self, kind: str) -> set[str]:
        return {piece.name for piece in self._of_kind(kind)}

    def _of_kind(self, kind: str) -> list[Piece]:
        return [piece for piece in self.reached if piece.kind == kind]

    def _files(self, kind: str) -> list[str]:
        return sorted(piece.file for piece in self._of_kind(kind))

    def _whole(self, *, is_strict: bool) -> dict[str, str]:
        """Return the digests of the modules of which all counts."""
        found = {file: self.view.file(file).summary for file in self._files("all")}
        return {file: summary.strict if is_strict else summary.digest for file, summary in found.items()}

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
            found = self._statements_by_file()
            is_strict = is_strict or any(s.introspects for s in chain.from_iterable(found.values()))
            if is_strict:
                self._reach(Piece("all", file) for file in self._files("load"))
            for file, statements in found.items():
                for word in _looked_for(statements):
                    # The name may be imported, and then it is the other module's value that is looked for.
                    self._reach(self.view.named(file, word))
        return is_strict

    def _statements_by_file(self) -> dict[str, list[Statement]]:
        return {
            file: [statement for piece in pieces for statement in self.view.statements(piece)]
            for file, pieces in self._by_file().items()
        }

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
        if not self.view.file(file).has_order:
            return {}
        labels = {id(s): _label(piece) for piece in pieces for s in self.view.statements(piece)}
        found = [s for s in self.view.file(file).summary.statements if id(s) in labels and not s.is_import]
        shown = [labels[id(statement)] for statement in _in_order(found)]
        return {f"{file}:order": ", ".join(shown)} if len(set(shown)) > 1 else {}


def _in_order(statements: list[Statement]) -> list[Statement]:
    """Return those of `statements` whose order can make other values."""
    counts = Counter(name for statement in statements for name in statement.names)
    shared = {name for name, count in counts.items() if count > 1}
    if not shared and not is_loud(statements):
        return []
    # A function may stand anywhere, as long as it has its name for itself.
    return [s for s in statements if s.as_step is None or not shared.isdisjoint(s.names)]


def _looked_for(statements: list[Statement]) -> set[str]:
    """Return the names that the texts of `statements` may stand for, when one of them looks for variables."""
    if not any(statement.queries for statement in statements):
        return set()
    return {word for statement in statements for word in statement.words}


def _label(piece: Piece) -> str:
    return f"statement {int(piece.name) + 1}" if piece.kind == "statement" else piece.name
