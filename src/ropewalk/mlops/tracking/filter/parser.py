"""Clauses joined by AND, read by descent: `entity.key OPERATOR value`."""

from __future__ import annotations

from ropewalk.errors import nearest
from ropewalk.mlops.tracking.errors import InvalidFilter
from ropewalk.mlops.tracking.filter.schemas import Schema
from ropewalk.mlops.tracking.filter.tokens import Token, tokenize
from ropewalk.store.search import Condition, Operand, Ordering

# What is missing here MLflow lacks too: a filter that works here must work on any other server.
_NUMBER_OPERATORS = ("=", "!=", "<", "<=", ">", ">=")
_TEXT_OPERATORS = ("=", "!=", "LIKE", "ILIKE")
_SORTABLE = ("attribute", "metric", "parameter", "tag", "metadata")
# Far above what a person writes, and below what the database takes in one statement.
MOST_CHARACTERS = 500_000
MOST_CONDITIONS = 100
MOST_VALUE = 10_000


def parse_filter(text: str | None, schema: Schema) -> list[Condition]:
    """Return the conditions that `text` states; no text states none.

    Raises:
        InvalidFilter: it does not parse, names what cannot be searched, or compares it with the wrong kind of value.
    """
    reader = _Reader(text or "", schema)
    conditions = list[Condition]()
    while reader.token.kind != "end":
        conditions.append(reader.condition())
        if len(conditions) > MOST_CONDITIONS:
            raise InvalidFilter(f"A filter can have at most {MOST_CONDITIONS} clauses")
        if reader.token.kind != "end":
            reader.take("word", "AND")
            # Otherwise a filter that was cut off in transit would find more than was asked for.
            reader.refuse_if_end("AND")
    return conditions


def parse_ordering(text: str, schema: Schema) -> Ordering:
    """Return the ordering that a clause such as `metrics.auc DESC` states.

    Raises:
        InvalidFilter: it does not parse, or names what cannot be sorted by.
    """
    reader = _Reader(text, schema)
    named = reader.identifier()
    entity, key = schema.sorted_as.get(named, named)
    # A run has many data sets, and there is no telling by which one it should be sorted.
    if entity not in _SORTABLE:
        raise InvalidFilter(
            f"Invalid order_by clause {text!r}: the fields of a {entity} do not order {schema.what}"
        )
    is_ascending = True
    if reader.token.text in ("ASC", "DESC"):
        is_ascending = reader.take("word").text == "ASC"
    if reader.token.kind != "end":
        raise InvalidFilter(
            f"Invalid order_by clause {text!r}: expected ASC, DESC or the end, found {reader.token}"
        )
    return Ordering(entity, key, is_ascending)


