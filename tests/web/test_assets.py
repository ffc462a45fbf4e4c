"""The built assets: their names, their headers, their budgets, and the colours' contrast."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from ropewalk.web.assets import STATIC, Assets, load_assets

ROOT = Path(__file__).parents[2]
CSS = (ROOT / "ui" / "styles.css").read_text(encoding="utf-8")
Get = Callable[..., httpx.Response]


@pytest.fixture(scope="module")
def assets() -> Assets:
    """Return the assets of the installation under test."""
    return load_assets()


def test_addresses_carry_a_hash(assets: Assets) -> None:
    """An asset's name changes with its content."""
    assert re.fullmatch(r"/static/styles-[A-Z0-9]{8}\.css", assets.address("styles.css") or "")
    assert assets.address("nothing.css") is None


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("styles.css", "text/css"),
        ("islands.js", "text/javascript"),
        ("theme.js", "text/javascript"),
        ("mark.svg", "image/svg+xml"),
    ],
)
def test_asset_never_expires(get: Get, assets: Assets, name: str, kind: str) -> None:
    """A browser gets each asset with its type, and keeps it for good."""
    response = get(assets.address(name))

    assert response.status_code == 200
    assert response.headers["content-type"].startswith(kind)
    assert "immutable" in response.headers["cache-control"]


@pytest.mark.parametrize("name", ["manifest.json", "../app.py", "%2e%2e/app.py", "styles.css", ""])
def test_only_assets_are_handed_out(get: Get, name: str) -> None:
    """No other file leaves through the assets' route."""
    assert get("/static/" + name).status_code == 404


def test_installation_without_assets(tmp_path: Path) -> None:
    """An installation that was made without them has none, and says so by not naming any."""
    assert load_assets(tmp_path) == Assets({}, {})


def test_scripts_are_small(assets: Assets) -> None:
    """All scripts of a page together stay far below the budget of 60 kB."""
    scripts = [content for name, content in assets.contents.items() if name.endswith(".js")]

    assert sum(len(gzip.compress(content)) for content in scripts) < 10_000


def test_styles_are_small(assets: Assets) -> None:
    """The one style sheet stays below 20 kB before it is compressed."""
    assert len(assets.contents[assets.names["styles.css"]]) < 20_000


def test_nothing_is_fetched_from_elsewhere(assets: Assets) -> None:
    """No style, script or picture names another machine."""
    for content in assets.contents.values():
        assert not re.search(rb"https?://(?!www\.w3\.org)", content)


def test_lock_names_no_registry() -> None:
    """The lock file has digests of every package and no address of a registry."""
    lock = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))

    packages = {name: package for name, package in lock["packages"].items() if name}
    assert all(package["integrity"].startswith("sha512-") for package in packages.values())
    assert "http" not in (ROOT / "package-lock.json").read_text(encoding="utf-8")


def test_no_packages_at_run_time() -> None:
    """The pages need nothing from npm but what builds and checks them."""
    package = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))

    assert set(package["devDependencies"]) == {"esbuild", "typescript"}
    assert "dependencies" not in package


def tokens() -> dict[str, tuple[str, str]]:
    """Return each colour token with its light and dark value."""
    found = re.findall(r"--([a-z-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)", CSS)
    return {name: (light, dark) for name, light, dark in found}


def luminance(colour: str) -> float:
    """Return the relative luminance of `#rrggbb`, as WCAG defines it."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, from 1 to 21."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_wcags() -> None:
    """Black on white has the largest contrast there is."""
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


GROUNDS = ("paper", "card", "sunk")
PAIRS = [(text, ground) for text in ("ink", "soft", "link") for ground in GROUNDS]
PAIRS += [(state, f"{state}-wash") for state in ("ok", "warn", "bad")]
PAIRS += [("ink", f"{state}-wash") for state in ("ok", "warn", "bad")]
PAIRS += [("soft", f"{state}-wash") for state in ("warn", "bad")]
PAIRS += [("link", f"{state}-wash") for state in ("warn", "bad")]
PAIRS += [(state, "card") for state in ("ok", "warn", "bad")] + [("bad", "paper"), ("warn", "paper")]
PAIRS += [(series, "card") for series in ("data", "model", "software")]


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("pair", PAIRS, ids="-on-".join)
def test_text_can_be_read(pair: tuple[str, str], theme: int) -> None:
    """Every text stands out from what it stands on by 4.5 to 1 (WCAG AA)."""
    text, ground = pair

    assert contrast(tokens()[text][theme], tokens()[ground][theme]) >= 4.5


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("mark", ["edge", "focus", "data", "model", "software", "outside"])
@pytest.mark.parametrize("ground", ["card", "paper"])
def test_marks_can_be_seen(mark: str, ground: str, theme: int) -> None:
    """Lines, borders of fields and the mark of the keyboard stand out by 3 to 1 (WCAG AA)."""
    assert contrast(tokens()[mark][theme], tokens()[ground][theme]) >= 3.0


def test_colours_come_from_tokens() -> None:
    """Below the tokens no rule chooses a colour of its own, so that no theme is half done."""
    rules = CSS[CSS.index("[data-theme") :]

    assert re.findall(r"#[0-9a-f]{3,8}\b", re.sub(r"light-dark\([^)]*\)", "", rules)) == []


def test_built_from_these_sources() -> None:
    """The assets under test are those of the sources beside them."""
    import importlib.util

    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    assert module.is_built(STATIC, module.sources_digest(ROOT)), "run `uv pip install --no-deps -e .` again"
