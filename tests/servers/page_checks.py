"""What a browser is asked about a page: whether it can be read, and used without a pointer or eyes."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

# Each text's contrast with what lies behind it, as it is really painted; texts in drawings are tested by tokens.
CONTRAST = """() => {
  const parse = (c) => { const m = c.match(/[\\d.]+/g).map(Number); return c.startsWith("color(srgb")
    ? [m[0] * 255, m[1] * 255, m[2] * 255, m[3] ?? 1] : [m[0], m[1], m[2], m[3] ?? 1]; };
  const over = (top, below) => top.slice(0, 3).map((v, i) => v * top[3] + below[i] * (1 - top[3]));
  const lum = (c) => { const l = c.map((v) => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * l[0] + 0.7152 * l[1] + 0.0722 * l[2]; };
  const behind = (el) => { const layers = []; for (let e = el; e; e = e.parentElement)
    layers.push(parse(getComputedStyle(e).backgroundColor));
    return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255]); };
  const bad = [];
  for (const el of document.querySelectorAll("body *")) {
    if (el.closest("svg, dialog:not([open])") || !el.checkVisibility() || el.closest(".unseen, .skip")) continue;
    if (![...el.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim())) continue;
    const style = getComputedStyle(el), ground = behind(el), ink = over(parse(style.color), ground);
    const [a, b] = [lum(ink), lum(ground)].sort((x, y) => y - x), ratio = (a + 0.05) / (b + 0.05);
    const large = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.6 && style.fontWeight >= 700);
    if (ratio < (large ? 3 : 4.5)) bad.push(`${ratio.toFixed(2)} ${el.outerHTML.slice(0, 90)}`);
  }
  return bad;
}"""
# What everybody who cannot see the page or use a pointer needs of it.
ACCESS = """() => {
  const bad = [], name = (el) => (el.getAttribute("aria-label") || el.textContent || "").trim()
    || [...(el.labels ?? [])].map((l) => l.textContent.trim()).join("") || el.title;
  if (document.querySelectorAll("h1").length !== 1) bad.push("not one h1");
  if (!document.documentElement.lang || !document.title) bad.push("no language or title");
  for (const el of document.querySelectorAll("a[href], button, input, textarea, select"))
    if (!name(el) && el.type !== "hidden") bad.push("no name: " + el.outerHTML.slice(0, 90));
  for (const el of document.querySelectorAll("[aria-labelledby]"))
    for (const id of el.getAttribute("aria-labelledby").split(" "))
      if (!document.getElementById(id)) bad.push("nothing called " + id);
  for (const el of document.querySelectorAll("main *"))
    if (el.scrollWidth > el.clientWidth + 1 && /auto|scroll/.test(getComputedStyle(el).overflowX) && el.tabIndex < 0
      && !el.querySelector("a, button, input") && el.tagName !== "PRE") bad.push("scrolls without keyboard: " + el.className);
  return bad;
}"""
# Links in tables of which somebody sees a part, without the dots that say so.
CUT_OFF = """() => [...document.querySelectorAll("main table a")].filter((link) => {
  for (let e = link; e && e.tagName !== "TABLE"; e = e.parentElement) {
    const style = getComputedStyle(e);
    if (style.overflowX === "hidden" && style.textOverflow !== "ellipsis" && e.scrollWidth > e.clientWidth + 1) return true;
  }
  return false;
}).map((link) => link.textContent)"""


@contextmanager
def headless() -> Iterator[Browser]:
    """Run a headless Chromium; without one the test fails and says what to install."""
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        pytest.fail("no Chromium on the PATH: install it, or leave out `-m browser`")
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=program, args=list(ARGUMENTS))
        yield found
        found.close()


def problems(page: Page) -> list[str]:
    """Return what is wrong with a page as it is shown now."""
    found = [*page.evaluate(CONTRAST), *page.evaluate(ACCESS)]
    fits = page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    return found if fits else [*found, "wider than the screen"]
