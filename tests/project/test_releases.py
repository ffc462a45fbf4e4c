"""Release files: what is written is read back, what does not fit is told with its place, and lines merge."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ropewalk.project import (
    InvalidProjectFile,
    InvalidYAML,
    NoRelease,
    Release,
    ReleasedNode,
    UnknownKey,
    parse_yaml,
    read_release,
    release_file,
    release_text,
    write_release,
)

WriteProject = Callable[[Mapping[str, str]], Path]
KEY = "0123456789abcdef" * 2
NODES = {
    "model:late": ReleasedNode(made="model:late/3", key=KEY, digest="9f" * 32),
    "table:mart.flights": ReleasedNode(made="snapshot:14", key="1" * 32, digest="7" * 64),
}
GOOD = f"""\
environment: production
nodes:
  model:late: {{made: "model:late/3", key: "{KEY}", digest: "9f"}}
"""


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=A", "-c", "user.email=a@b.c", "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_a_release_is_read_as_it_was_written(write_project: WriteProject) -> None:
    """All of it, sorted by node; a digest of digits alone stays a text."""
    root = write_project({})

    path = write_release(root, Release("production", dict(reversed(NODES.items()))))

    assert path == root / "releases" / "production.yaml"
    found = read_release(root, "production")
    assert found == Release("production", NODES)
    assert list(found.nodes) == sorted(NODES)
    assert str(found.places["model:late"]) == "releases/production.yaml:5:3"


def test_each_node_has_one_line_that_people_can_read() -> None:
    """What was made comes first, and the header says what the file is for."""
    lines = release_text(Release("production", NODES)).splitlines()

    assert "ropewalk apply production" in lines[1]
    assert lines[2:4] == ['environment: "production"', "nodes:"]
    assert lines[4].startswith('  model:late: {made: "model:late/3", key: "0123456789abcdef')
    assert len(lines) == 6


def test_a_release_of_nothing_is_one(write_project: WriteProject) -> None:
    """An environment may be emptied by a release."""
    root = write_project({})

    write_release(root, Release("production", {}))

    assert read_release(root, "production").nodes == {}


@settings(max_examples=30)
@given(st.dictionaries(st.text(min_size=1), st.text(min_size=1), max_size=4))
def test_any_names_and_references_survive(
    tmp_path_factory: pytest.TempPathFactory, made: dict[str, str]
) -> None:
    """Whatever characters they hold: the file is YAML that means just what was meant."""
    root = tmp_path_factory.mktemp("project")
    nodes = {f"table:{n}": ReleasedNode(made=m, key=KEY, digest=m) for n, m in sorted(made.items())}

    write_release(root, Release("production", nodes))

    assert read_release(root, "production").nodes == nodes


@pytest.mark.parametrize(
    ("old", "new", "kind", "said"),
    [
        ("environment: production", "environment: dev", InvalidProjectFile, "releases/production.yaml:1:1"),
        ("digest:", "digset:", UnknownKey, "releases/production.yaml:3:"),
        (f'"{KEY}"', "short", InvalidProjectFile, "releases/production.yaml:3:"),
        (f'"{KEY}"', "17", InvalidProjectFile, "releases/production.yaml:3:"),
        ('made: "model:late/3", ', "", InvalidProjectFile, "releases/production.yaml:3:"),
        ("nodes:", "nodes: [", InvalidYAML, "releases/production.yaml:"),
        ("  model:late", "  model:late: {}\n  model:late", InvalidYAML, "releases/production.yaml:4:3"),
        ("environment: production\n", "", InvalidProjectFile, "releases/production.yaml:"),
    ],
)
def test_what_does_not_fit_is_told_with_its_place(
    write_project: WriteProject, old: str, new: str, kind: type[Exception], said: str
) -> None:
    """A wrong name, key or type, a missing key, and what is no YAML."""
    root = write_project({"releases/production.yaml": GOOD.replace(old, new, 1)})

    with pytest.raises(kind) as caught:
        read_release(root, "production")

    assert str(caught.value.place).startswith(said)


def test_an_environment_without_a_release_is_told(write_project: WriteProject) -> None:
    """With the nearest that has one, and the command that writes it."""
    root = write_project({"releases/production.yaml": GOOD})

    with pytest.raises(NoRelease) as caught:
        read_release(root, "prodution")

    assert caught.value.nearest == "production"
    assert "ropewalk promote prodution" in (caught.value.hint or "")


@pytest.mark.parametrize("name", ["../production", "a/b", "", ".hidden", "a b"])
def test_a_name_cannot_lead_out_of_the_folder(name: str) -> None:
    """Environments with other names can be used, and have no releases."""
    with pytest.raises(InvalidProjectFile, match="cannot be an environment with releases"):
        release_file(name)


def test_the_digest_is_of_the_content_alone() -> None:
    """Order and wording do not count; keys, digests and the environment do."""
    release = Release("production", NODES)
    reworded = {name: node.model_copy(update={"made": "elsewhere"}) for name, node in reversed(NODES.items())}
    rekeyed = NODES | {"model:late": NODES["model:late"].model_copy(update={"key": "2" * 32})}

    assert Release("production", reworded).digest == release.digest
    assert Release("production", rekeyed).digest != release.digest
    assert Release("staging", NODES).digest != release.digest


def test_changes_of_nodes_apart_merge(write_project: WriteProject) -> None:
    """Two promotions of different nodes are merged by Git without a conflict."""
    root = write_project({})
    nodes = {f"table:mart.t{i}": NODES["model:late"] for i in range(9)}
    other = NODES["table:mart.flights"]
    git(root, "init", "-q", "-b", "main")
    for branch, name in (("main", None), ("a", "table:mart.t1"), ("b", "table:mart.t7")):
        if name:
            git(root, "checkout", "-q", "-b", branch, "main")
        write_release(root, Release("production", nodes | ({name: other} if name else {})))
        git(root, "add", "-A")
        git(root, "commit", "-q", "-m", branch)

    git(root, "merge", "-q", "-m", "both", "a")

    merged = read_release(root, "production").nodes
    assert [name for name, node in merged.items() if node == other] == ["table:mart.t1", "table:mart.t7"]


def test_a_file_that_is_not_written_to_its_end_is_never_seen(write_project: WriteProject) -> None:
    """The file appears by one rename, and nothing else stays in the folder."""
    root = write_project({"releases/production.yaml": GOOD})

    write_release(root, Release("production", NODES))

    assert [path.name for path in (root / "releases").iterdir()] == ["production.yaml"]
    assert parse_yaml(root / "releases" / "production.yaml", root).data
