"""Action keys: one digest over everything that decides what an execution makes, and nothing else.

In the key: the node's kind, its facts, the outside facts, and the content digests of its inputs. Not in the
key: times, users, hosts, commits, resources. Two executions with one key make the same content.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from blake3 import blake3

from ropewalk.pipeline.values import Node

KEY_VERSION = 1


def action_key(node: Node, outside: Mapping[str, str], inputs: Mapping[str, str]) -> str:
    """Return the key of executing `node` (32 hex digits).

    Args:
        node: what would be executed.
        outside: the outside facts, as probed or as observed by the execution.
        inputs: content digest of each input, by the name the node needs it under.
    """
    content = {
        # Raised when the recipe itself changes, so that old keys can never be mistaken for new ones.
        "version": KEY_VERSION,
        "node": node.id,
        "facts": dict(node.facts),
        "outside": dict(outside),
        "inputs": dict(inputs),
    }
    # Sorted and without spaces: equal content gives equal bytes on every machine and Python.
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return blake3(text.encode()).hexdigest()[:32]
