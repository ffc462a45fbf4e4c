"""Secret values are found by name and hidden."""

from __future__ import annotations

import pytest

from ropewalk.processes.masking import Mask, find_secrets

VALUE = "s3cr3tvalue"


@pytest.mark.parametrize(
    "name",
    [
        "GITLAB_TOKEN",
        "DB_PASSWORD",
        "AWS_SECRET_ACCESS_KEY",
        "API_KEY",
        "apikey",
        "KEY",
        "MY_SECRET_X",
        "token",
    ],
)
def test_names_that_look_secret(name):
    """Variables named like secrets are hidden without being declared."""
    assert find_secrets({name: VALUE}, "").hide_text(f"a {VALUE} b") == "a *** b"


@pytest.mark.parametrize("name", ["KEYBOARD", "MONKEY", "PATH", "HOME", "LANG"])
def test_names_that_do_not(name):
    """Ordinary variables stay readable."""
    assert find_secrets({name: VALUE}, "").hide_text(VALUE) == VALUE


def test_declared_secrets():
    """What the project's files use as `secret://NAME` is hidden whatever its name."""
    mask = find_secrets({"SHOP": VALUE, "OTHER": "othervalue"}, "headers: {x: 'secret://SHOP'}")

    assert mask.hide_text(f"{VALUE} othervalue") == "*** othervalue"


def test_password_inside_an_address():
    """A database address is hidden whole, and its password alone, as written and as meant."""
    mask = find_secrets({"SHOP": "postgresql://me:p%40ssw0rd@host/db"}, "secret://SHOP")

    assert mask.hide_text("postgresql://me:p%40ssw0rd@host/db p%40ssw0rd p@ssw0rd") == "*** *** ***"


def test_address_under_any_name():
    """The password in an address is hidden whatever its variable is called, and the rest of it stays."""
    mask = find_secrets({"ROPEWALK_DATABASE_URL": "postgresql://me:p4ssw0rd@host/db"}, "")

    assert mask.hide_text("postgresql://me:p4ssw0rd@host/db") == "postgresql://me:***@host/db"


def test_key_of_several_lines():
    """A key that is printed line by line is hidden line by line."""
    assert Mask(["-----BEGIN-----\nabcdefgh\n"]).hide(b"x\nabcdefgh\n") == b"x\n***\n"


def test_short_values_are_words():
    """A value such as `true` is no secret, and hiding it would spoil the log."""
    assert find_secrets({"USE_TOKEN": "true"}, "").hide_text("true") == "true"


def test_longer_secret_first():
    """A secret that holds another one leaves nothing behind."""
    assert Mask(["abcdef", "abcdef-ghijkl"]).hide(b"abcdef-ghijkl") == b"***"


def test_address_that_is_none():
    """A secret that only looks like an address is hidden whole."""
    assert find_secrets({"A_TOKEN": "http://[broken"}, "").hide_text("http://[broken") == "***"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"{VALUE}{VALUE}", "******"),
        (f"x{VALUE}y", "x***y"),
        (VALUE.upper(), VALUE.upper()),
        ("", ""),
        ("\udcff" + VALUE, "\udcff***"),
    ],
)
def test_hidden_wherever_it_stands(text, shown):
    """A secret inside a word is one, and bytes that are no text pass unharmed."""
    assert Mask([VALUE]).hide_text(text) == shown


def test_nothing_to_hide():
    """Without secrets every text is as it was."""
    mask = Mask([])

    assert (mask.longest, mask.hide(b"abc")) == (0, b"abc")
    assert Mask(["", "short", "\n\n"]).longest == 0


@pytest.mark.parametrize(
    ("declarations", "is_hidden"),
    [
        ("password: secret://SHOP", True),
        ("secret://SHOP/more", True),
        ("SHOP", False),
        ("secret://SHOPS", False),
        ("Secret://SHOP", False),
    ],
)
def test_what_declares_a_secret(declarations, is_hidden):
    """Only the whole name behind `secret://` declares a variable secret."""
    mask = find_secrets({"SHOP": VALUE}, declarations)

    assert (mask.hide_text(VALUE) == "***") is is_hidden


def test_password_with_signs_of_addresses():
    """A password that had to be written in another way is hidden in both."""
    mask = find_secrets({"URL": "postgresql://me:p%40ss%2Fword@host/db"}, "")

    assert mask.hide_text("p%40ss%2Fword p@ss/word me host") == "*** *** me host"
