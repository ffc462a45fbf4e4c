"""Pages drawn from hand-made views: their structure, their words, and nobody's markup but ours."""

from __future__ import annotations

import dataclasses
import re
from html.parser import HTMLParser
from itertools import pairwise

import msgspec
import pytest

from ropewalk.errors import InvalidInput, Place
from ropewalk.web.render import NAVIGATION, Renderer
from ropewalk.web.views import sql

TEMPLATES = (
    "overview.html",
    "tables.html",
    "table.html",
    "experiments.html",
    "runs.html",
    "run.html",
    "compare.html",
    "models.html",
    "model.html",
    "version.html",
    "deployments.html",
    "deployment.html",
    "lineage.html",
    "history.html",
    "history_run.html",
    "sql.html",
    "issues.html",
    "issue.html",
)
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
ATTACK = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"


class Outline(HTMLParser):
    """What a page is made of: headings in order, ids, labels, and whether every tag was closed."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.headings: list[int] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.problems: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if re.fullmatch(r"h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.problems.append(f"</{tag}> at {self.getpos()}")

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """Return the attributes of every `tag`."""
        return [attributes for name, attributes in self.tags if name == tag]


def outline(html: str) -> Outline:
    """Return what `html` is made of."""
    found = Outline()
    found.feed(html)
    found.close()
    return found


@pytest.fixture
def draw(renderer: Renderer, samples: dict[str, object]):
    """Return a function that draws a template's sample."""

    def draw_it(template: str, view: object = None) -> str:
        return renderer.page(template, view or samples[template], "/")

    return draw_it


@pytest.mark.parametrize("template", TEMPLATES)
def test_tags_are_closed(draw, template: str) -> None:
    """Every tag is closed where it should be."""
    found = outline(draw(template))

    assert found.problems == []
    assert found.open == []


@pytest.mark.parametrize("template", TEMPLATES)
def test_headings_go_down_in_steps(draw, template: str) -> None:
    """One h1 comes first, and no level is left out below it."""
    headings = outline(draw(template)).headings

    assert headings[0] == 1
    assert headings.count(1) == 1
    assert all(later - earlier <= 1 for earlier, later in pairwise(headings))


@pytest.mark.parametrize("template", TEMPLATES)
def test_ids_are_unique_and_found(draw, template: str) -> None:
    """No id is there twice, and every label that points to one finds it."""
    found = outline(draw(template))
    ids = [attributes["id"] for _, attributes in found.tags if "id" in attributes]
    names = ("aria-labelledby", "aria-describedby", "for", "list")
    wanted = {attributes[name] for _, attributes in found.tags for name in names if name in attributes}

    assert len(ids) == len(set(ids))
    assert wanted <= set(ids)


@pytest.mark.parametrize("template", TEMPLATES)
def test_tables_say_what_they_hold(draw, template: str) -> None:
    """Every column head has a scope, and every table a caption or a labelled region around it."""
    html = draw(template)

    assert all("scope" in head for head in outline(html).all("th"))
    for table in re.findall(r"<table.*?</table>", html, re.DOTALL):
        assert "<caption" in table or 'class="grid"' in table or "prose" in html


@pytest.mark.parametrize("template", TEMPLATES)
def test_scrolling_regions_are_reached_by_keyboard(draw, template: str) -> None:
    """What scrolls and can be focused has a name for whoever hears it."""
    for attributes in outline(draw(template)).all("div"):
        if attributes.get("role") == "region":
            assert attributes["tabindex"] == "0"
            assert attributes.get("aria-label") or attributes.get("aria-labelledby")


@pytest.mark.parametrize("template", TEMPLATES)
def test_fields_and_buttons_have_names(draw, template: str) -> None:
    """Every field stands in a label or is pointed at by one; every button says something."""
    html = draw(template)

    for field in re.findall(r"<(?:input|textarea)[^>]*>", html):
        named = 'id="' in field or re.search(r"<label[^>]*>[^<]*" + re.escape(field), html)
        assert named, field
    assert not re.search(r"<button(?![^>]*aria-label)[^>]*>\s*</button>", html)


