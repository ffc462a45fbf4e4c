"""A source's declaration as named parts that count in its node's key, without anything secret."""

from __future__ import annotations

import json
from collections.abc import Mapping

from blake3 import blake3

from ropewalk.dataops.sources.database_declarations import ServerSource
from ropewalk.dataops.sources.declarations import FilesSource, Source
from ropewalk.dataops.sources.driver_declarations import DriverSource
from ropewalk.dataops.sources.elastic_declarations import ElasticsearchSource
from ropewalk.dataops.sources.git_declarations import GitSource
from ropewalk.dataops.sources.redact import redact_url
from ropewalk.dataops.sources.rest_declarations import Asked
from ropewalk.dataops.sources.secrets import SCHEME

# What to do when the source is down, how long to wait, how many bad rows are too many, how old what is loaded may be,
# and how to log in: none of it changes what is loaded.
NOT_FACTS = {"on_unreachable", "timeout", "max_quarantined", "refresh", "password", "tls"}
# Nor does how fast and how carefully an API is asked.
NOT_FACTS |= {"auth", "at_once", "max_requests_per_minute", "max_page_mb", "options"}
NOT_FACTS |= {"slices", "page_size", "keep_alive", "ca"}


def source_facts(source: Source) -> dict[str, str]:
    """Return one fact per declared key, so that a reason can name it."""
    # Defaults are left out, so that a new option changes no key.
    declared = source.model_dump(exclude_defaults=True, exclude=NOT_FACTS, by_alias=True)
    facts = {"kind": source.kind, **{key: _text(value) for key, value in declared.items()}}
    if isinstance(source, Asked):
        facts |= _hide_secrets(source, facts)
    if isinstance(source, ElasticsearchSource):
        facts["url"] = redact_url(source.url)
    if isinstance(source, FilesSource) and source.is_remote:
        facts |= {"path": redact_url(source.path), "path, hidden parts": _digest(source.path)}
    if isinstance(source, ServerSource | GitSource) and source.url is not None:
        # A password that is changed is no reason to load everything again.
        facts["url"] = source.url if source.url.startswith(SCHEME) else redact_url(source.url)
    return facts | _hide_settings(source, facts)


def _hide_settings(source: Source, facts: Mapping[str, str]) -> dict[str, str]:
    """Return the facts that hold settings of other programs, which may be anything, by the digest of each value."""
    hidden = dict[str, str]()
    for key in {"config", "arguments", "options"} & facts.keys():
        values = getattr(source, key)
        hidden[key] = _text({name: _hidden(_text(value)) for name, value in values.items()})
    if isinstance(source, DriverSource):
        for key in {"url", "uri"} & facts.keys():
            hidden[key] = facts[key] if facts[key].startswith(SCHEME) else redact_url(facts[key])
    return hidden


def _hide_secrets(source: Asked, facts: Mapping[str, str]) -> dict[str, str]:
    """Return the facts that may hold a secret, which are stored and shown in reasons, by their digest."""
    url = source.url or ""
    hidden = {"url": redact_url(url)}
    if hidden["url"] != url:
        hidden["url, hidden parts"] = _digest(url)
    for key in {"headers", "params"} & facts.keys():
        values = getattr(source, key)
        hidden[key] = _text({name: _hidden(str(value)) for name, value in values.items()})
    return hidden | ({"json": _digest(facts["json"])} if "json" in facts else {})


def reading_digest(source: Source) -> str:
    """Return a digest of what decides how a source is read: when it changes, all is loaded anew.

    Which files a glob finds is not part of it: the file ledger knows those.
    """
    facts = source_facts(source)
    if source.kind == "files":
        facts = {key: text for key, text in facts.items() if not key.startswith("path")}
    return _digest(json.dumps(facts, sort_keys=True))


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def _hidden(value: str) -> str:
    return value if value.startswith(SCHEME) else _digest(value)


def _digest(text: str) -> str:
    return blake3(text.encode()).hexdigest()[:32]
