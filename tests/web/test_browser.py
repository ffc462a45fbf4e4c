"""The pages in a real headless browser: every page in both themes, the islands, the keyboard, and without scripts."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from page_checks import ACCESS, CONTRAST, CUT_OFF
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from ropewalk import plugins
from ropewalk.pipeline import Workspace
from ropewalk.store.pipeline import RunRow, finish_run, start_run
from ropewalk.web.app import create_app
from ropewalk.web.server import listen, server_for

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

PATHS = (
    "/",
    "/data",
    "/data?q=flight",
    "/data/mart.features",
    "/data/mart.features?profile=1&column=distance",
    "/experiments",
    "/experiments/1/runs",
    "/runs?filter=metrics.auc+%3E%3E+1",
    "/runs?columns=max(metrics.auc),params.rounds,tags.team&agg=best",
    "/compare?filter=metrics.auc+%3E+0",
    "/models",
    "/models/late",
    "/models/late/1",
    "/metrics",
    "/metrics/flights",
    "/questions",
    "/questions/longest",
    "/history",
    "/deployments",
    "/deployments/late",
    "/lineage",
    "/lineage?focus=model:late",
    "/sql?q=SELECT+*+FROM+mart.features",
    "/sql?q=SELEC",
    "/issues",
    "/issues/1",
    "/tokens",
    "/nothing/here",
)


@contextmanager
def serving(workspace: Workspace) -> Iterator[str]:
    """Serve the pages of `workspace` in a thread; yield the address."""
    listener = listen("127.0.0.1", 0)
    server = server_for(create_app(workspace, plugins.routes(workspace)))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        # Also where a test fails: the thread of a server would keep the whole process from ending.
        server.should_exit = True
        thread.join(20)
        listener.close()


@pytest.fixture(scope="session")
def address(flights: Workspace) -> Iterator[str]:
    """Return where the small flagship is served."""
    with serving(flights) as found:
        yield found


Open = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser, address: str) -> Iterator[Open]:
    """Return a function that opens a path; a console error or a failed request fails the test."""
    problems: list[str] = []
    contexts = []

    def note(message: ConsoleMessage) -> None:
        # A page that is about an error is itself answered with its status, which the console reports.
        if (
            message.type in {"error", "warning"}
            and "the server responded with a status of 40" not in message.text
        ):
            problems.append(message.text)

    def open_it(path: str, theme: str = "light", base: str = address, **options: object) -> Page:
        context = browser.new_context(color_scheme=theme, **options)  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        page.on("console", note)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto(base + path)
        return page

    yield open_it
    for context in contexts:
        context.close()
    assert problems == []


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("path", PATHS)
def test_page_renders(open_page: Open, path: str, theme: str) -> None:
    """Every page in both themes: no error in the console, readable contrast, names for all, and nothing sticks out."""
    page = open_page(path, theme, viewport={"width": 1440, "height": 900})

    assert page.locator("h1").is_visible()
    assert page.evaluate(CONTRAST) == []
    assert page.evaluate(ACCESS) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate(CUT_OFF) == []


def test_checks_find_what_is_wrong(open_page: Open) -> None:
    """The checks of every page are no formality: a pale word and a field without a name are found."""
    page = open_page("/issues")
    page.evaluate("""() => {
      const pale = document.createElement("p"), field = document.createElement("input");
      pale.textContent = "pale"; pale.style.color = "#a0a0a0";
      document.querySelector("main").append(pale, field);
      const table = document.createElement("table"), cell = table.insertRow().insertCell();
      cell.innerHTML = "<a href='/'>flights</a>";
      Object.assign(cell.style, { display: "block", width: "2ch", overflow: "hidden" });
      document.querySelector("main").append(table);
    }""")

    assert [problem for problem in page.evaluate(CONTRAST) if "pale" in problem]
    assert [problem for problem in page.evaluate(ACCESS) if "no name" in problem]
    assert page.evaluate(CUT_OFF) == ["flights"]


@pytest.mark.parametrize("path", PATHS)
def test_page_fits_a_telephone(open_page: Open, path: str) -> None:
    """On a narrow screen only wide tables and pictures scroll, never the page."""
    page = open_page(path, viewport={"width": 390, "height": 800})

    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def ground(page: Page) -> str:
    """Return the colour behind the page."""
    return str(page.evaluate("getComputedStyle(document.documentElement).backgroundColor"))


def test_theme_follows_the_system(open_page: Open) -> None:
    """Without a choice the page is as light or dark as the system."""
    assert ground(open_page("/", "light")) != ground(open_page("/", "dark"))


def test_theme_switch(open_page: Open) -> None:
    """A chosen theme holds against the system's, also on the next page, until auto is chosen again."""
    page = open_page("/", "light")
    light = ground(page)

    page.get_by_text("dark", exact=True).click()
    dark = ground(page)
    page.goto(page.url + "data")

    assert dark != light
    assert ground(page) == dark
    assert page.get_by_role("radio", name="dark").is_checked()
    page.get_by_text("auto", exact=True).click()
    assert ground(page) == light
    assert page.evaluate("localStorage.length") == 0


def test_chosen_theme_is_there_at_the_first_paint(open_page: Open) -> None:
    """The choice is applied by a script that the page waits for, so the other theme never flashes."""
    html = open_page("/").content()

    script = html.index("/static/theme-")
    assert script < html.index("/static/styles-") < html.index("<body")
    assert "defer" not in html[script : html.index(">", script)]


