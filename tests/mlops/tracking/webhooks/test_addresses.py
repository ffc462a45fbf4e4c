"""Where webhooks may not lead: this machine, its network, the metadata address, in every way of writing them."""

from __future__ import annotations

import ipaddress
import socket
from typing import Any

import pytest

from ropewalk.mlops.tracking.webhooks.addresses import Target, is_public, pin_address, read_target
from ropewalk.mlops.tracking.webhooks.errors import RefusedAddress
from ropewalk.mlops.tracking.webhooks.sending import Letter, send

NONE: frozenset[str] = frozenset()
PRIVATE = [
    *("127.0.0.1", "127.9.9.9", "0.0.0.0", "10.0.0.1", "172.16.5.4", "192.168.1.1", "169.254.169.254"),
    *(
        "100.64.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "198.18.0.1",
        "192.0.2.1",
        "::1",
        "::",
        "fe80::1",
        "fc00::1",
    ),
    *("ff02::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe"),
    *("2002:7f00:1::", "2002:a9fe:a9fe::1", "::127.0.0.1", "2001:db8::1", "fd00:ec2::254"),
]


@pytest.mark.parametrize("address", PRIVATE)
def test_addresses_that_are_not_public(address: str) -> None:
    """None of them is called, also not as an IPv4 address inside an IPv6 one."""
    assert not is_public(ipaddress.ip_address(address))
    host = f"[{address}]" if ":" in address else address
    with pytest.raises(RefusedAddress, match="not a public"):
        read_target(f"https://{host}/hook", NONE)


@pytest.mark.parametrize("address", ["93.184.216.34", "8.8.8.8", "2606:2800:220:1::1", "64:ff9b::808:808"])
def test_public_addresses(address: str) -> None:
    """What is public stays so."""
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "host", ["127.1", "2130706433", "0x7f.1", "0177.0.0.1", "0x7f000001", "017700000001", "0"]
)
def test_other_ways_of_writing_this_machine(host: str) -> None:
    """Resolvers read these as 127.0.0.1; so does the check."""
    with pytest.raises(RefusedAddress, match="not a public"):
        read_target(f"https://{host}/", NONE)


@pytest.mark.parametrize("name", ["localhost"])
def test_names_that_lead_here(name: str) -> None:
    """A name is looked up before each attempt, and what it leads to decides."""
    with pytest.raises(RefusedAddress, match="not a public"):
        pin_address(read_target(f"https://{name}/", NONE), NONE)


@pytest.mark.parametrize(
    "url",
    [
        *("", "x", "example.com/hook", "//example.com", "https://", "https:///path", "http://example.com/"),
        *("ftp://example.com", "file:///etc/passwd", "gopher://example.com", "javascript:alert(1)"),
        *("https://user:pass@example.com/", "https://user@example.com/", "https://example.com/#x"),
        *("https://example.com/a b", "https://example.com/\r\nX: y", "https://example.com/\x00"),
        *(
            "https://exa\u3002mple.com/",
            "https://example.com:99999/",
            "https://[::1",
            "https://example.com\\@x/",
        ),
        "https://example.com/" + "x" * 2048,
    ],
)
def test_what_is_no_address_for_a_webhook(url: str) -> None:
    """Bad addresses are refused where they are given."""
    with pytest.raises(RefusedAddress) as caught:
        read_target(url, NONE)
    assert "pass@" not in str(caught.value)


def test_named_hosts_are_allowed() -> None:
    """What the setting names is called, with and without a port, also unencrypted."""
    assert read_target("http://10.0.0.5:8080/x?y=1", {"10.0.0.5"}) == Target(
        "http", "10.0.0.5", 8080, "/x?y=1"
    )
    assert read_target("http://CI.example:80/", {"ci.example:80"}).host == "ci.example"
    with pytest.raises(RefusedAddress):
        read_target("http://10.0.0.5:8081/", {"10.0.0.5:8080"})


def test_a_refused_target_is_not_called() -> None:
    """An address that became wrong after it was stored is refused at each attempt."""
    reply = send(Letter("1", "https://localhost/", "{}", None), NONE)

    assert (reply.status, reply.may_change) == (None, False)
    assert str(reply.problem).startswith("refused")


def test_a_port_that_nobody_listens_on() -> None:
    """A broken connection may work another time, and its problem does not show the path."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    reply = send(Letter("1", f"http://127.0.0.1:{port}/token-swordfish", "{}", None), {"127.0.0.1"})

    assert (reply.status, reply.may_change) == (None, True)
    assert "swordfish" not in str(reply)


def test_a_name_that_nobody_knows() -> None:
    """It may be known later."""
    reply = send(Letter("1", "https://nobody.invalid/", "{}", None), NONE)

    assert (reply.status, reply.may_change) == (None, True)


def test_a_long_answer_is_cut(receiver: Any) -> None:
    """No receiver can fill this server's memory."""
    receiver.answers = [(200, {}, b"x" * 3_000_000)]

    reply = send(Letter("1", receiver.url, "{}", None), {"127.0.0.1"})

    assert (reply.status, len(reply.text)) == (200, 16_384)


def test_what_is_no_http() -> None:
    """A receiver that speaks something else is a failure like any other."""
    import threading

    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(b"SSH-2.0-x\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        reply = send(Letter("1", url, "{}", None), {"127.0.0.1"})
        thread.join()

    assert (reply.status, reply.may_change) == (None, True)
