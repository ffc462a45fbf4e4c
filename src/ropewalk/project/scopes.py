"""Which module-level names a piece of code uses: Python's scoping, applied to a syntax tree.

A function's parameters and local variables are no uses of the module's names, although they may be called the same:
a step's parameter is called after the node that it needs, which often is a step of the same file.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ropewalk.project.syntax import FunctionNode, dotted

Scope = FunctionNode | ast.Lambda
Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
Waiting = list[tuple[ast.AST, frozenset[str]]]
NOTHING: frozenset[str] = frozenset()
# Expressions and calls whose value nobody held before.
MADE = (
    ast.Constant,
    ast.JoinedStr,
    ast.List,
    ast.Set,
    ast.Dict,
    ast.BinOp,
    ast.ListComp,
    ast.SetComp,
    ast.DictComp,
)
MAKERS = frozenset(
    (name,) for name in ("list", "set", "dict", "int", "float", "str", "Counter", "defaultdict", "deque")
)


def global_uses(node: ast.AST) -> Iterator[tuple[str, ...]]:
    """Yield the dotted name of every use of a name that no function around it binds: `("lib", "clean")`."""
    pending: Waiting = [(node, NOTHING)]
    while pending:
        current, hidden = pending.pop()
        chain = dotted(current) if isinstance(current, ast.Attribute | ast.Name) else ()
        if chain:
            if chain[0] not in hidden and _is_use(current):
                yield chain
            continue
        if isinstance(current, ast.Global):
            yield from ((name,) for name in current.names)
        pending.extend(_children(current, hidden))


def _is_use(node: ast.AST) -> bool:
    # An attribute that is set is a use of the module or object that it is set on.
    return isinstance(node, ast.Attribute) or (
        isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Store)
    )


def _children(node: ast.AST, hidden: frozenset[str]) -> Waiting:
    if isinstance(node, Scope):
        return _function(node, hidden)
    if isinstance(node, Comprehension):
        return _comprehension(node, hidden)
    children: Waiting = [(child, hidden) for child in ast.iter_child_nodes(node)]
    if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
        # `COUNT += 1` reads what it writes.
        children.append((ast.Name(node.target.id, ast.Load()), hidden))
    return children


def _function(node: Scope, hidden: frozenset[str]) -> Waiting:
    arguments = node.args
    # Decorators, defaults and annotations are evaluated outside of the function.
    outside: list[ast.AST] = [*arguments.defaults, *filter(None, arguments.kw_defaults)]
    outside += [a.annotation for a in _arguments(arguments) if a.annotation]
    if isinstance(node, ast.Lambda):
        body: list[ast.AST] = [node.body]
    else:
        outside += [*node.decorator_list, *([node.returns] if node.returns else [])]
        body = list(node.body)
    inner = _hidden_inside(arguments, body, hidden)
    return [*((child, hidden) for child in outside), *((child, inner) for child in body)]


def _comprehension(node: Comprehension, hidden: frozenset[str]) -> Waiting:
    first, *others = node.generators
    inner = hidden | {name for generator in node.generators for name in stored_names(generator.target)}
    parts: list[ast.AST] = [first.target, *first.ifs, *others]
    parts += [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
    return [(first.iter, hidden), *((part, inner) for part in parts)]


def _hidden_inside(arguments: ast.arguments, body: list[ast.AST], hidden: frozenset[str]) -> frozenset[str]:
    stored, declared = set[str](), set[str]()
    for node in _own_nodes(body):
        if isinstance(node, ast.Global):
            declared.update(node.names)
        # What an import in a function binds is a module all the same, and whoever asks wants to know which.
        if not isinstance(node, ast.Import | ast.ImportFrom):
            stored.update(bound_by(node))
    stored.update(argument.arg for argument in _arguments(arguments))
    # `global` reaches past every function around.
    return (hidden | stored) - declared


def _own_nodes(body: list[ast.AST]) -> Iterator[ast.AST]:
    """Yield the nodes of one function body, without the inside of the scopes in it."""
    pending = list(body)
    while pending:
        node = pending.pop()
        yield node
        if not isinstance(node, Scope | ast.ClassDef | Comprehension):
            pending.extend(ast.iter_child_nodes(node))
        elif isinstance(node, Comprehension):
            # `:=` in a comprehension binds in the function around it.
            pending.extend(child for child in ast.walk(node) if isinstance(child, ast.NamedExpr))


def bound_by(node: ast.AST) -> Iterator[str]:
    """Yield the names that one node by itself binds in the scope it stands in."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            yield node.name
        case ast.Name(ctx=ast.Store()) | ast.Name(ctx=ast.Del()):
            yield node.id
        case ast.Import() | ast.ImportFrom():
            yield from (alias.asname or alias.name.partition(".")[0] for alias in node.names)
        case ast.ExceptHandler(name=str()) | ast.MatchAs(name=str()) | ast.MatchStar(name=str()):
            yield str(node.name)
        case ast.MatchMapping(rest=str()):
            yield str(node.rest)


def stored_names(node: ast.AST) -> Iterator[str]:
    """Yield the names that `node`, such as the target of an assignment, binds, without the scopes in it."""
    for child in _own_nodes([node]):
        yield from bound_by(child)


def own_values(body: list[ast.stmt]) -> set[str]:
    """Return the names that a module's statements bind to values made on the spot, and to nothing else."""
    own, others = set[str](), set[str]()
    for statement in body:
        if isinstance(statement, ast.AugAssign):
            continue
        value = statement.value if isinstance(statement, ast.Assign | ast.AnnAssign) else None
        (own if value and _is_made_here(value) else others).update(stored_names(statement))
    return own - others


def _is_made_here(value: ast.expr) -> bool:
    if isinstance(value, ast.Call):
        return dotted(value.func)[-1:] in MAKERS
    return isinstance(value, MADE)


def _arguments(arguments: ast.arguments) -> Iterator[ast.arg]:
    yield from (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
    yield from filter(None, (arguments.vararg, arguments.kwarg))