@pytest.mark.parametrize(
    ("key", "path"), [("o", "/"), ("d", "/data"), ("m", "/models"), ("l", "/lineage"), ("i", "/issues")]
)
def test_g_and_a_letter_go_places(open_page: Open, key: str, path: str) -> None:
    """Two keys lead to each place."""
    page = open_page("/sql")
    page.keyboard.press("g")
    page.keyboard.press(key)

    page.wait_for_url(lambda url: url.endswith(path))


def test_slash_goes_to_the_field(open_page: Open) -> None:
    """`/` puts the cursor into the page's field, and letters written there lead nowhere."""
    page = open_page("/sql")

    page.keyboard.press("/")
    page.keyboard.type("g d?")

    assert page.locator("#q").input_value() == "g d?"
    assert page.url.endswith("/sql")


def test_question_mark_lists_the_keys(open_page: Open) -> None:
    """`?` opens the list of keys, Escape closes it."""
    page = open_page("/")

    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")

    expect(page.get_by_role("dialog")).to_be_hidden()


def test_control_enter_runs_the_query(open_page: Open) -> None:
    """A query is run from its field, and its address can be shared."""
    page = open_page("/sql")
    page.locator("#q").fill("SELECT 41 + 1 AS answer")

    page.locator("#q").press("Control+Enter")

    expect(page.locator("table.grid td")).to_have_text("42")
    assert "q=SELECT" in page.url


def test_skip_link_leads_to_the_content(open_page: Open) -> None:
    """The first stop of the keyboard leads past the navigation."""
    page = open_page("/data")

    page.keyboard.press("Tab")
    page.keyboard.press("Enter")

    assert page.evaluate("document.activeElement.id") == "main"


def test_overview_refreshes_itself(open_page: Open, empty: Workspace) -> None:
    """What another process did appears without a reload, and only while it changed."""
    with serving(empty) as base:
        page = open_page("/", base=base)
        expect(page.get_by_text("No run yet")).to_be_visible()
        page.wait_for_timeout(1_000)

        start_run(
            empty.database, RunRow("abc123", "dev", "running", None, None, False, 1_795_428_000_000, None)
        )
        finish_run(empty.database, "abc123", "succeeded")

        expect(page.get_by_text("abc123")).to_be_visible(timeout=15_000)
        page.goto("about:blank")


def test_server_that_is_gone_is_told(open_page: Open, empty: Workspace, browser: Browser) -> None:
    """When the server ends, the page keeps its last values and says that they are."""
    context = browser.new_context()
    page = context.new_page()
    with serving(empty) as base:
        page.goto(base)
        page.wait_for_timeout(500)

    expect(page.get_by_role("status")).to_contain_text("last known values", timeout=15_000)
    expect(page.locator("h1")).to_have_text("flights")
    context.close()


def box(page: Page) -> str | None:
    """Return what part of the lineage picture is in view."""
    return page.locator("svg.lineage").get_attribute("viewBox")


def test_lineage_zooms_and_resets(open_page: Open) -> None:
    """The buttons zoom in, out and back to the whole."""
    page = open_page("/lineage")
    width, height = (page.locator("svg.lineage").get_attribute(name) for name in ("width", "height"))
    first = box(page)

    page.get_by_role("button", name="Zoom in").click()
    assert box(page) != first
    page.get_by_role("button", name="Show all").click()

    assert box(page) == f"0 0 {width} {height}"


def test_lineage_begins_readable_around_its_focus(open_page: Open) -> None:
    """A picture wider than the window begins at a scale that can be read, with the focus in sight."""
    page = open_page("/lineage?focus=monitor:late", viewport={"width": 900, "height": 700})

    scale = page.evaluate("document.querySelector('svg.lineage').getScreenCTM().a")
    focus = page.locator(".node.is-focus").bounding_box()

    assert scale >= 0.79
    assert focus
    assert 0 < focus["x"] < 900 - focus["width"]


def test_lineage_is_dragged(open_page: Open) -> None:
    """Dragging moves the picture and follows no link, also when it starts on a box."""
    page = open_page("/lineage")
    whole, at = box(page), page.locator("a.node").first.bounding_box()
    assert at

    page.mouse.move(at["x"] + 20, at["y"] + 20)
    page.mouse.down()
    page.mouse.move(at["x"] + 90, at["y"] + 60, steps=4)
    page.mouse.up()

    assert box(page) != whole
    assert page.url.endswith("/lineage")


def test_lineage_box_is_followed(open_page: Open) -> None:
    """A click on a box leads to the lineage around it, as does Enter."""
    page = open_page("/lineage")

    page.locator("a.node", has_text="features").focus()
    page.keyboard.press("Enter")

    page.wait_for_url("**/lineage?focus=table%3Amart.features")
    expect(page.locator(".node.is-focus .name")).to_have_text("features")


def test_everything_reads_without_scripts(open_page: Open) -> None:
    """Without scripts the pages show all they have; the theme switch, which would do nothing, is not there."""
    page = open_page("/deployments/late", java_script_enabled=False)

    assert page.locator("figure.chart").count() == 3
    assert page.locator("[data-theme-switch]").is_hidden()
    assert page.get_by_role("button", name="Zoom in").count() == 0


def test_nothing_is_asked_of_other_machines(browser: Browser, address: str) -> None:
    """A page loads from its own server alone."""
    context = browser.new_context()
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    page.goto(address)
    page.wait_for_timeout(500)

    assert asked
    assert all(url.startswith(address) for url in asked)
    context.close()
