"""URLs as they may be shown: without user, password and the values of the query."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit, urlunsplit


def redact_url(url: str) -> str:
    """Return `url` with the user left out and every query value replaced by `***`; `***` for what is no URL."""
    # Names of parameters help to find a mistake; only their values may be secret.
    try:
        parts = urlsplit(url)
    except ValueError:
        # A server may send anything as an address, and it is shown in errors.
        return "***"
    query = "&".join(f"{name}=***" for name, _ in parse_qsl(parts.query, keep_blank_values=True))
    return urlunsplit((parts.scheme, _host(url), parts.path, query, ""))


def bare_url(url: str) -> str:
    """Return scheme, host and path of `url`."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, _host(url), parts.path, "", ""))


def origin(url: str) -> str:
    """Return scheme and host of `url`: what credentials belong to."""
    return f"{urlsplit(url).scheme}://{_host(url)}"


def _host(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2]
