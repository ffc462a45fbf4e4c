"""The project that the corpus edits: sources, tables with a contract, steps, helpers, and packages it stands on.

Every number and every operator in it is there to be seen in what some step returns.
"""

from __future__ import annotations

import csv
import io

ROPEWALK = """\
project: shop
sources:
  orders: {kind: files, path: "landing/orders/*.csv"}
  stores: {kind: files, path: landing/stores.csv}
pools: {till: 2}
"""

TABLES = {
    "tables/staging/orders.sql": """\
-- Orders as they came in, without those of our own people.
SELECT order_id, store, amount, quantity
FROM raw.orders
WHERE customer <> 'staff'
""",
    "tables/mart/by_store.sql": """\
SELECT s.store, s.city, sum(o.amount) AS amount, count(*) AS orders
FROM staging.orders AS o
JOIN raw.stores AS s USING (store)
GROUP BY ALL
""",
    "tables/mart/large.sql": """\
SELECT order_id, amount * 2 AS doubled
FROM staging.orders
WHERE amount > 20
""",
    "contracts/mart.by_store.odcs.yaml": """\
apiVersion: v3.1.0
kind: DataContract
id: by-store
version: 1.0.0
status: active
description:
  purpose: What each store sold.
schema:
  - name: by_store
    physicalName: mart.by_store
    logicalType: object
    physicalType: table
    description: One row per store.
    properties:
      - name: store
        logicalType: string
        physicalType: VARCHAR
        required: true
        unique: true
        description: The store.
""",
}

STEPS = {
    "steps/pricing.py": '''\
"""What things cost."""

from __future__ import annotations

import logging
import math

import fastmath
from lib import stats
from lib.config import MARGIN, Limits
from lib.text import clean, label
from ropewalk import Metrics, Table, step

log = logging.getLogger(__name__)
BASE = 10
STEP = 3
UNUSED = 99


def round_up(value):
    """Round to the next step."""
    return math.ceil(value / STEP) * STEP


def spare(value):
    """Nothing calls this."""
    return value * 7 + UNUSED


@step(timeout="10m")
def quote(by_store: Table, *, discount: float = 0.1, floor: int = 2) -> Metrics:
    """Price an average order."""
    rows = by_store.relation().fetchall()
    mean = stats.mean([row[2] for row in rows])
    price = round_up(BASE + mean * (1 - discount)) * MARGIN
    log.info("priced at %s", price)
    name = clean(label(rows[1][1]))
    return Metrics(price=max(price, floor), floor=floor, base=BASE, mean=mean, name=len(name), half=fastmath.half(price))


@step
def ceiling(by_store: Table, *, factor: int = 4) -> Metrics:
    """The most that anything may cost."""
    top = max(row[2] for row in by_store.relation().fetchall())
    return Metrics(ceiling=top * factor + Limits.most, spread=stats.spread([top, BASE]))
''',
    "steps/judging.py": """\
import importlib
from dataclasses import dataclass

import lib.shapes as shapes
import shopkit.scoring
from lib.registry import RULES, rule
from ropewalk import Metrics, Table, step

CACHE = {}
WEIGHTS = {"size": 2, "price": 5}
ORDER = ["size", "price"]


@dataclass
class Scale:
    low: int = 1
    high: int = 9

    def span(self):
        return self.high - self.low


class Finer(Scale):
    def span(self):
        return super().span() * 4


@rule("cheap")
def cheap(value):
    return value < 50


@rule("odd")
def odd(value):
    return value % 2 == 1


def remember(key, value):
    CACHE[key] = value
    return len(CACHE) + len(key)


def weigh(values):
    return sum(WEIGHTS[name] * value for name, value in zip(ORDER, values, strict=True))


scale_of = lambda: Finer()  # noqa: E731


@step(version="1", retries=1, pool="till")
def judge(quote: Metrics, large: Table) -> Metrics:
    seen = remember("price", quote["price"])
    hits = sum(check(value) for check in RULES.values() for value in range(seen + 60))
    rounds = importlib.import_module("lib.rounds")
    return Metrics(
        score=shopkit.scoring.score(quote["price"]) + weigh([1, 2]),
        hits=hits,
        rules=len("".join(RULES)),
        span=scale_of().span(),
        area=shapes.area(3) + shapes.edges.COUNT,
        rounds=rounds.ROUNDS,
        rows=len(large.relation().fetchall()),
    )


@step
def tally(large: Table) -> Metrics:
    from lib.counting import count

    return Metrics(rows=count(large.relation().fetchall()))
""",
    "steps/texts.py": """\
from typing import TYPE_CHECKING

from beside import prefix
from lib.many import *
from plain.words import shout
from ropewalk import Metrics, Table

try:
    from quickmath import triple
except ImportError:
    def triple(value):
        return value * 3

if TYPE_CHECKING:
    from collections.abc import Sequence

TITLE = "orders"


def frame(words: "Sequence[str]") -> str:
    return prefix() + "-".join(words)


def texts(large: Table, *, times: int = 2) -> Metrics:
    words = [shout(TITLE)] * times
    return Metrics(length=len(frame(words)), many=many(5), sum=triple(times), first=FIRST)


if __name__ == "__main__":
    print(texts(None))
""",
    "steps/beside.py": 'SIGN = "#"\n\n\ndef prefix():\n    return SIGN * 3\n',
}

