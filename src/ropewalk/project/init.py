"""A first project for a folder: the files of `template/`, and a CSV of made-up orders that is always the same."""

from __future__ import annotations

import datetime as dt
import json
import math
import random
from collections.abc import Iterator, Mapping
from contextlib import suppress
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from ropewalk.project.errors import AlreadyThere, NotWritten

TEMPLATE_SUFFIX = ".tmpl"
IGNORED = ".ropewalk/"
ORDERS = 4000
CATEGORIES = ("shoes", "dress", "shirt", "hat")
# How much likelier than a hat each of them comes back, as log odds.
RETURN_ODDS = {"shoes": 1.2, "dress": 1.6, "shirt": 0.4, "hat": 0.0}


def init_project(folder: Path) -> list[Path]:
    """Write a small project that runs into `folder` and return the files written or added to.

    Raises:
        AlreadyThere: a file that would be written exists; nothing was written.
        NotWritten: the folder refused a file.
    """
    contents = {folder / name: text for name, text in _files(_project_name(folder))}
    taken = [path for path in contents if path.exists()]
    if taken:
        names = ", ".join(path.relative_to(folder).as_posix() for path in taken)
        raise AlreadyThere(
            f"{folder} already has {names}",
            hint="nothing was written; make an empty folder and call `ropewalk init` there",
        )
    _write_all(contents)
    return [*contents, *_ignore_state(folder)]


def sample_orders() -> str:
    """Return the CSV of the sample project: orders of half a year, byte for byte the same on every call."""
    # Only `random()` is promised to give the same numbers in every version of Python.
    draw = random.Random(2026).random  # noqa: S311  # made-up data, not a secret
    habits = [draw() * 3 - 1.5 for _ in range(500)]
    lines = ["order_id,customer_id,ordered_on,category,price,discount,delivery_days,returned"]
    for order in range(ORDERS):
        customer = int(draw() * len(habits))
        day = dt.date(2026, 1, 1) + dt.timedelta(days=order * 181 // ORDERS)
        category = CATEGORIES[int(draw() * len(CATEGORIES))]
        price = 15 + draw() * 120
        discount = int(draw() * 4) / 10
        delivery = 1 + int(draw() * draw() * 12)
        odds = RETURN_ODDS[category] + habits[customer] + 0.15 * delivery - 2 * discount + price / 150 - 2.5
        returned = int(draw() < 1 / (1 + math.exp(-odds)))
        lines.append(
            f"{1000 + order},{customer},{day},{category},{price:.2f},{discount},{delivery},{returned}"
        )
    return "\n".join(lines) + "\n"


def _files(project: str) -> Iterator[tuple[str, str]]:
    """Yield name and content of each file of the project."""
    for name, template in _templates(files("ropewalk.project") / "template", ""):
        yield name.removesuffix(TEMPLATE_SUFFIX), template.replace("PROJECT_NAME", json.dumps(project))
    yield "data/orders.csv", sample_orders()


def _templates(folder: Traversable, prefix: str) -> Iterator[tuple[str, str]]:
    for item in sorted(folder.iterdir(), key=lambda found: found.name):
        if item.is_dir():
            yield from _templates(item, f"{prefix}{item.name}/")
        elif item.name.endswith(TEMPLATE_SUFFIX):
            yield prefix + item.name, item.read_text(encoding="utf-8")


def _write_all(contents: Mapping[Path, str]) -> None:
    """Write every file; after an error none of them is there."""
    try:
        for path, text in contents.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        for path in contents:
            with suppress(OSError):
                path.unlink()
        raise NotWritten(f"cannot write {error.filename}: {error.strerror}") from error


def _project_name(folder: Path) -> str:
    return folder.resolve().name or "project"


def _ignore_state(folder: Path) -> list[Path]:
    """Have Git ignore the state folder; return the file if that was not so already."""
    path = folder / ".gitignore"
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    if {IGNORED, IGNORED.rstrip("/"), f"/{IGNORED}"} & set(text.splitlines()):
        return []
    joint = "" if not text or text.endswith("\n") else "\n"
    path.write_text(f"{text}{joint}{IGNORED}\n", encoding="utf-8")
    return [path]
