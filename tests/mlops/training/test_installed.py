"""What is installed is read once, and again when it changed."""

from __future__ import annotations

import importlib.metadata
import os
import time

import pytest

from ropewalk.mlops.training.installed import FILE, normal_name, read_installed


def _install(folder, name, version):
    metadata = folder / f"{name}-{version}.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(f"Name: {name}\nVersion: {version}\n")
    (metadata / "top_level.txt").write_text(f"{name}\n")
    return metadata


def _age(path, seconds=60):
    then = time.time() - seconds
    os.utime(path, (then, then))


@pytest.fixture
def places(tmp_path):
    """Return a folder for packages and one for state."""
    site, state = tmp_path / "site", tmp_path / "state"
    site.mkdir()
    state.mkdir()
    return site, state


def test_every_distribution_is_found(tmp_path):
    """Names and versions are those that importlib.metadata tells."""
    found = read_installed(tmp_path).distributions

    assert {d.name: d.version for d in found.values()}.items() <= {
        normal_name(d.name): d.version for d in importlib.metadata.distributions()
    }.items()
    assert "sklearn" in found["scikit-learn"].imports


def test_kept_result_is_used(places):
    """While the folders are as they were, what was kept is what counts."""
    site, state = places
    _age(_install(site, "one", "1"))
    first = read_installed(state, [str(site)])
    # Nothing tells of this change: neither a name nor a time.
    (site / "one-1.dist-info/METADATA").write_text("Name: one\nVersion: 7\n")

    assert (state / FILE).is_file()
    assert read_installed(state, [str(site)]) == first


def test_installation_is_seen(places):
    """Another version is another name of the metadata's folder."""
    site, state = places
    _age(_install(site, "one", "1"))
    read_installed(state, [str(site)])

    (site / "one-1.dist-info").rename(site / "one-2.dist-info")
    (site / "one-2.dist-info/METADATA").write_text("Name: one\nVersion: 2\n")

    assert read_installed(state, [str(site)]).distributions["one"].version == "2"


def test_racily_clean(places):
    """What changed as late as the kept result, or later, is not trusted to be what was read."""
    site, state = places
    metadata = _install(site, "one", "1")
    kept = read_installed(state, [str(site)])
    _age(state / FILE)

    (metadata / "METADATA").write_text("Name: one\nVersion: 7\n")
    # Within one process the same state is read once, so a stranger's state stands for another process.
    os.utime(metadata)

    assert kept.distributions["one"].version == "1"
    assert read_installed(state, [str(site)]).distributions["one"].version == "7"


def test_earlier_folder_wins(places, tmp_path):
    """Of two distributions of one name, Python imports that which comes first on its path."""
    site, state = places
    _install(site, "one", "1")
    _install(tmp_path / "later", "one", "2")

    found = read_installed(state, [str(site), str(tmp_path / "later"), str(tmp_path / "missing")])

    assert found.distributions["one"].version == "1"


@pytest.mark.parametrize("content", [b"", b"\xc1", b"\x92\xa1x\x80", b"\x91\x01"])
def test_damaged_file_counts_as_none(places, content):
    """A file that cannot be read costs time only."""
    site, state = places
    _install(site, "one", "1")
    (state / FILE).write_bytes(content)

    assert "one" in read_installed(state, [str(site)]).distributions


def test_metadata_that_says_nothing(places):
    """Leftovers without a name or a version are no distribution."""
    site, state = places
    (site / "broken-1.dist-info").mkdir()
    (site / "old-1.egg-info").write_text("Name: old\nVersion: 1\n")
    odd = _install(site, "odd", "1")
    (odd / "direct_url.json").write_text("{not json")

    found = read_installed(state, [str(site)]).distributions

    assert set(found) == {"old", "odd"}
    assert found["odd"].source is None


def test_no_folder_to_keep_it_in(places, tmp_path):
    """Without a state folder nothing is written."""
    site, _ = places

    read_installed(tmp_path / "nowhere", [str(site)])

    assert not (tmp_path / "nowhere").exists()
