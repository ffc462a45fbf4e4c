"""One query of GraphQL, answered: parsed, bounded, held to the schema, executed."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLError,
    NoSchemaIntrospectionCustomRule,
    execute_sync,
    parse,
    specified_rules,
    validate,
)

from ropewalk.errors import RopewalkError
from ropewalk.logs import get_logger
from ropewalk.mlops.tracking.graphql.bounds import CHARACTERS, TOKENS, check_bounds
from ropewalk.mlops.tracking.graphql.schema import schema
from ropewalk.pipeline import Workspace

# The schema is published with the sources; asking for it nests without end, and nobody's page does.
_RULES = (*specified_rules, NoSchemaIntrospectionCustomRule)
MOST_ERRORS = 5


def answer_query(
    workspace: Workspace, query: str, variables: Mapping[str, Any] | None, operation: str | None
) -> dict[str, object]:
    """Return `data` and `errors` (None, or their messages) as MLflow's pages read them."""
    try:
        document = _read(query)
        found = validate(schema(), document, _RULES, max_errors=MOST_ERRORS)
        if found:
            return _refused([error.message for error in found])
        result = execute_sync(
            schema(),
            document,
            context_value=workspace,
            variable_values=dict(variables or {}),
            operation_name=operation,
        )
    except GraphQLError as error:
        return _refused([error.message])
    except RecursionError:
        # Values nest too, and are no level of the query.
        return _refused(["Query is nested too deeply"])
    return {"data": result.data, "errors": [_message(error) for error in result.errors or ()] or None}


def _read(query: str) -> DocumentNode:
    if len(query) > CHARACTERS:
        raise GraphQLError(f"A query can have at most {CHARACTERS} characters, not {len(query)}")
    # The parser itself stops at the bound: it would else be the first to run out of memory.
    document = parse(query, max_tokens=TOKENS, no_location=True)
    check_bounds(document)
    return document


def _refused(messages: list[str]) -> dict[str, object]:
    return {"data": None, "errors": messages}


def _message(error: GraphQLError) -> str:
    cause = error.original_error
    # The library wraps its own errors too: a variable that does not fit is no failure of ours.
    if cause is None or isinstance(cause, RopewalkError | GraphQLError):
        return error.message
    # What went wrong inside may name what is nobody else's business.
    get_logger().error("GraphQL query failed", exception="".join(traceback.format_exception(cause)))
    return "The server failed to answer; its log says why"
