"""How much one query may ask, counted before anything of it is answered.

A query of a few kilobytes can ask for the same thing thousands of times, by other names or through fragments
(CVE-2025-0453 of MLflow). What is counted here is what would be answered, fragments included.
"""

from __future__ import annotations

from collections.abc import Iterator

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
)

# MLflow's own figures, which its pages keep to.
DEPTH = 10
SELECTIONS = 1000
ROOTS = 10
ALIASES = 10
# A query of MLflow's pages has some hundred.
TOKENS = 20_000
CHARACTERS = 100_000


def check_bounds(document: DocumentNode) -> None:
    """Refuse a document that asks too much.

    Raises:
        GraphQLError: it is too deep, or has too many fields, roots or aliases.
    """
    fragments = {
        part.name.value: part.selection_set
        for part in document.definitions
        if isinstance(part, FragmentDefinitionNode)
    }
    count = _Count(fragments)
    for part in document.definitions:
        # A fragment counts where it is used, but one that nobody uses is read as well.
        if isinstance(part, OperationDefinitionNode | FragmentDefinitionNode):
            count.add(part.selection_set, 1)


class _Count:
    """What was counted so far in one document."""

    def __init__(self, fragments: dict[str, SelectionSetNode]) -> None:
        self._fragments = fragments
        self._selections = 0
        self._roots = 0

    def add(self, level: SelectionSetNode, depth: int) -> None:
        """Count one level and all below it."""
        fields = list(self._fields_of(level, depth))
        self._roots += len(fields) if depth == 1 else 0
        aliases = sum(field.alias is not None for field in fields)
        for what, count, most in (("root fields", self._roots, ROOTS), ("aliases", aliases, ALIASES)):
            if count > most:
                raise GraphQLError(f"GraphQL queries should have at most {most} {what}, got {count} {what}.")
        for field in fields:
            if field.selection_set:
                self.add(field.selection_set, depth + 1)

    def _fields_of(self, level: SelectionSetNode, depth: int) -> Iterator[FieldNode]:
        """Yield the fields of a level, also those that fragments bring; a fragment in a fragment counts as depth."""
        # One that holds itself ends here too, before the standard's own rules see it.
        if depth > DEPTH:
            raise GraphQLError(f"Query exceeds maximum depth of {DEPTH}")
        for selection in level.selections:
            self._selections += 1
            if self._selections > SELECTIONS:
                raise GraphQLError(f"Query exceeds maximum total selections of {SELECTIONS}")
            if isinstance(selection, FieldNode):
                yield selection
            elif inner := self._inner(selection):
                yield from self._fields_of(inner, depth + 1)

    def _inner(self, selection: SelectionNode) -> SelectionSetNode | None:
        if isinstance(selection, InlineFragmentNode):
            return selection.selection_set
        assert isinstance(selection, FragmentSpreadNode)
        return self._fragments.get(selection.name.value)
