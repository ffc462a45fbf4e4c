"""Which columns an expression takes its values from, and which only decide something in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from sqlglot import exp

from ropewalk.dataops.columns.relation import Field, Relation, Scope
from ropewalk.dataops.columns.values import Origin, Transform, Use, greatest

# Reads a query inside an expression; the reader of queries hands itself in.
ReadQuery = Callable[[exp.Expr, Scope], Relation]


@dataclass
class Reading:
    """What was found in an expression so far."""

    values: set[Origin] = field(default_factory=set)
    uses: set[Use] = field(default_factory=set)
    transform: Transform = "constant"
    unknown: str | None = None

    def take(self, found: Field, how: str | None) -> None:
        """Add a column: its values, or, where it only decides something, what it decides."""
        self.unknown = self.unknown or found.unknown
        self.uses |= found.uses
        if how is None:
            self.values |= found.values
            self.transform = greatest((self.transform, found.transform))
        else:
            self.uses |= {Use(origin, how) for origin in found.values}

    def as_field(self, name: str) -> Field:
        """Return what was found as a column called `name`."""
        return Field(name, frozenset(self.values), frozenset(self.uses), self.transform, self.unknown)


class ExpressionReader:
    """Reads expressions of one SELECT.

    Args:
        scope: what its names mean.
        read_query: reads the queries inside.
    """

    def __init__(self, scope: Scope, read_query: ReadQuery) -> None:
        self.scope = scope
        self._read_query = read_query

    def field(self, expression: exp.Expr, name: str) -> Field:
        """Return the column that `expression` makes, called `name`."""
        reading = Reading()
        self._visit(expression, reading, None)
        reading.transform = greatest((reading.transform, _own_transform(expression, reading)))
        return reading.as_field(name)

    def within(self, scope: Scope) -> ExpressionReader:
        """Return a reader of expressions in another scope."""
        return ExpressionReader(scope, self._read_query)

    def rows(self, expression: exp.Expr | None, how: str) -> None:
        """Note that the columns of `expression` decide which rows there are."""
        if expression is None:
            return
        reading = Reading()
        self._visit(expression, reading, how)
        self.scope.rows |= {Use(use.origin, how) for use in reading.uses}

    def _visit(self, node: exp.Expr, into: Reading, how: str | None) -> None:
        special = _SPECIAL.get(type(node))
        if special is not None:
            getattr(self, special)(node, into, how)
        elif isinstance(node, exp.Query):
            self._query(node, into, how)
        else:
            self._children(node, into, how)

    def _children(self, node: exp.Expr, into: Reading, how: str | None) -> None:
        for child in node.iter_expressions():
            self._visit(child, into, how)

    def each(self, nodes: Iterable[exp.Expr | None], into: Reading, how: str | None) -> None:
        """Add what those of `nodes` that are there read, to decide as `how` says, or (None) for their values."""
        for node in nodes:
            if node is not None:
                self._visit(node, into, how)

    def _column(self, node: exp.Expr, into: Reading, how: str | None) -> None:
        if isinstance(node.this, exp.Star):
            return
        parts = [part.name for part in node.parts] if isinstance(node, exp.Column) else []
        if parts and parts[0].lower() not in self.scope.bound:
            into.take(self.scope.resolve(parts), how)

    def _query(self, node: exp.Expr, into: Reading, how: str | None) -> None:
        found = self._read_query(node, self.scope)
        for item in found.fields[:1]:
            into.take(item, how)
        into.uses |= {Use(use.origin, how or "subquery") for use in found.rows}

    def _exists(self, node: exp.Expr, into: Reading, how: str | None) -> None:
        # Which columns the query selects makes no difference, only whether it has rows.
        found = self._read_query(node.this, self.scope)
        into.uses |= {Use(use.origin, how or "subquery") for use in found.rows}

    def _case(self, node: exp.Expr, into: Reading, how: str | None) -> None:
        self.each([node.this], into, how or "condition")
        for branch in node.args.get("ifs") or ():
            self._if(branch, into, how)
        self.each([node.args.get("default")], into, how)

    def _if(self, node: exp.Expr, into: Reading, how: str | None) -> None:
        self.each([node.this], into, how or "condition")
        self.each([node.args.get("true"), node.args.get("false")], into, how)

    def _filter(self, node: exp.Expr, into: Reading, how: str | None) -> None:
        self._visit(node.this, into, how)
        self.each([node.args.get("expression")], into, how or "filter")

    def _window(self, node: exp.Expr, into: Reading, how: str | None) -> None:
        self.each([node.this], into, how)
        named = self.scope.windows.get(node.alias.lower()) if node.args.get("alias") else None
        parts = [node, *([named] if isinstance(named, exp.Expr) else [])]
        for part in parts:
            self.each(part.args.get("partition_by") or (), into, how or "window")
            self.each([part.args.get("order")], into, how or "window")

    def _order(self, node: exp.Expr, into: Reading, how: str | None) -> None:
        self.each([node.this], into, how)
        self.each(node.expressions, into, how or "order")

    def _lambda(self, node: exp.Expr, into: Reading, how: str | None) -> None:
        bound = {parameter.name.lower() for parameter in node.expressions}
        self._inside(bound).each([node.this], into, how)

    def _comprehension(self, node: exp.Expr, into: Reading, how: str | None) -> None:
        self.each([node.args.get("iterator")], into, how)
        inside = self._inside({node.args["expression"].name.lower()})
        inside.each([node.this], into, how)
        inside.each([node.args.get("condition")], into, how or "condition")

    def _inside(self, bound: set[str]) -> ExpressionReader:
        return ExpressionReader(replace(self.scope, bound=self.scope.bound | bound), self._read_query)

    def _named(self, node: exp.Expr, into: Reading, how: str | None) -> None:
        # `name := value`: only the value is read.
        self.each([node.args.get("expression")], into, how)

    def _nothing(self, node: exp.Expr, into: Reading, how: str | None) -> None:
        """A type, a name or a value: no column."""


def _own_transform(expression: exp.Expr, reading: Reading) -> Transform:
    """Return what the expression itself does to the values it takes."""
    bare = expression
    # Another type or another name is the same value.
    while isinstance(bare, exp.Alias | exp.Paren | exp.Cast | exp.TryCast):
        bare = bare.this
    if isinstance(bare, exp.Column):
        return "copy"
    # Functions over a window give one value per row, those over groups one for many.
    if grouping := [
        found for found in bare.find_all(exp.AggFunc) if not isinstance(found.parent, exp.Window)
    ]:
        return "aggregated" if all(isinstance(found, _SUMMARIES) for found in grouping) else "picked"
    return "computed" if reading.values or reading.uses or reading.unknown else "constant"


# Aggregates whose result no single row has; any other gives a value, or a list of values, as rows have them.
_SUMMARIES = (
    exp.ApproxDistinct,
    exp.Avg,
    exp.Corr,
    exp.Count,
    exp.CountIf,
    exp.CovarPop,
    exp.CovarSamp,
    exp.Kurtosis,
    exp.Skewness,
    exp.Stddev,
    exp.StddevPop,
    exp.StddevSamp,
    exp.Sum,
    exp.Variance,
    exp.VariancePop,
)

# How an expression of a kind is read, where it is not simply by all its parts.
_SPECIAL: dict[type, str] = {
    exp.Column: "_column",
    exp.Exists: "_exists",
    exp.Case: "_case",
    exp.If: "_if",
    exp.Filter: "_filter",
    exp.Window: "_window",
    exp.Order: "_order",
    exp.Lambda: "_lambda",
    exp.Comprehension: "_comprehension",
    exp.PropertyEQ: "_named",
    exp.DataType: "_nothing",
    exp.Identifier: "_nothing",
    exp.Literal: "_nothing",
}
