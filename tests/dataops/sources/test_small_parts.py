"""Small parts: remembered digests, redacted addresses and secrets."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from blake3 import blake3

from ropewalk.dataops.sources.errors import SecretMissing
from ropewalk.dataops.sources.file_digests import FileDigests
from ropewalk.dataops.sources.redact import bare_url, origin, redact_url
from ropewalk.dataops.sources.secrets import resolve_secrets
from ropewalk.pipeline import StatCache


def test_digests_are_half_as_long(tmp_path: Path) -> None:
    """What is recorded of a file is the first half of its blake3 digest."""
    (tmp_path / "a").write_text("content")

    digest = FileDigests(StatCache(tmp_path / "cache")).digest(tmp_path / "a")

    assert digest == blake3(b"content").hexdigest()[:32]


def test_digests_are_kept_for_the_next_plan(tmp_path: Path) -> None:
    """What a source has read once is known to the next process."""
    (tmp_path / "a").write_text("content")
    time.sleep(0.02)
    digests = FileDigests(StatCache(tmp_path / "cache"))
    digests.digest(tmp_path / "a")

    digests.save()

    assert (tmp_path / "cache").read_text().count("\n") == 2


@pytest.mark.parametrize(
    ("url", "shown", "bare"),
    [
        ("http://host/x", "http://host/x", "http://host/x"),
        ("http://host:81/x?a=1&b=2", "http://host:81/x?a=***&b=***", "http://host:81/x"),
        ("https://me:pw@host/x#f", "https://host/x", "https://host/x"),
        ("https://token@host/?a=", "https://host/?a=***", "https://host/"),
        ("http://host/x?a", "http://host/x?a=***", "http://host/x"),
    ],
)
def test_redacted_addresses(url: str, shown: str, bare: str) -> None:
    """No user, no password, no query value, no fragment."""
    assert redact_url(url) == shown
    assert bare_url(url) == bare
    assert "@" not in origin(url)


def test_secrets_come_from_the_environment() -> None:
    """Only values that ask for one are replaced."""
    given = {"Authorization": "secret://TOKEN", "Accept": "text/plain"}

    assert resolve_secrets(given, {"TOKEN": "t"}) == {"Authorization": "t", "Accept": "text/plain"}


def test_a_missing_secret_names_the_nearest() -> None:
    """The name is shown, no value is."""
    with pytest.raises(SecretMissing) as caught:
        resolve_secrets({"A": "secret://API_TOKN"}, {"API_TOKEN": "hunter2"})

    assert caught.value.nearest == "API_TOKEN"
    assert "hunter2" not in str(caught.value.as_json())
