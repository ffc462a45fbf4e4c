"""Secrets by name: `secret://NAME` in a declaration stands for the environment variable NAME.

This is the one place of the room that reads the environment; what it returns is sent, never shown or stored.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from ropewalk.dataops.sources.errors import SecretMissing
from ropewalk.errors import nearest
from ropewalk.processes import Mask, find_secrets

SCHEME = "secret://"


def resolve_secrets(values: Mapping[str, str], environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return `values` with every `secret://NAME` replaced by what `environ` has under NAME.

    Raises:
        SecretMissing: `environ` does not have it.
    """
    return {key: _resolve(text, environ) for key, text in values.items()}


def program_environment(
    variables: Mapping[str, str], environ: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """Return the environment of a program of ours: the caller's, with `variables`."""
    return {**environ, **variables}


def resolve_nested(value: object, environ: Mapping[str, str] = os.environ) -> object:
    """Return JSON with every text `secret://NAME` in it, however deep, replaced by what `environ` has under NAME.

    Raises:
        SecretMissing: `environ` does not have it.
    """
    if isinstance(value, Mapping):
        return {key: resolve_nested(item, environ) for key, item in value.items()}
    if isinstance(value, list):
        return [resolve_nested(item, environ) for item in value]
    return _resolve(value, environ) if isinstance(value, str) else value


def _resolve(text: str, environ: Mapping[str, str]) -> str:
    # A literal value is allowed, for headers that are no secret; its digest, not its text, becomes a fact.
    if not text.startswith(SCHEME):
        return text
    name = text.removeprefix(SCHEME)
    if name not in environ:
        raise SecretMissing(
            f"the secret {name!r} is not set",
            nearest=nearest(name, environ),
            hint=f"set the environment variable {name}",
        )
    return environ[name]


def secret_mask(
    declaration: str, values: Iterable[str] = (), environ: Mapping[str, str] = os.environ
) -> Mask:
    """Return what hides every secret that `declaration` names, or that `environ` has by its name, and `values`."""
    named = {f"SECRET_{number}_OF_A_SOURCE": value for number, value in enumerate(values)}
    return find_secrets({**environ, **named}, declaration)
