"""Which fields a key of a model's provider has: what MLflow's pages ask to draw a form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from ropewalk.mlops.tracking.errors import InvalidRequest

Mode: TypeAlias = "tuple[str, str, tuple[str, ...], tuple[str, ...]]"

# Per way of signing in: its name, how people call it, the fields that are secret and those that are not.
_KEY: Mode = ("api_key", "API key", ("api_key",), ("api_base",))
_MODES: Mapping[str, tuple[Mode, ...]] = {
    "azure": (
        ("api_key", "API key", ("api_key",), ("api_base", "api_version")),
        (
            "service_principal",
            "Service principal",
            ("client_secret",),
            ("tenant_id", "client_id", "api_base"),
        ),
    ),
    "bedrock": (
        ("api_key", "API key", ("api_key",), ("aws_region_name",)),
        (
            "access_keys",
            "Access keys",
            ("aws_access_key_id", "aws_secret_access_key"),
            ("aws_region_name",),
        ),
        ("iam_role", "IAM role", (), ("aws_role_name", "aws_session_name", "aws_region_name")),
    ),
    "databricks": (
        ("pat_token", "Personal access token", ("api_key",), ("api_base",)),
        (
            "oauth_m2m",
            "Service principal",
            ("databricks_client_secret",),
            ("databricks_client_id", "api_base"),
        ),
    ),
    "vertex_ai": (
        (
            "service_account_json",
            "Service account",
            ("vertex_credentials",),
            ("vertex_project", "vertex_location"),
        ),
    ),
}
# Providers that are signed in to with one key.
_SIMPLE = ("anthropic", "cohere", "deepseek", "gemini", "groq", "mistral", "ollama", "openai", "xai")
# Without these no call of the provider can be made.
_OPTIONAL = frozenset({"api_base", "aws_region_name", "aws_session_name", "vertex_location"})


def provider_names() -> list[str]:
    """Return the providers whose fields are known here; any other can be named as well."""
    return sorted({*_MODES, *_SIMPLE})


def provider_form(provider: str) -> dict[str, object]:
    """Return the ways to sign in to a provider, in the form in which MLflow's pages read them.

    Raises:
        InvalidRequest: no provider is named.
    """
    if not provider:
        raise InvalidRequest("Provider parameter is required")
    modes = _MODES.get(provider, (_KEY,))
    return {"auth_modes": [_form(mode) for mode in modes], "default_mode": modes[0][0]}


def _form(mode: Mode) -> dict[str, object]:
    name, title, secret, plain = mode
    return {
        "mode": name,
        "display_name": title,
        "description": f"Sign in with: {title}",
        "secret_fields": [_field(field, is_secret=True) for field in secret],
        "config_fields": [_field(field, is_secret=False) for field in plain],
    }


def _field(name: str, *, is_secret: bool) -> dict[str, object]:
    description = name.replace("_", " ")
    return {
        "name": name,
        "type": "string",
        "description": description,
        "required": is_secret or name not in _OPTIONAL,
    }
