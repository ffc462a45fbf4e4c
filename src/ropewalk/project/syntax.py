"""What a syntax tree says, without how it is written down: one fixed form, and digests of it.

The fixed form has no docstrings, no statements that do nothing, and no annotations that nothing can notice.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from blake3 import blake3

# Python refuses to write longer numbers in decimals, and a file may have them.
LONG_BITS = 2048
FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
# How a tree is written down says nothing of what it does: `u"x"` is `"x"`.
SILENT_FIELDS = frozenset({"ctx", "kind", "type_comment", "type_ignores"})
# What an annotation must not contain to be one that only type checkers read.
ACTIVE = (ast.Call, ast.Await, ast.NamedExpr, ast.Lambda, ast.Yield, ast.YieldFrom)


def digest(nodes: Iterable[ast.AST]) -> str:
    """Return a digest of syntax trees, without recursion: a generated file may nest deeply."""
    parts: list[str] = []
    pending: list[object] = [list(nodes)]
    while pending:
        item = pending.pop()
        # Lengths and line ends keep neighbours apart: no two trees may write the same text.
        if isinstance(item, list):
            parts.append(f"[{len(item)}")
            pending.extend(reversed(item))
        elif isinstance(item, ast.AST):
            parts.append(type(item).__name__)
            pending.extend(
                getattr(item, name, None) for name in reversed(item._fields) if name not in SILENT_FIELDS
            )
        else:
            parts.append(hex(item) if type(item) is int and item.bit_length() > LONG_BITS else repr(item))
    return blake3("\n".join(parts).encode(errors="backslashreplace")).hexdigest()[:16]


@dataclass(frozen=True)
class Normaliser:
    """Brings the statements of one file into the fixed form, in place.

    Attributes:
        bound: the names that the file binds; an annotation that names anything else fails when it is read.
        is_lazy: whether the file's annotations are never evaluated (`from __future__ import annotations`).
    """

    bound: Collection[str]
    is_lazy: bool

    def normalise(self, statement: ast.stmt) -> None:
        """Bring `statement` and all in it into the fixed form."""
        pending: list[ast.AST] = [statement]
        while pending:
            node = pending.pop()
            if isinstance(node, FunctionNode):
                self._drop_annotations(node)
            for name in ("body", "orelse", "finalbody"):
                body = getattr(node, name, None)
                if isinstance(body, list):
                    setattr(node, name, self._plain_body(node, body))
            pending.extend(ast.iter_child_nodes(node))

    def plain(self, statement: ast.stmt) -> ast.stmt:
        """Return an annotated assignment as a plain one, if its annotation does nothing; others as they are."""
        if (
            isinstance(statement, ast.AnnAssign)
            and statement.value is not None
            and self._is_inert(statement.annotation)
        ):
            return _assignment(statement)
        return statement

    def _drop_annotations(self, node: FunctionNode) -> None:
        arguments = node.args
        for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
            self._drop_annotation(argument)
        for argument in filter(None, (arguments.vararg, arguments.kwarg)):
            self._drop_annotation(argument)
        if node.returns is not None and self._is_inert(node.returns):
            node.returns = None

    def _drop_annotation(self, argument: ast.arg) -> None:
        if argument.annotation is not None and self._is_inert(argument.annotation):
            argument.annotation = None

    def _is_inert(self, annotation: ast.expr) -> bool:
        if self.is_lazy:
            return True
        for node in ast.walk(annotation):
            if isinstance(node, ACTIVE):
                return False
            # One that names nothing the file has fails at import: that must not pass unnoticed.
            if isinstance(node, ast.Name) and node.id not in self.bound and not hasattr(builtins, node.id):
                return False
        return True

    def _plain_body(self, owner: ast.AST, body: list[ast.stmt]) -> list[ast.stmt]:
        kept = [child for child in body if not (is_bare_constant(child) or isinstance(child, ast.Pass))]
        # The annotations of a class are its fields, to dataclasses and others.
        if isinstance(owner, ast.ClassDef):
            return kept
        # Inside a function the annotation of a plain name is never evaluated.
        return [
            _assignment(child)
            if isinstance(child, ast.AnnAssign) and child.value is not None and child.simple
            else child
            for child in kept
        ]


def is_bare_constant(statement: ast.stmt) -> bool:
    """Return whether `statement` is a constant that nothing takes, such as a docstring."""
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def dotted(node: ast.expr | None) -> tuple[str, ...]:
    """Return the names of `a.b.c`; nothing for any other expression."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return (node.id, *reversed(parts)) if isinstance(node, ast.Name) else ()


def _assignment(statement: ast.AnnAssign) -> ast.stmt:
    assert statement.value is not None  # both callers look
    return ast.copy_location(ast.Assign([statement.target], statement.value), statement)
