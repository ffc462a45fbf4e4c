"""Where what belongs to a deployment of one environment stands: its full name, its log, its table, its alias.

In the default environment everything has the deployment's plain name. In any other it has the full name
`NAME@ENVIRONMENT`, so that two environments that serve one deployment never mix what they predicted.
"""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import quote

from blake3 import blake3

from ropewalk.pipeline import DEFAULT, PRODUCTION, Workspace

SCHEMA = "predictions"


def full_name(workspace: Workspace, name: str) -> str:
    """Return the deployment's name, with `@ENVIRONMENT` behind it outside the default environment."""
    environment = workspace.settings.environment
    # A deployment's name holds no `@`, so the two can always be told apart again.
    return name if environment == DEFAULT else f"{name}@{environment}"


def plain_name(name: str) -> str:
    """Return the deployment's own name, from its full one or itself."""
    return name.partition("@")[0]


def prediction_folder(workspace: Workspace, name: str) -> Path:
    """Return the folder of the prediction segments of a deployment in the workspace's environment."""
    return workspace.state / "predictions" / plain_file_name(full_name(workspace, name))


def prediction_table(workspace: Workspace, name: str) -> str:
    """Return the lake's table with the predictions of a deployment in the workspace's environment.

    `predictions.NAME` in the default environment, `predictions_ENVIRONMENT.NAME` in any other.
    """
    environment = workspace.settings.environment
    return f"{SCHEMA}.{name}" if environment == DEFAULT else f"{SCHEMA}_{_word(environment)}.{name}"


def environment_alias(workspace: Workspace) -> str:
    """Return the alias of a model's version that deployments of the workspace's environment move: its name.

    Where no environment `production` is declared, the default one is what is in production.
    """
    environment = workspace.settings.environment
    is_declared = PRODUCTION in workspace.project.entries("environments")
    return PRODUCTION if environment == DEFAULT and not is_declared else environment


def plain_file_name(name: str) -> str:
    """Return `name` as a file name that cannot lead out of its folder."""
    # `quote` leaves dots alone, and `..` is a way out.
    return quote(name, safe="").replace(".", "%2E")


def _word(environment: str) -> str:
    """Return an environment's name as a part of a table's name, another one for every environment."""
    word = environment.replace("-", "_")
    if re.fullmatch(r"[a-z0-9-]+", environment):
        return word
    # Whatever else the name holds becomes `_` too, and the digest keeps `a_b` apart from `a-b`.
    return f"{re.sub(r'[^a-zA-Z0-9]', '_', word)}_{blake3(environment.encode()).hexdigest()[:8]}"
