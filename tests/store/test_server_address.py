"""The URL of a PostgreSQL server: what it says, what is refused, and that its password stays out of sight."""

from __future__ import annotations

import pytest

from ropewalk.settings import InvalidSetting
from ropewalk.store.server_address import read_address


def test_whole_address() -> None:
    """Every part is read, and signs of URLs in a password are written as URLs write them."""
    found = read_address(
        "postgresql://ada:p%40ss%2Fw@db.example:6543/ropewalk?sslmode=verify-full&sslrootcert=/ca.pem"
    )

    assert (found.user, found.password, found.host, found.port) == ("ada", "p@ss/w", "db.example", 6543)
    assert (found.database, found.encryption, found.certificates) == ("ropewalk", "verify-full", "/ca.pem")


def test_defaults() -> None:
    """A URL needs a user and a database; the rest is the usual."""
    found = read_address("postgres://ada@/flights")

    assert (found.host, found.port, found.password) == ("localhost", 5432, "")
    assert (found.encryption, found.certificates) == ("prefer", None)


def test_socket() -> None:
    """A Unix socket's folder is named as PostgreSQL's own tools do it."""
    assert read_address("postgresql://ada@/flights?host=/run/postgresql").host == "/run/postgresql"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ada:geheim@db/flights",
        "postgresql://ada:ge@he:im@db:1/flights",
        "postgresql://ada:geheim@db/flights?host=/x",
        "postgresql://:geheim@db/flights",
    ],
)
def test_shown(url: str) -> None:
    """What is shown has all but the password, and neither has the address's own text."""
    try:
        shown = str(read_address(url)) + read_address(url).shown
    except InvalidSetting as error:
        shown = f"{error} {error.hint}"

    assert "***@db" in shown
    assert "im@" not in shown
    assert "geheim" not in shown


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mysql://ada:geheim@db/flights", "must begin with postgresql://, not mysql://ada:***@db/flights"),
        ("ada:geheim@db/flights", "must begin with postgresql://"),
        ("/var/lib/ropewalk.db", "must begin with postgresql://"),
        ("postgresql://ada:geheim@db:port/flights", "cannot be read"),
        ("postgresql://ada:geheim@[db/flights", "cannot be read"),
        ("postgresql://ada:geheim@db:99999/flights", "cannot be read"),
        ("postgresql://ada:geheim@db", "names no user or no database"),
        ("postgresql://db/flights", "names no user or no database"),
        ("postgresql://ada:geheim@db/f?sslmod=require", "has the unknown parameter 'sslmod'"),
        ("postgresql://ada:geheim@db/f?password=geheim", "has the unknown parameter 'password'"),
        (
            "postgresql://ada:geheim@db/f?sslmode=verify_full",
            "sslmode in ROPEWALK_DATABASE_URL must be one of",
        ),
    ],
)
def test_refused(url: str, said: str) -> None:
    """A URL that names no database is refused by name, never with its password."""
    with pytest.raises(InvalidSetting) as caught:
        read_address(url)

    assert said in caught.value.message
    assert "ROPEWALK_DATABASE_URL" in caught.value.message
    assert "geheim" not in f"{caught.value.as_json()} {caught.value.__context__}"


@pytest.mark.parametrize(
    ("parameter", "nearest"), [("sslmod=require", "sslmode"), ("sslmode=requires", "require")]
)
def test_nearest(parameter: str, nearest: str) -> None:
    """A slip of the pen is met with what was meant."""
    with pytest.raises(InvalidSetting) as caught:
        read_address(f"postgresql://ada@db/flights?{parameter}")

    assert caught.value.nearest == nearest