HELPERS = {
    "lib/__init__.py": '"""Helpers."""\n\n__version__ = "1"\n',
    "lib/stats.py": '''\
"""Numbers about numbers."""

import math

DIGITS = 3


def mean(values):
    """The mean."""
    return round(sum(values) / len(values), DIGITS)


def spread(values):
    return max(values) - min(values)


def deviation(values):
    middle = mean(values)
    return math.sqrt(sum((value - middle) ** 2 for value in values) / len(values))
''',
    "lib/config.py": """\
import os

MARGIN = 2
OTHER_MARGIN = 3
HOME = os.path.join("a", "b")


class Limits:
    most = 100
    least = 5

    def room(self):
        return self.most - self.least
""",
    "lib/text.py": """\
import re

SPACES = re.compile(r"\\s+")
PREFIX = " city of"


def clean(text: str) -> str:
    return SPACES.sub(" ", text).strip()


def label(name):
    return PREFIX + name


def initials(name):
    return "".join(word[0] for word in name.split())
""",
    "lib/registry.py": """\
RULES = {}


def rule(name):
    def register(function):
        RULES[name] = function
        return function

    return register
""",
    "lib/shapes.py": """\
from lib import edges

SIDES = 4


def area(size):
    return size * size + SIDES


def volume(size):
    return area(size) * size
""",
    "lib/edges.py": "COUNT = 12\nSPARE = 13\n",
    "lib/rounds.py": "ROUNDS = 8\n",
    "lib/counting.py": "START = 1\n\n\ndef count(rows):\n    return START + len(rows)\n",
    "lib/many.py": """\
__all__ = ["FIRST", "many"]
FIRST = 1
LAST = 2


def many(value):
    return value * 6


def few(value):
    return value - 1
""",
    "lib/unused.py": "NOTHING = 0\n",
    "plain/words.py": 'MARK = "!"\n\n\ndef shout(word):\n    return word.upper() + MARK\n',
    "src/shopkit/__init__.py": "",
    "src/shopkit/scoring.py": """\
from .curves import bend

FULL = 100


def score(price):
    return bend(price) + FULL


def grade(price):
    return "A" if price > 7 else "B"
""",
    "src/shopkit/curves.py": "def bend(value):\n    return value * 5 - 2\n",
}

NOISE = {
    "README.md": "# Shop\n",
    "notes/ideas.md": "Sell more.\n",
    "docs/conf.py": "project = 'shop'\n",
    "outputs/plot.svg": "<svg/>\n",
    "steps/.draft.py": "def nothing(): ...\n",
}

# Packages outside of the project, as an installer leaves them.
PACKAGES = {
    "fastmath": (
        "1.0",
        "import deepmath\n\n\ndef half(value):\n    return value / deepmath.TWO\n",
        ["deepmath>=1"],
    ),
    "deepmath": ("2.0", "TWO = 2\n", []),
    "unrelated": ("3.0", "ANYTHING = 1\n", ["elsewhere"]),
    "elsewhere": ("4.0", "SOMETHING = 1\n", []),
}


def orders(count: int = 12, factor: int = 7) -> str:
    """Return a file of orders."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["order_id", "store", "customer", "amount", "quantity"])
    for number in range(count):
        customer = "staff" if number % 5 == 0 else f"c{number}"
        writer.writerow([number, f"s{number % 3}", customer, 5 + number * factor, number % 4])
    return out.getvalue()


LANDING = {
    "landing/orders/2026-01.csv": orders(),
    "landing/stores.csv": "store,city\ns0,Aachen\ns1,Bergen\ns2,Cadiz\n",
}

PYTHON = {**STEPS, **HELPERS}
FILES = {"ropewalk.yaml": ROPEWALK, **TABLES, **PYTHON, **NOISE, **LANDING}
