"""Projects that the tests of one module share: each is run once, and the tests only ask."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import dedent

import pytest
from blank_state import add_state

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
        return _project(tmp_path_factory.mktemp("project"), files, ran=ran)

    return make


def _project(root: Path, files: Files, *, ran: bool = True) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")
    if ran:
        add_state(root / ".ropewalk")
        with contextlib.chdir(root):
            assert run(["run"]) == 0
    return root


@pytest.fixture(scope="module")
def shop(make_project: Callable[..., Path]) -> Path:
    """Return the root of a project of data alone that has run."""
    return make_project(SHOP)


@pytest.fixture(scope="session")
def shop_as_it_ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the root of the same, which nobody uses: it is there to be copied."""
    return _project(tmp_path_factory.mktemp("pattern") / "shop", SHOP)


@pytest.fixture
def own_shop(shop_as_it_ran: Path, tmp_path: Path) -> Path:
    """Return the same for one test alone, which may change what it likes."""
    return shutil.copytree(shop_as_it_ran, tmp_path / "own-shop", symlinks=True)
