"""Projects that the tests of one module share: each is run once, and the tests only ask."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import dedent

import pytest

from ropewalk.cli.main import run

Files = Mapping[str, str]
SHOP: Files = {
    "ropewalk.yaml": """
        project: shop
        sources:
          orders: {kind: files, path: "drops/*.csv"}
        """,
    "drops/one.csv": "id,amount,late\n1,10,0\n2,20,1\n",
    "tables/staging/orders.sql": "SELECT id, amount, late = 1 AS late FROM raw.orders\n",
    "tables/mart/totals.sql": "SELECT late, sum(amount) AS amount FROM staging.orders GROUP BY late\n",
    "contracts/mart.totals.odcs.yaml": """
        apiVersion: v3.1.0
        kind: DataContract
        id: totals
        version: 1.0.0
        schema:
          - {name: totals, properties: [{name: late, required: true}]}
        """,
}


@pytest.fixture(scope="module")
def make_project(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Return a function that writes a project's files and runs it, and returns its root."""

    def make(files: Files, *, ran: bool = True) -> Path:
        root = tmp_path_factory.mktemp("project")
        for name, text in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(dedent(text), encoding="utf-8")
        with contextlib.chdir(root):
            assert not ran or run(["run"]) == 0
        return root

    return make


@pytest.fixture(scope="module")
def shop(make_project: Callable[..., Path]) -> Path:
    """Return the root of a project of data alone that has run."""
    return make_project(SHOP)


@pytest.fixture
def own_shop(make_project: Callable[..., Path]) -> Path:
    """Return the same for one test alone, which may change what it likes."""
    return make_project(SHOP)
