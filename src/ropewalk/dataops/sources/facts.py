"""A source's declaration as named parts that count in its node's key, without anything secret."""

from __future__ import annotations

import json

from blake3 import blake3

from ropewalk.dataops.sources.declarations import RESTSource, Source
from ropewalk.dataops.sources.redact import redact_url
from ropewalk.dataops.sources.secrets import SCHEME

# What to do when the source is down, how long to wait, and how many bad rows are too many: none of it changes what
# is loaded.
NOT_FACTS = {"on_unreachable", "timeout", "max_quarantined"}


def source_facts(source: Source) -> dict[str, str]:
    """Return one fact per declared key, so that a reason can name it."""
    # Defaults are left out, so that a new option changes no key.
    declared = source.model_dump(exclude_defaults=True, exclude=NOT_FACTS, by_alias=True)
    facts = {"kind": source.kind, **{key: _text(value) for key, value in declared.items()}}
    if isinstance(source, RESTSource):
        # Facts are stored and shown in reasons: what may be a secret counts by its digest.
        facts["url"] = redact_url(source.url)
        if facts["url"] != source.url:
            facts["url, hidden parts"] = _digest(source.url)
        for key in {"headers", "params"} & facts.keys():
            values = getattr(source, key)
            facts[key] = _text({name: _hidden(str(value)) for name, value in values.items()})
    return facts


def reading_digest(source: Source) -> str:
    """Return a digest of what decides how a source is read: when it changes, all is loaded anew.

    Which files a glob finds is not part of it: the file ledger knows those.
    """
    facts = source_facts(source)
    if source.kind == "files":
        facts.pop("path", None)
    return _digest(json.dumps(facts, sort_keys=True))


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def _hidden(value: str) -> str:
    return value if value.startswith(SCHEME) else _digest(value)


def _digest(text: str) -> str:
    return blake3(text.encode()).hexdigest()[:32]
