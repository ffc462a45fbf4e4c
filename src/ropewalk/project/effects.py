"""Which module-level statements do nothing but bind names.

Such a statement counts only for code that reaches one of its names. Any other may change what everything else
does (a registration, a setting, a patch), so it counts for every step that has its module loaded. A call of a
function of the project is a doubt: whoever has all modules at hand can look whether that function does more
than return something.

Attribute access, operators and subscripts count as doing nothing else.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from ropewalk.project.scopes import bound_by
from ropewalk.project.syntax import FunctionNode, dotted, is_bare_constant

# Calls that make a value of their arguments and touch nothing else.
PURE_BUILTINS = frozenset(
    [
        "abs",
        "bool",
        "bytearray",
        "bytes",
        "chr",
        "complex",
        "dict",
        "divmod",
        "enumerate",
        "float",
        "frozenset",
        "hash",
        "int",
        "isinstance",
        "issubclass",
        "len",
        "list",
        "max",
        "min",
        "object",
        "ord",
        "pow",
        "range",
        "repr",
        "reversed",
        "round",
        "set",
        "slice",
        "sorted",
        "str",
        "sum",
        "super",
        "tuple",
        "zip",
    ]
)
PURE_CALLS = frozenset(
    [
        "collections.Counter",
        "collections.OrderedDict",
        "collections.defaultdict",
        "collections.deque",
        "collections.namedtuple",
        "dataclasses.field",
        "datetime.date",
        "datetime.datetime",
        "datetime.time",
        "datetime.timedelta",
        "datetime.timezone",
        "decimal.Decimal",
        "fractions.Fraction",
        "functools.partial",
        "logging.getLogger",
        "os.environ.get",
        "os.getenv",
        "pathlib.Path",
        "pathlib.PurePath",
        "pathlib.PurePosixPath",
        "re.compile",
        "threading.Lock",
        "threading.RLock",
        "typing.NamedTuple",
        "typing.NewType",
        "typing.ParamSpec",
        "typing.TypeVar",
        "typing.cast",
        "zoneinfo.ZoneInfo",
        "numpy.arange",
        "numpy.array",
        "numpy.float32",
        "numpy.float64",
        "numpy.int64",
        "numpy.linspace",
        "numpy.ones",
        "numpy.zeros",
        "pydantic.ConfigDict",
        "pydantic.Field",
    ]
)
PURE_MODULES = ("itertools.", "math.", "operator.", "os.path.", "string.")
PURE_METHODS = frozenset(
    [
        "absolute",
        "casefold",
        "encode",
        "expanduser",
        "format",
        "items",
        "join",
        "joinpath",
        "keys",
        "lower",
        "replace",
        "resolve",
        "split",
        "splitlines",
        "strip",
        "title",
        "union",
        "upper",
        "values",
        "with_name",
        "with_suffix",
    ]
)
# Decorators that change a function or class, and nothing beside it; none of them reads annotations for what they say.
NEUTRAL_DECORATORS = frozenset(
    [
        "abc.abstractmethod",
        "contextlib.asynccontextmanager",
        "contextlib.contextmanager",
        "dataclasses.dataclass",
        "enum.unique",
        "functools.cache",
        "functools.cached_property",
        "functools.lru_cache",
        "functools.total_ordering",
        "functools.wraps",
        "ropewalk.step",
        "typing.final",
        "typing.no_type_check",
        "typing.overload",
        "typing.override",
        "typing.runtime_checkable",
        "classmethod",
        "property",
        "staticmethod",
    ]
)
PROPERTY_PARTS = ("deleter", "getter", "setter")
# Bases whose subclasses are made without anybody else hearing of it.
PLAIN_BASES = frozenset(
    [
        "abc.ABC",
        "enum.Enum",
        "enum.Flag",
        "enum.IntEnum",
        "enum.StrEnum",
        "object",
        "typing.Generic",
        "typing.NamedTuple",
        "typing.Protocol",
        "typing.TypedDict",
        "pydantic.BaseModel",
        "dict",
        "list",
        "set",
        "str",
        "int",
        "float",
        "tuple",
        "frozenset",
    ]
)
LOUD_METHODS = ("__init_subclass__", "__set_name__", "__class_getitem__")
LOUD = (ast.Await, ast.Yield, ast.YieldFrom, ast.NamedExpr)


@dataclass
class Effects:
    """What a statement does beside binding names.

    Attributes:
        certain: it does something, or may.
        calls: dotted names of the project's own whose call it depends on.
        bases: dotted names whose subclass it makes.
        names: names that must be there when it runs.
    """

    certain: bool = False
    calls: set[str] = field(default_factory=set)
    bases: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)

    @property
    def none(self) -> bool:
        """Whether the statement is known to bind names only."""
        return not (self.certain or self.calls or self.bases)


@dataclass(frozen=True)
class Judge:
    """Judges the statements of one file.

    Attributes:
        imports: what each imported name stands for: `np` -> `numpy`.
        bound: all names that the file binds.
        is_lazy: whether the file's annotations are never evaluated.
        own: names whose values the file makes itself, so that nobody else holds them yet.
    """

    imports: Mapping[str, str]
    bound: Collection[str]
    is_lazy: bool = False
    own: Collection[str] = ()

    def statement(self, statement: ast.stmt) -> Effects:
        """Return what `statement` does beside binding names."""
        effects = Effects()
        self._look(statement, effects)
        return effects

    def is_quiet(self, statement: ast.stmt) -> bool:
        """Return whether calling the function, or subclassing the class, that `statement` makes does nothing more."""
        if isinstance(statement, ast.FunctionDef):
            effects = Effects()
            self._look_at_decorators(statement.decorator_list, effects)
            for child in statement.body:
                self._look_inside(child, effects)
            return effects.none
        if isinstance(statement, ast.ClassDef):
            names = {child.name for child in statement.body if isinstance(child, FunctionNode)}
            effects = Effects()
            self._look_at_decorators(statement.decorator_list, effects)
            return names.isdisjoint(LOUD_METHODS) and not statement.keywords and effects.none
        return False

    def readers(self, statement: ast.stmt) -> set[str]:
        """Return the decorators and bases in `statement` that may read its annotations and docstrings."""
        found: set[str] = set()
        for node in ast.walk(statement):
            if isinstance(node, FunctionNode | ast.ClassDef):
                bases = node.bases if isinstance(node, ast.ClassDef) else []
                found.update(filter(None, map(self._reader, (*node.decorator_list, *bases))))
        return found

    def _reader(self, expression: ast.expr) -> str | None:
        target = expression.func if isinstance(expression, ast.Call) else expression
        target = target.value if isinstance(target, ast.Subscript) else target
        name = self.full_name(target)
        if name in NEUTRAL_DECORATORS or name in PLAIN_BASES or _is_exception(name):
            return None
        # Nobody can tell what an expression other than a name stands for.
        return None if self._is_property_part(target) else ".".join(dotted(target)) or "?"

    def full_name(self, expression: ast.expr) -> str:
        """Return what a dotted name stands for by the file's imports; empty for other expressions."""
        chain = dotted(expression)
        if not chain:
            return ""
        # A name of the file's own is never the builtin of that name.
        head = self.imports.get(chain[0], f".{chain[0]}" if chain[0] in self.bound else chain[0])
        return ".".join((head, *chain[1:]))

    def _look(self, statement: ast.stmt, effects: Effects) -> None:
        match statement:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self._look_at_function(statement, effects)
            case ast.ClassDef():
                self._look_at_class(statement, effects)
            case ast.Assign(targets=targets, value=value):
                effects.certain |= not all(_is_plain_target(target) for target in targets)
                self._evaluate([value], effects)
            case ast.AnnAssign(target=target, value=value, annotation=annotation):
                effects.certain |= not _is_plain_target(target)
                self._evaluate([*self._hints([annotation]), *([value] if value else [])], effects)
            case ast.AugAssign(target=target, value=value):
                # `SEEN |= {1}` changes the set that another module made, and everyone there sees it.
                effects.certain |= not (isinstance(target, ast.Name) and target.id in self.own)
                self._evaluate([value], effects)
            case ast.Pass() | ast.Import() | ast.ImportFrom():
                pass
            case _:
                effects.certain |= not is_bare_constant(statement)

    def _look_inside(self, statement: ast.stmt, effects: Effects) -> None:
        """Look at a statement of a function's body, where returning is no effect."""
        if isinstance(statement, ast.Return):
            self._evaluate([statement.value] if statement.value else [], effects)
        elif isinstance(statement, ast.If):
            self._evaluate([statement.test], effects)
            for child in (*statement.body, *statement.orelse):
                self._look_inside(child, effects)
        else:
            # Importing and `global` inside a function reach out of it.
            effects.certain |= isinstance(statement, ast.Import | ast.ImportFrom | ast.Global)
            self._look(statement, effects)

    def _look_at_function(self, node: FunctionNode, effects: Effects) -> None:
        self._look_at_decorators(node.decorator_list, effects)
        arguments = node.args
        everyone = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
        hints = self._hints([*(argument.annotation for argument in everyone), node.returns])
        self._evaluate([*arguments.defaults, *filter(None, arguments.kw_defaults), *hints], effects)

    def _hints(self, annotations: Iterable[ast.expr | None]) -> list[ast.expr]:
        return [] if self.is_lazy else [found for found in annotations if found]

    def _look_at_class(self, node: ast.ClassDef, effects: Effects) -> None:
        self._look_at_decorators(node.decorator_list, effects)
        effects.certain |= any(self.full_name(word.value) != "abc.ABCMeta" for word in node.keywords)
        for base in node.bases:
            target = base.value if isinstance(base, ast.Subscript) else base
            name = self.full_name(target)
            if name not in PLAIN_BASES and not _is_exception(name):
                self._doubt(target, effects.bases, effects)
        for child in node.body:
            self._look(child, effects)

    def _look_at_decorators(self, decorators: Iterable[ast.expr], effects: Effects) -> None:
        for decorator in decorators:
            target = decorator.func if isinstance(decorator, ast.Call) else decorator
            if self.full_name(target) not in NEUTRAL_DECORATORS and not self._is_property_part(target):
                self._doubt(target, effects.calls, effects)
                # `@retry(3)` calls what the first call returned, which nobody looked into.
                effects.certain |= isinstance(decorator, ast.Call)
            if isinstance(decorator, ast.Call):
                values = [*decorator.args, *(keyword.value for keyword in decorator.keywords)]
                self._evaluate(values, effects)

    def _evaluate(self, expressions: Iterable[ast.expr], effects: Effects) -> None:
        nodes = list(_evaluated(expressions))
        read = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
        # Those of a comprehension are its own.
        effects.names |= read - {name for node in nodes for name in bound_by(node)}
        for node in nodes:
            if isinstance(node, LOUD):
                effects.certain = True
            elif isinstance(node, ast.Call) and not self._is_pure(node):
                self._doubt(node.func, effects.calls, effects)

    def _is_pure(self, call: ast.Call) -> bool:
        name = self.full_name(call.func)
        if name in PURE_BUILTINS or name in PURE_CALLS or name.startswith(PURE_MODULES):
            return True
        if not isinstance(call.func, ast.Attribute) or call.func.attr not in PURE_METHODS:
            return False
        # A method of a literal, or of what a pure call made: it is looked at by itself.
        value = call.func.value
        while isinstance(value, ast.Attribute):
            value = value.value
        return isinstance(value, ast.Constant | ast.JoinedStr | ast.Call | ast.Dict | ast.Set | ast.List)

    def _doubt(self, target: ast.expr, doubts: set[str], effects: Effects) -> None:
        chain = dotted(target)
        effects.names.update(chain[:1])
        if chain and chain[0] in self.bound:
            doubts.add(".".join(chain))
        else:
            effects.certain = True

    def _is_property_part(self, target: ast.expr) -> bool:
        # `@size.setter` stands in a class, beside the property `size`.
        chain = dotted(target)
        return len(chain) == 2 and chain[1] in PROPERTY_PARTS and chain[0] not in self.bound


def _evaluated(expressions: Iterable[ast.expr]) -> Iterator[ast.AST]:
    """Yield the nodes that evaluating the expressions evaluates: all but the bodies of lambdas."""
    pending: list[ast.AST] = list(expressions)
    while pending:
        node = pending.pop()
        yield node
        if isinstance(node, ast.Lambda):
            pending.extend([*node.args.defaults, *filter(None, node.args.kw_defaults)])
        else:
            pending.extend(ast.iter_child_nodes(node))


def _is_plain_target(target: ast.expr) -> bool:
    match target:
        case ast.Name():
            return True
        case ast.Tuple() | ast.List():
            return all(_is_plain_target(element) for element in target.elts)
        case ast.Starred():
            return _is_plain_target(target.value)
        case _:
            # `table["key"]` and `thing.field` change something that others may hold.
            return False


def _is_exception(name: str) -> bool:
    found = getattr(builtins, name, None)
    return isinstance(found, type) and issubclass(found, BaseException)
