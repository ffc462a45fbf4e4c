"""Sealed texts: opened with their own key only, and the key's file for its owner only."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ropewalk.mlops.tracking.errors import Unsealable
from ropewalk.mlops.tracking.sealing import KEY_FILE, Sealer, derived_key
from ropewalk.pipeline import Workspace
from ropewalk.project import load_project
from ropewalk.settings import load_settings

SECRET = "swordfish of 32 and more letters, Zürich"


def test_a_sealed_text_opens_again(workspace: Workspace) -> None:
    """What was sealed comes back, and does not show in what is kept."""
    sealed = Sealer.of(workspace, "tests").seal(SECRET)

    assert Sealer.of(workspace, "tests").open(sealed) == SECRET
    assert b"swordfish" not in sealed


def test_equal_texts_are_sealed_differently(workspace: Workspace) -> None:
    """Nobody who reads the database sees that two secrets are one."""
    sealer = Sealer.of(workspace, "tests")

    assert sealer.seal(SECRET) != sealer.seal(SECRET)


def test_another_purpose_opens_nothing(workspace: Workspace) -> None:
    """A gateway's secret put into a webhook's row is refused."""
    sealed = Sealer.of(workspace, "gateway").seal(SECRET)

    with pytest.raises(Unsealable):
        Sealer.of(workspace, "webhooks").open(sealed)


@pytest.mark.parametrize("place", [0, 1, 12, 13, -1])
def test_one_changed_bit_is_noticed(workspace: Workspace, place: int) -> None:
    """No byte of what is kept can be changed."""
    sealer = Sealer.of(workspace, "tests")
    sealed = bytearray(sealer.seal(SECRET))
    sealed[place] ^= 1

    with pytest.raises(Unsealable) as caught:
        sealer.open(bytes(sealed))
    assert "swordfish" not in str(caught.value)


@pytest.mark.parametrize("rubbish", [b"", b"\x01", b"\x01" + b"x" * 11, b"swordfish"])
def test_rubbish_is_no_sealed_text(workspace: Workspace, rubbish: bytes) -> None:
    """Bytes that never were sealed end in the same error."""
    with pytest.raises(Unsealable):
        Sealer.of(workspace, "tests").open(rubbish)


def test_the_key_file_is_its_owners(workspace: Workspace) -> None:
    """The generated key lies in the state folder, and only its owner may read it."""
    derived_key(workspace, "tests")

    assert (workspace.state / KEY_FILE).stat().st_mode & 0o777 == 0o600
    assert not [path for path in workspace.state.iterdir() if path.name.startswith(f"{KEY_FILE}_")]


def test_the_setting_takes_the_place_of_the_file(tmp_path: Path, module_environ: dict[str, str]) -> None:
    """Two servers with one setting open each other's secrets, and neither makes a file."""
    (tmp_path / "ropewalk.yaml").write_text("project: test\n", encoding="utf-8")
    settings = replace(load_settings(module_environ), secrets_key="k" * 32)
    with Workspace(load_project(tmp_path, []), settings) as first:
        sealed = Sealer.of(first, "tests").seal(SECRET)
        assert not (first.state / KEY_FILE).exists()

    with Workspace(load_project(tmp_path, []), settings) as second:
        assert Sealer.of(second, "tests").open(sealed) == SECRET


def test_the_key_is_not_shown() -> None:
    """The text of all settings leaves it out."""
    assert "swordfish" not in repr(load_settings({"ROPEWALK_SECRETS_KEY": "swordfish"}))


def test_what_to_do_is_told(workspace: Workspace) -> None:
    """Of several servers each with a key of its own, the error names the setting that they need."""
    sealed = Sealer(b"1" * 32).seal("swordfish")

    with pytest.raises(Unsealable) as caught:
        Sealer.of(workspace, "gateway").open(sealed)

    assert "ROPEWALK_SECRETS_KEY" in str(caught.value.hint)
    assert "swordfish" not in str(caught.value)
