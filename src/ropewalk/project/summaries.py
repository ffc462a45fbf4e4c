"""What planning needs to know of one Python file: its statements, what each binds, uses, imports and does.

A summary depends on the file's bytes alone, so it is kept from plan to plan (`parse_cache.py`). What the names mean is
found out later, with all files at hand (`closure.py`).
"""

from __future__ import annotations

import ast
import builtins
import copy
import re
import sys
from collections.abc import Iterable, Iterator

import msgspec

from ropewalk.project.effects import Judge
from ropewalk.project.scopes import global_uses, own_values, stored_names
from ropewalk.project.syntax import FunctionNode, Normaliser, digest, dotted, is_bare_constant

# With these, code can reach any name of its module, or read what the fixed form leaves out.
INTROSPECTION = frozenset(
    [
        "__annotations__",
        "__code__",
        "__doc__",
        "__globals__",
        "__subclasses__",
        "beartype.beartype",
        "docopt.docopt",
        "eval",
        "exec",
        "functools.singledispatch",
        "functools.singledispatchmethod",
        "globals",
        "pydantic.validate_arguments",
        "pydantic.validate_call",
        "sys.modules",
        "typeguard.typechecked",
        "typing.get_type_hints",
    ]
)
# Methods whose text may name Python variables: `frame.query("a > @RATE")`, `duckdb.sql("FROM frame")`.
QUERIES = frozenset({"eval", "execute", "query", "read_sql", "sql"})
IMPORTERS = frozenset(
    {
        ("__import__",),
        ("import_module",),
        ("importlib", "import_module"),
        # Whether there is such a module decides as well.
        ("find_spec",),
        ("importlib", "util", "find_spec"),
    }
)
WORD = re.compile(r"[A-Za-z_]\w*")


class Import(msgspec.Struct, frozen=True, array_like=True):
    """One name that an import binds: `from ..a import b as c` is level 2, module `a`, name `b`, bound `c`.

    `import a.b` has no name; a literal `import_module("a.b")` binds nothing.
    """

    level: int
    module: str
    name: str | None
    bound: str | None


class Statement(msgspec.Struct, frozen=True, array_like=True):
    """One statement at module level.

    Attributes:
        names: the names it binds; none for one that is there for what it does.
        digest: of its fixed form; for an import, what is imported.
        line: where it starts.
        is_import: whether it is an import and nothing else.
        uses: dotted names of the module's that it uses, those in the bodies of functions included.
        imports: what it imports, also inside functions.
        certain: whether it does more than bind names, or may.
        calls: functions of the project that it calls while the module is loaded.
        bases: classes of the project that it derives from.
        is_quiet: whether calling or subclassing what it binds does nothing more.
        introspects: whether it may read what the fixed form leaves out, or any name by its text.
        queries: whether it hands texts to something that looks for variables in them.
        words: names of the file that stand in its texts.
        readers: decorators and bases that may read its annotations and docstrings, if they are not the project's.
        full: digest with annotations and docstrings, where there are such readers.
        as_step: a function's digest as a step: without the parameters' defaults, which are told apart.
    """

    names: tuple[str, ...]
    digest: str
    line: int
    is_import: bool = False
    uses: tuple[str, ...] = ()
    imports: tuple[Import, ...] = ()
    certain: bool = False
    calls: tuple[str, ...] = ()
    bases: tuple[str, ...] = ()
    is_quiet: bool = False
    introspects: bool = False
    queries: bool = False
    words: tuple[str, ...] = ()
    readers: tuple[str, ...] = ()
    full: str = ""
    as_step: str | None = None


class Summary(msgspec.Struct, frozen=True, array_like=True):
    """One file.

    Attributes:
        statements: in the file's order.
        digest: of all of it, in the fixed form.
        strict: of all of it, with annotations and docstrings.
    """

    statements: tuple[Statement, ...]
    digest: str
    strict: str