class _Reader:
    """The tokens of one text, read one ahead."""

    def __init__(self, text: str, schema: Schema) -> None:
        if len(text) > MOST_CHARACTERS:
            raise InvalidFilter(f"A filter can have at most {MOST_CHARACTERS} characters, not {len(text)}")
        self.schema = schema
        self.tokens = tokenize(text)
        self.token = next(self.tokens)

    def take(self, kind: str, text: str | None = None) -> Token:
        """Return the present token, which must be of that kind and text, and go on to the next."""
        taken = self.token
        if taken.kind != kind or (text and taken.text != text):
            raise InvalidFilter(
                f"Invalid clause(s) in filter string: expected {text or kind}, found {taken}",
                hint="clauses are joined by AND; OR and parentheses around clauses are not part of the language",
            )
        # After the end comes the end again.
        self.token = next(self.tokens, taken)
        return taken

    def refuse_if_end(self, after: str) -> None:
        if self.token.kind == "end":
            raise InvalidFilter(f"Invalid clause(s) in filter string: nothing follows {after}")

    def condition(self) -> Condition:
        entity, key = self.identifier()
        kind = self._kind(entity, key)
        at = self.token
        operator = self._operator()
        # A schema that says what an entity or one field of it can do is heeded before the common rules.
        own = self.schema.operators.get(f"{entity}.{key}") or self.schema.operators.get(entity)
        allowed = own if own and kind == "text" else self._allowed(entity, kind)
        if operator not in allowed:
            raise InvalidFilter(
                f"Invalid comparator '{operator}' for {entity} '{key}' at character {at.at}: use one of {', '.join(allowed)}"
            )
        return Condition(entity, key, operator, self._value(operator, kind, f"{entity} '{key}'"))

    def identifier(self) -> tuple[str, str]:
        """Read `entity.key`, or an attribute's bare name."""
        token = self.take("name")
        # Only the first dot divides: `tags.mlflow.source.name` has the key `mlflow.source.name`.
        head, dot, rest = token.text.partition(".")
        # A bare name, and one in backticks as MLflow's user interface writes `Run name`, is an attribute.
        if not dot or head.startswith("`"):
            return self._attribute(token.text.strip("`"), token)
        entity = self.schema.aliases.get(head)
        if entity is None or entity not in ("attribute", *self.schema.entities):
            valid = ("attribute", *self.schema.entities)
            raise InvalidFilter(
                f"Invalid entity type '{head}' at character {token.at}. Valid values are {list(valid)}",
                nearest=nearest(head, valid),
            )
        # Quotes are how a metric's or tag's name may have spaces; they are no part of it.
        if entity == "attribute":
            return self._attribute(rest.strip('`"'), token)
        return entity, self._key(entity, rest)

    def _key(self, entity: str, rest: str) -> str:
        """Return the key of a named value, which is one of the entity's own where it has its own."""
        keys = self.schema.keys.get(entity)
        prefix = "attributes." if keys and "attributes." in keys and rest.startswith("attributes.") else ""
        key = rest.removeprefix(prefix).strip('`"')
        if keys and not prefix and key not in keys:
            raise InvalidFilter(
                f"Invalid {entity} key '{key}' specified. Valid keys are {list(keys)}",
                nearest=nearest(key, keys),
            )
        return prefix + key

    def _attribute(self, name: str, token: Token) -> tuple[str, str]:
        # Only names from the schema go on from here, and those are what SQL expressions are picked by.
        known = self.schema.other_names.get(name, name)
        if known in self.schema.moved:
            return self.schema.moved[known]
        if known not in self.schema.attributes:
            close = nearest(name, (*self.schema.attributes, *self.schema.moved))
            raise InvalidFilter(
                f"Invalid attribute key '{name}' specified at character {token.at}."
                f" Valid keys for {self.schema.what} are {sorted((*self.schema.attributes, *self.schema.moved))}",
                nearest=close,
            )
        return "attribute", known

    def _kind(self, entity: str, key: str) -> str:
        if entity == "attribute":
            return self.schema.attributes[key]
        return "number" if entity == "metric" else "text"

    def _allowed(self, entity: str, kind: str) -> tuple[str, ...]:
        # Numbers have no LIKE, as in MLflow; SQLite would compare their texts instead of failing.
        if kind == "number":
            return _NUMBER_OPERATORS
        if entity in ("attribute", "dataset"):
            return (*_TEXT_OPERATORS, "IN", "NOT IN")
        # Which tags and parameters a row has is up to its owner, so absence can be asked for; other entities lack it
        # in MLflow too.
        return (*_TEXT_OPERATORS, "IS NULL", "IS NOT NULL")

    def _operator(self) -> str:
        if self.token.kind == "sign":
            sign = self.take("sign").text
            return "!=" if sign == "<>" else sign
        word = self.take("word").text
        if word == "NOT":
            return f"NOT {self.take('word').text}"
        if word == "IS":
            negated = self.token.text == "NOT" and self.take("word")
            self.take("word", "NULL")
            return "IS NOT NULL" if negated else "IS NULL"
        return word

    def _value(self, operator: str, kind: str, of: str) -> Operand:
        if operator.endswith("NULL"):
            return None
        if operator.endswith("IN"):
            return self._list()
        token = self.token
        if kind == "number":
            if token.kind != "number":
                raise InvalidFilter(f"Expected numeric value type for {of}. Found {token}")
            return float(self.take("number").text)
        # A bare word is refused: `params.depth = 3` compares with a text, and MLflow wants that to be seen.
        if token.kind != "text":
            raise InvalidFilter(
                f"Expected a quoted string value for {of} (e.g. 'my-value'). Got value {token}"
            )
        return _unquote(self.take("text").text)

    def _list(self) -> tuple[str, ...]:
        self.take("mark", "(")
        # At least one, because `IN ()` finds nothing and nobody means that.
        values = [_unquote(self.take("text").text)]
        while self.token.text == ",":
            self.take("mark", ",")
            values.append(_unquote(self.take("text").text))
        self.take("mark", ")")
        return tuple(values)


def _unquote(text: str) -> str:
    if len(text) > MOST_VALUE:
        raise InvalidFilter(f"A value of a filter can have at most {MOST_VALUE} characters, not {len(text)}")
    quote = text[0]
    return text[1:-1].replace(quote * 2, quote)
