"""The access file: which issuers are believed, and which claims make somebody what in the project."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from ropewalk.access.boundary import LOOPBACK
from ropewalk.access.errors import InvalidAccess
from ropewalk.access.roles import Role, read_role
from ropewalk.project import parse_yaml, validate

# Everybody can have a job at a public issuer: a rule has to say whose jobs are meant.
_WHOSE = frozenset(
    {
        "project_path",
        "project_id",
        "namespace_path",
        "namespace_id",
        "repository",
        "repository_id",
        "repository_owner",
        "repository_owner_id",
        "sub",
    }
)


def _known_role(text: str) -> str:
    try:
        return read_role(text).word
    except InvalidAccess as error:
        raise ValueError(f"{error.message}; {error.hint}") from error


def is_trustworthy(url: str) -> bool:
    """Return whether what comes from `url` is what its owner sent: by https, or from this machine itself."""
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)


def _trusted(url: str) -> str:
    if not is_trustworthy(url):
        message = "an issuer's address begins with https://"
        raise ValueError(message)
    return url


def _names_whose(rules: list[Rule]) -> list[Rule]:
    for rule in rules:
        if not _WHOSE & rule.claims.keys():
            message = f"a rule has to say whose jobs it means, by one of {', '.join(sorted(_WHOSE))}"
            raise ValueError(message)
    return rules


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Rule(_Model):
    """One rule: whoever has all these claims has the role; a value that ends with `*` is a beginning."""

    claims: dict[str, str] = Field(min_length=1)
    role: Annotated[str, AfterValidator(_known_role)]

    def fits(self, claims: Mapping[str, object]) -> bool:
        """Return whether the claims of a token are those of the rule."""
        return all(
            any(_fits(wanted, value) for value in _texts(claims.get(name)))
            for name, wanted in self.claims.items()
        )


class LoginIssuer(_Model):
    """Where people log in (OpenID Connect, authorization code with PKCE)."""

    issuer: Annotated[str, AfterValidator(_trusted)]
    client_id: str = Field(min_length=1)
    scopes: list[str] = ["openid", "profile", "email"]
    name: str = "OpenID"
    rules: list[Rule] = []


class JobIssuer(_Model):
    """Whose CI jobs may ask with an identity token, and for which audience it must have been made."""

    issuer: Annotated[str, AfterValidator(_trusted)]
    audience: str = Field(min_length=1)
    rules: Annotated[list[Rule], AfterValidator(_names_whose)] = Field(min_length=1)


class AccessFile(_Model):
    """The file that the setting `access_file` names."""

    login: LoginIssuer | None = None
    jobs: list[JobIssuer] = []


def read_access_file(path: Path) -> AccessFile:
    """Return what the access file says.

    Raises:
        InvalidProjectFile: it cannot be read, or a value does not fit; the error has the place.
    """
    found: AccessFile = validate(parse_yaml(path, path.parent), AccessFile)
    return found


def role_by(rules: Iterable[Rule], claims: Mapping[str, object]) -> Role | None:
    """Return the highest role that a rule gives to whoever has `claims`."""
    return max((read_role(rule.role) for rule in rules if rule.fits(claims)), default=None)


def _fits(wanted: str, value: str) -> bool:
    return value.startswith(wanted[:-1]) if wanted.endswith("*") else value == wanted


def _texts(value: object) -> list[str]:
    """Return a claim's values as texts: GitLab writes booleans as words and groups as a list."""
    values = value if isinstance(value, list) else [value]
    return [str(one).lower() if isinstance(one, bool) else str(one) for one in values if one is not None]