def summarise(tree: ast.Module) -> Summary:
    """Return the summary of a parsed file; the tree is brought into its fixed form on the way."""
    strict = digest([tree])
    body = list(_run_on_import(tree.body))
    names = {name for statement in body for name in stored_names(statement)}
    reader = _Reader(body, names, _exported(body))
    statements = tuple(found for n, statement in enumerate(body) for found in reader.read(statement, n))
    # Imports are sorted by tools, and other statements by meaning.
    imported = sorted(f"{found.names[0]}={found.digest}" for found in statements if found.is_import)
    others = [found.digest for found in statements if not found.is_import]
    return Summary(statements, digest([ast.Constant(" ".join(imported + others))]), strict)


def _run_on_import(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements that run when a module is imported, without what is for type checkers or the shell."""
    for number, statement in enumerate(body):
        if isinstance(statement, ast.If) and _never_holds(statement.test):
            yield from _run_on_import(statement.orelse)
        elif not (isinstance(statement, ast.Pass) or (number == 0 and is_bare_constant(statement))):
            yield statement


def _never_holds(test: ast.expr) -> bool:
    match test:
        case (
            ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING") | ast.Constant(value=False | 0)
        ):
            return True
        # A step's file is loaded as a module, never as the program.
        case ast.Compare(
            left=ast.Name(id="__name__"), ops=[ast.Eq()], comparators=[ast.Constant(value="__main__")]
        ):
            return True
        case _:
            return False


def _exported(body: list[ast.stmt]) -> set[str]:
    """Return the names that `__all__` lists."""
    lists = [s.value for s in body if isinstance(s, ast.Assign) and "__all__" in stored_names(s)]
    return {str(node.value) for value in lists for node in ast.walk(value) if isinstance(node, ast.Constant)}


def _has_lazy_annotations(body: list[ast.stmt]) -> bool:
    return any(isinstance(found, ast.ImportFrom) and found.module == "__future__" for found in body)


def _first_bindings(body: list[ast.stmt]) -> dict[str, int]:
    """Return for each name the number of the statement that binds it first."""
    first: dict[str, int] = {}
    for number, statement in enumerate(body):
        for name in stored_names(statement):
            first.setdefault(name, number)
    return first


class _Reader:
    """Reads the statements of one file."""

    def __init__(self, body: list[ast.stmt], names: set[str], exported: set[str]) -> None:
        imports = [found for statement in body for found in _imports(statement)]
        meanings = {found.bound: _meaning(found) for found in imports if found.bound and not found.level}
        is_lazy = _has_lazy_annotations(body)
        self.names = names
        self.first = _first_bindings(body)
        # What a star import binds is known when the other file is at hand.
        self.has_star = any(found.name == "*" for found in imports)
        self.judge = Judge(meanings, names, is_lazy, own_values(body))
        self.form = Normaliser(names, is_lazy)
        # An import that nothing in the file uses stands there for what it does.
        self.used = exported | {chain[0] for statement in body for chain in global_uses(statement)}

    def read(self, statement: ast.stmt, number: int) -> Iterator[Statement]:
        """Yield what the statement of that number says; an import is taken apart into its names."""
        if isinstance(statement, ast.Import | ast.ImportFrom):
            yield from (self._import(found, statement.lineno) for found in _imports(statement))
            return
        if not is_bare_constant(statement):
            yield self._statement(statement, number)

    def _statement(self, statement: ast.stmt, number: int) -> Statement:
        effects, is_quiet = self.judge.statement(statement), self.judge.is_quiet(statement)
        line = statement.lineno
        if isinstance(statement, FunctionNode):
            self._drop_step_decorator(statement)
        readers = self.judge.readers(statement)
        full = digest([statement]) if readers else ""
        # What annotations name counts as well then: a field's type may be a class of the project.
        hinted = set(global_uses(statement)) if readers else set()
        statement = self.form.plain(statement)
        self.form.normalise(statement)
        imports = tuple(_imports(statement))
        return Statement(
            names=tuple(dict.fromkeys(stored_names(statement))),
            digest=digest([statement]),
            line=line,
            uses=self._uses(hinted.union(global_uses(statement)), imports),
            imports=imports,
            certain=effects.certain or any(self._is_lacking(name, number) for name in effects.names),
            calls=tuple(sorted(effects.calls)),
            bases=tuple(sorted(effects.bases)),
            is_quiet=is_quiet,
            introspects=self._introspects(statement),
            queries=_calls_any(statement, QUERIES),
            words=tuple(sorted(_words(statement) & self.names)),
            readers=tuple(sorted(readers)),
            full=full,
            as_step=_step_digest(statement) if isinstance(statement, FunctionNode) else None,
        )

    def _uses(self, chains: Iterable[tuple[str, ...]], imports: tuple[Import, ...]) -> tuple[str, ...]:
        known = self.names.union(found.bound for found in imports if found.bound)
        return tuple(sorted(".".join(chain) for chain in chains if self.has_star or chain[0] in known))

    def _import(self, found: Import, line: int) -> Statement:
        bound = found.bound or "*"
        top = found.module.partition(".")[0]
        known = found.level > 0 or top in sys.stdlib_module_names or top == "ropewalk"
        return Statement(
            names=(bound,),
            digest="." * found.level + _meaning(found),
            line=line,
            is_import=True,
            imports=(found,),
            certain=bound == "*" or not (known or bound in self.used),
        )

    def _is_lacking(self, name: str, number: int) -> bool:
        """Return whether a name is not there yet when the statement of that number runs: loading the module then fails."""
        if name in self.first:
            # A statement may read what it binds itself, and then it had better be bound before.
            return self.first[name] > number
        return not (hasattr(builtins, name) or name.startswith("__"))

    def _introspects(self, statement: ast.stmt) -> bool:
        for node in ast.walk(statement):
            # As a text too: `getattr(helper, "__doc__")`, `attrgetter("__doc__")`.
            name = getattr(node, "attr", None) or getattr(node, "value", None)
            if isinstance(name, str) and name.startswith("__") and name in INTROSPECTION:
                return True
            if isinstance(node, ast.Attribute | ast.Name):
                name = self.judge.full_name(node)
                if name in INTROSPECTION or name.startswith("inspect."):
                    return True
        return False

    def _drop_step_decorator(self, function: FunctionNode) -> None:
        """Drop `@step(...)`: its options say how to run the step, and those that count are facts of their own."""
        function.decorator_list = [
            decorator
            for decorator in function.decorator_list
            if self.judge.full_name(decorator.func if isinstance(decorator, ast.Call) else decorator)
            != "ropewalk.step"
        ]


def _step_digest(function: FunctionNode) -> str:
    alone = copy.copy(function)
    alone.args = copy.copy(function.args)
    alone.args.kw_defaults = [None for _ in function.args.kw_defaults]
    return digest([alone])


def _meaning(found: Import) -> str:
    """Return what the bound name stands for: `numpy.linalg` after `from numpy import linalg`."""
    if found.name is not None:
        return f"{found.module}.{found.name}".lstrip(".")
    # `import a.b` binds `a`, `import a.b as c` the module itself.
    top = found.module.partition(".")[0]
    return top if found.bound == top else found.module


def _imports(statement: ast.stmt) -> Iterator[Import]:
    for node in ast.walk(statement):
        if isinstance(node, ast.Import):
            yield from (_plain_import(alias) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module != "__future__":
            yield from (_import_from(node, alias) for alias in node.names)
        elif isinstance(node, ast.Call):
            yield from _literal_import(node)


def _plain_import(alias: ast.alias) -> Import:
    return Import(0, alias.name, None, alias.asname or alias.name.partition(".")[0])


def _import_from(node: ast.ImportFrom, alias: ast.alias) -> Import:
    bound = None if alias.name == "*" else alias.asname or alias.name
    return Import(node.level, node.module or "", alias.name, bound)


def _literal_import(call: ast.Call) -> Iterator[Import]:
    match call.args[:1]:
        case [ast.Constant(value=str(module))] if dotted(call.func) in IMPORTERS:
            name = module.lstrip(".")
            yield Import(len(module) - len(name), name, None, None)


def _calls_any(statement: ast.stmt, methods: frozenset[str]) -> bool:
    return any(
        isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in methods
        for node in ast.walk(statement)
    )


def _words(statement: ast.stmt) -> set[str]:
    texts = (
        node.value
        for node in ast.walk(statement)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
    return {word for text in texts for word in WORD.findall(text)}
