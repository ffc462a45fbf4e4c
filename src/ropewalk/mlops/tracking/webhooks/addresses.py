"""Which addresses a webhook may have, and the one IP address that a delivery connects to.

Whoever may add a webhook must not reach through this server what only it can reach: its own machine, its network, and
the address at which clouds hand out credentials. A name is resolved once per attempt, every address that it has is
looked at, and the connection goes to one of those that were looked at: a name that answers differently the second time
is not asked a second time.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import urlsplit

from ropewalk.mlops.tracking.webhooks.errors import RefusedAddress
from ropewalk.settings import Settings

_PORTS = {"https": 443, "http": 80}
URL_LENGTH = 2048
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
# Through these IPv6 networks one reaches the IPv4 address that is written into their last part.
_TRANSLATED = (
    ipaddress.IPv6Network("64:ff9b::/96"),
    ipaddress.IPv6Network("64:ff9b:1::/48"),
    ipaddress.IPv6Network("::/96"),
)


@dataclass(frozen=True)
class Target:
    """Where a webhook's deliveries go.

    Attributes:
        scheme: `https`, or `http` for a host that the settings allow.
        host: the name or address, as certificates are checked against it.
        path: path and query.
    """

    scheme: str
    host: str
    port: int
    path: str

    @property
    def is_encrypted(self) -> bool:
        """Whether the connection is encrypted."""
        return self.scheme == "https"


def allowed_hosts(settings: Settings) -> frozenset[str]:
    """Return the hosts, each `name` or `name:port`, that may be called wherever they are."""
    return frozenset(host.strip().lower() for host in settings.webhook_hosts.split(",") if host.strip())


def read_target(url: str, allowed: Collection[str]) -> Target:
    """Return what a webhook's URL names, without looking anything up but plain addresses.

    Raises:
        RefusedAddress: it is no URL that a delivery could go to.
    """
    target = _parsed(url)
    if not _is_allowed(target, allowed):
        if not target.is_encrypted:
            raise RefusedAddress(
                "Invalid webhook URL scheme: 'http'. Allowed schemes are: https.", hint=_hint(target)
            )
        literal = _literal(target.host)
        if literal is not None:
            _check(target, literal)
    return target


def pin_address(target: Target, allowed: Collection[str]) -> str:
    """Return the IP address to connect to now.

    Raises:
        RefusedAddress: the name leads, with any of its addresses, to where this server does not call.
        OSError: the name cannot be resolved.
    """
    found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    addresses = [str(entry[4][0]) for entry in found]
    if not _is_allowed(target, allowed):
        # All of them: which one is taken would else be up to whoever answers for the name.
        for address in addresses:
            _check(target, ipaddress.ip_address(address.partition("%")[0]))
    return addresses[0]


def _parsed(url: str) -> Target:
    if not url.strip():
        # MLflow's own words, which its tests and its pages look for.
        raise RefusedAddress("Webhook URL cannot be empty or just whitespace")
    # A line break would end a header, and what is not ASCII reads differently to different readers.
    if len(url) > URL_LENGTH or not url.isascii() or not url.isprintable() or " " in url:
        raise RefusedAddress(f"Invalid webhook URL {url[:200]!r}", hint="such as https://example.com/hook")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise RefusedAddress(f"Invalid webhook URL {url[:200]!r}") from None
    scheme = parts.scheme.lower()
    if scheme not in _PORTS:
        raise RefusedAddress(
            f"Invalid webhook URL scheme: {parts.scheme[:20]!r}. Allowed schemes are: https."
        )
    if not parts.hostname or "\\" in url:
        raise RefusedAddress("Invalid webhook URL: it must include a hostname")
    if parts.username is not None or parts.password is not None or parts.fragment:
        # Not shown: they are secrets.
        raise RefusedAddress(
            "Invalid webhook URL: it may have no credentials or fragment",
            hint="give the webhook a secret, by which the receiver can check its signature",
        )
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(scheme, parts.hostname, port or _PORTS[scheme], path)


def _is_allowed(target: Target, allowed: Collection[str]) -> bool:
    return target.host in allowed or f"{target.host}:{target.port}" in allowed


def _literal(host: str) -> _Address | None:
    """Return the address that a host is, also in the short and octal forms that resolvers read (`127.1`, `0x7f.1`)."""
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except OSError:
        return None


def _check(target: Target, address: _Address) -> None:
    if not is_public(address):
        raise RefusedAddress(
            f"the webhook's host {target.host} is not a public IP address ({address}), and is not called",
            hint=_hint(target),
        )


def is_public(address: _Address) -> bool:
    """Return whether an address is one of the public internet, also where IPv6 has an IPv4 address inside."""
    inner = _inner(address)
    if inner is not None:
        return is_public(inner)
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_loopback)


def _inner(address: _Address) -> ipaddress.IPv4Address | None:
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address.teredo:
        return address.teredo[1]
    if any(address in network for network in _TRANSLATED):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour


def _hint(target: Target) -> str:
    return f"if it is yours, name it in ROPEWALK_WEBHOOK_HOSTS: {target.host}:{target.port}"