@pytest.mark.parametrize("template", TEMPLATES)
def test_pictures_are_named_or_hidden(draw, template: str) -> None:
    """Every drawing has a name for whoever cannot see it, or is marked as decoration."""
    for attributes in outline(draw(template)).all("svg"):
        assert attributes.get("aria-label") or attributes.get("aria-hidden") == "true"


@pytest.mark.parametrize("template", TEMPLATES)
def test_moments_are_exact_too(draw, template: str) -> None:
    """Every "3 min ago" carries the exact moment for programs and in its title."""
    for attributes in outline(draw(template)).all("time"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", attributes["datetime"] or "")
        assert (attributes["title"] or "").endswith(" UTC")


@pytest.mark.parametrize("template", TEMPLATES)
def test_foreign_text_stays_text(draw, samples: dict[str, object], template: str) -> None:
    """Names and messages that contain markup are shown as they are and never become part of the page."""
    html = draw(template, poison(samples[template]))

    assert "<script>alert" not in html
    assert "<img" not in html
    assert outline(html).problems == []


def poison(value: object) -> object:
    """Return `value` with an attack in every text that a person or a file could have supplied."""
    if isinstance(value, str):
        return value if value in KEYWORDS else value + ATTACK
    if isinstance(value, tuple | list):
        return type(value)(poison(item) for item in value)
    if isinstance(value, dict):
        return {poison(key): poison(item) for key, item in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        changed = {f.name: poison(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return type(value)(
            **{**changed, **{name: getattr(value, name) for name in LINKED if hasattr(value, name)}}
        )
    return value


# Words of the views' own vocabulary, which no file supplies, and ids that lists and edges must share.
KEYWORDS = {"ok", "warn", "bad", "none", "empty", "current", "edited", "never", "data", "models", "software"}
LINKED = ("id", "kind", "upstream", "downstream", "links", "values", "windows", "series", "drift")


@pytest.mark.parametrize("template", TEMPLATES)
def test_view_is_json_and_back(samples: dict[str, object], template: str) -> None:
    """A view loses nothing as JSON."""
    view = samples[template]

    assert msgspec.json.decode(msgspec.json.encode(view), type=type(view)) == view


@pytest.mark.parametrize("item", NAVIGATION, ids=lambda item: item.name)
def test_navigation_marks_where_one_is(renderer: Renderer, samples: dict[str, object], item) -> None:
    """The place of the page is marked, also for a page below it, and no other place is."""
    path = item.address if item.address == "/" else item.address + "/below"

    html = renderer.page("issues.html", samples["issues.html"], path)

    assert html.count('aria-current="page"') == 1
    assert re.search(rf'href="{item.address}"[^>]*aria-current="page"', html)


def test_keys_of_navigation_differ() -> None:
    """Each place has a letter of its own."""
    assert len({item.key for item in NAVIGATION}) == len(NAVIGATION)


def test_error_page_tells_all(renderer: Renderer) -> None:
    """The page of an error has its code, place, nearest name, hint, evidence and request id."""
    error = InvalidInput(
        "no column <age>", place=Place("a.sql", 3, 7), nearest="aged", hint="look there", detail="x < y"
    )

    html = renderer.error(error, "/data", "abc123")

    for words in ("RW100", "No column &lt;age&gt;", "a.sql:3:7", "aged", "Look there", "x &lt; y", "abc123"):
        assert words in html
    assert outline(html).problems == []


def test_query_problem_is_shown_beside_the_query(
    draw, renderer: Renderer, samples: dict[str, object]
) -> None:
    """A query that is wrong stays in its field, with what is wrong and the nearest name below."""
    problem = sql.QueryProblem("RW123", "there is no column lat", "query:1:8", "late", "mend it", "LINE 1")
    view = dataclasses.replace(samples["sql.html"], result=None, problem=problem, status=400)

    html = renderer.page("sql.html", view, "/sql")

    assert "<code>late</code>" in html
    assert "query:1:8" in html
    assert "FROM mart.labelled_flights" in html


def test_unstyled_installation_says_so(samples: dict[str, object]) -> None:
    """Without built assets a page still reads, and says why it looks plain."""
    from ropewalk.web.assets import Assets

    html = Renderer("flights", "dev", Assets({}, {})).page("issues.html", samples["issues.html"], "/issues")

    assert "BUILD_WITHOUT_UI" in html
    assert "/static/" not in html
