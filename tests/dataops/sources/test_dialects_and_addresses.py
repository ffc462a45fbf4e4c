"""Names of tables, addresses of servers, and what drivers and servers are told and say."""

from __future__ import annotations

from pathlib import Path

import pytest

from ropewalk.dataops.sources.database_addresses import Address, find_address
from ropewalk.dataops.sources.database_declarations import MySQLSource, PostgresSource
from ropewalk.dataops.sources.database_errors import connection_error
from ropewalk.dataops.sources.dialects import TablePath
from ropewalk.dataops.sources.errors import (
    ConnectionLost,
    InvalidAddress,
    InvalidSource,
    SourceRefused,
    SourceUnreachable,
)
from ropewalk.dataops.sources.redact import redact_url
from ropewalk.dataops.sources.rest_auth import api_key, basic, conceal
from ropewalk.errors import Place

PLACE = Place("ropewalk.yaml", 3, 3)


@pytest.mark.parametrize(
    ("text", "schema", "name"),
    [
        ("orders", None, "orders"),
        (" shop.orders ", "shop", "orders"),
        ('"odd.schema"."odd name"', "odd.schema", "odd name"),
        ('shop."say ""hi"""', "shop", 'say "hi"'),
        ('"shop".orders', "shop", "orders"),
    ],
)
def test_names_of_tables(text: str, schema: str | None, name: str) -> None:
    """Quotes hold dots, spaces and doubled quotes."""
    path = TablePath.parse(text, PLACE)

    assert (path.schema, path.name) == (schema, name)
    assert str(path) == (f"{schema}.{name}" if schema else name)


@pytest.mark.parametrize(
    "text", ["", ".", "a.", ".a", "a.b.c", '"a', 'a"b', '"a"b', '""', '"a".', 'a."b', '"a""']
)
def test_what_names_no_table(text: str) -> None:
    """A quote that is left open, an empty part, or one too many."""
    with pytest.raises(InvalidSource, match="is not the name of a table") as caught:
        TablePath.parse(text, PLACE)

    assert repr(text) in caught.value.message
    assert (caught.value.place, caught.value.hint is not None) == (PLACE, True)


@pytest.mark.parametrize(
    ("address", "url", "shown"),
    [
        (Address("mysql", "h", None), "mysql://h/", "h/"),
        (Address("mysql", "h", 1, "me", "", "db"), "mysql://me@h:1/db", "h:1/db"),
        (Address("mysql", "h", 1, "me", "p@/:w", "d b"), "mysql://me:p%40%2F%3Aw@h:1/d%20b", "h:1/d b"),
        (Address("postgresql", "::1", 5, "a", "", "d"), "postgresql://a@[::1]:5/d", "::1:5/d"),
        (
            Address("postgresql", "", None, options={"host": "/run/a b"}),
            "postgresql:///?host=%2Frun%2Fa%20b",
            "/run/a b/",
        ),
    ],
)
def test_addresses(address: Address, url: str, shown: str) -> None:
    """Whatever a part holds stays in that part; what is shown has neither user nor password."""
    assert (address.url, str(address)) == (url, shown)
    assert address.password not in repr(address) or not address.password


def test_secrets_of_an_address_are_hidden() -> None:
    """The password, also as it stands in the url, and passwords among the options."""
    address = Address("mysql", "h", 1, "me", "p@w", "db", {"sslpassword": "p@w-too", "connect_timeout": "10"})

    assert address.hide(f"{address.url} p@w p%40w p@w-too 10") == "*** *** *** *** 10"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mysql://u:hunter2@h:port/d", "cannot be read"),
        ("postgres://u:hunter2@[::1/d", "cannot be read"),
        ("postgres://u:hunter2@h/d", "starts with mysql://"),
        ("hunter2", "starts with mysql://"),
    ],
)
def test_urls_that_are_none(monkeypatch: pytest.MonkeyPatch, url: str, said: str) -> None:
    """They come from a secret, and no part of them is shown."""
    monkeypatch.setenv("SHOP", url)
    source = MySQLSource(kind="mysql", url="secret://SHOP", table="t")

    with pytest.raises(InvalidAddress, match=said) as caught:
        find_address(source, Path("/project"), PLACE)

    assert "hunter2" not in str(caught.value.as_json())
    assert caught.value.place == PLACE


def test_parts_and_urls_are_one_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is quoted in a url is the plain text of a part."""
    monkeypatch.setenv("PW", "p@w")
    parts = PostgresSource(
        kind="postgres", host="h", port=5, user="me", password="secret://PW", database="d", table="t"
    )
    url = PostgresSource(kind="postgres", url="postgres://me:p%40w@h:5/d?application_name=x", table="t")

    by_parts, by_url = (find_address(source, Path("/project"), PLACE) for source in (parts, url))

    assert (by_parts.scheme, by_parts.password, str(by_parts)) == (by_url.scheme, "p@w", "h:5/d")
    assert str(by_url) == str(by_parts)
    assert by_url.options == {"application_name": "x", "connect_timeout": "10"}


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ('IO Error: Unable to connect to Postgres at "...": password authentication failed', SourceRefused),
        ('Failed to connect to MySQL database with parameters "...": Access denied for user', SourceRefused),
        ('IO Error: Unable to connect to Postgres at "...": Connection refused\n\nmore', SourceUnreachable),
        ("IO Error: server closed the connection unexpectedly", ConnectionLost),
        ("MySQL server has gone away", ConnectionLost),
    ],
)
def test_what_drivers_say_of_a_connection(text: str, kind: type[Exception]) -> None:
    """One sentence, with the address as it may be shown."""
    error = connection_error(text, Address("mysql", "h", 1, "me", "pw", "db"), PLACE)

    assert type(error) is kind
    assert "h:1/db" in str(error)
    assert "\n" not in str(error.message)


@pytest.mark.parametrize(
    "text", ["", "Catalog Error: no table x", 'Parser Error: syntax error at or near "x"']
)
def test_what_is_no_matter_of_the_connection(text: str) -> None:
    """It is left to others."""
    assert connection_error(text, Address("mysql", "h", 1), PLACE) is None


@pytest.mark.parametrize("url", ["http://[", "http://[::1/x?key=hunter2", "http://me:hunter2@[x/"])
def test_what_is_no_url_is_not_shown(url: str) -> None:
    """Nobody knows where its secrets are."""
    assert redact_url(url) == "***"


def test_a_secret_within_another() -> None:
    """The longer one goes first, so that nothing of it is left."""
    assert conceal("abc abcdef", ("abc", "", "abcdef")) == "*** ***"
    authorizer = basic("a", "YT")
    assert authorizer.conceal(authorizer.given.headers["Authorization"]) == "Basic ***"


@pytest.mark.parametrize(
    ("location", "headers", "params"),
    [("header", {"k": "v"}, {}), ("query", {}, {"k": "v"}), ("cookie", {"Cookie": "k=v"}, {})],
)
def test_where_a_key_goes(location: str, headers: dict[str, str], params: dict[str, str]) -> None:
    """Into one place only, and it is hidden in what comes back."""
    made = api_key("k", "v", location)

    assert (made.given.headers, made.given.params) == (headers, params)
    assert (made.conceal("v!"), made.renew()) == ("***!", False)
