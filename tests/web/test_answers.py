"""Questions over HTTP: every format, limits that only shrink, and errors that are documents."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent

import duckdb
import pyarrow as pa
import pytest

from ropewalk import plugins
from ropewalk.pipeline import Workspace, declare_graph, execute
from ropewalk.project import load_project
from ropewalk.settings import load_settings
from ropewalk.web.app import create_app

FILES = {
    "ropewalk.yaml": "project: shop\n",
    "tables/mart/sales.sql": "SELECT * FROM (VALUES ('a', DATE '2024-01-05', 1), ('b', DATE '2024-02-05', 2)) AS v (shop, day, n)",
    "metrics/sales.yaml": """
        table: mart.sales
        time: sold_at
        dimensions: {shop: shop, sold_at: {column: day, kind: time}}
        measures:
          sold: {kind: sum, column: n, description: What was sold}
          share: {kind: expression, sql: "sold / 10.0", format: percent}
        """,
    "questions/sales.sql": """\
        -- title: Who sells
        -- chart: bar x=shop y=n
        -- parameter: least integer = 0
        SELECT shop, n FROM mart.sales WHERE n >= $least ORDER BY shop
        """,
    "questions/total.sql": "-- title: In all\n-- chart: number y=n\nSELECT sum(n) AS n FROM mart.sales\n",
}


class Silent:
    """An observer that is told everything and says nothing."""

    def __getattr__(self, _name: str) -> Callable[..., None]:
        return lambda *_, **__: None


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """Return a project with metrics and questions that has run."""
    root: Path = tmp_path_factory.mktemp("shop")
    for name, text in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")
    with Workspace(load_project(root, plugins.sections()), load_settings({})) as workspace:
        kinds = plugins.kinds()
        execute(declare_graph(workspace.project, kinds), kinds, workspace, Silent())
        yield workspace


@pytest.fixture
def ask(shop, get_from):
    """Return a function that gets an address of the project's server."""
    return get_from(create_app(shop, []))


@pytest.mark.parametrize(
    ("address", "rows"),
    [
        ("/api/sql?q=SELECT shop, n FROM mart.sales ORDER BY 1", [["a", 1], ["b", 2]]),
        ("/api/metrics/sold?by=shop", [["a", 1], ["b", 2]]),
        ("/api/metrics/sold?grain=month&where=shop='b'", [["2024-02-01", 2]]),
        ("/api/metrics/sold,share", [[3, 0.3]]),
        ("/api/questions/sales?least=2", [["b", 2]]),
        ("/api/questions/total", [[3]]),
    ],
)
def test_answers_as_json(ask, address, rows):
    """Rows and columns come as JSON unless something else is asked for."""
    response = ask(address)

    assert response.status_code == 200
    assert response.json()["rows"] == rows
    assert response.json()["is_complete"] is True


def test_answers_as_csv(ask):
    """By the address's ending, or by what is accepted."""
    one = ask("/api/questions/sales.csv")
    two = ask("/api/sql?q=FROM mart.sales ORDER BY 1", headers={"accept": "text/csv"})

    assert one.text.split() == ["shop,n", "a,1", "b,2"]
    assert two.headers["content-type"].startswith("text/csv")
    assert two.text.split()[0] == "shop,day,n"


def test_answers_as_files(ask, tmp_path):
    """Parquet and Arrow keep the types."""
    (tmp_path / "a.parquet").write_bytes(ask("/api/metrics/sold.parquet?by=shop,month").content)
    arrow = ask("/api/sql?q=FROM mart.sales ORDER BY 1&format=arrow").content

    with duckdb.connect() as connection:
        kinds = connection.execute(f"DESCRIBE FROM '{tmp_path / 'a.parquet'}'").fetchall()
    assert [row[:2] for row in kinds][:2] == [("shop", "VARCHAR"), ("month", "DATE")]
    with pa.ipc.open_stream(io.BytesIO(arrow)) as reader:
        assert reader.read_all().column("n").to_pylist() == [1, 2]


def test_limits(ask):
    """A request may ask for less than the limits, and is told when there is more."""
    cut = ask("/api/sql?q=FROM range(5)&limit=2")

    assert (len(cut.json()["rows"]), cut.json()["is_complete"]) == (2, False)
    assert (
        ask("/api/sql?q=SELECT count(*) FROM range(100000000) a, range(1000) b&timeout=0.1").json()["code"]
        == "RW421"
    )
    assert (
        ask("/api/sql?q=SELECT len(list(i)) FROM range(40000000) t(i)&memory=60MB").json()["code"] == "RW437"
    )


@pytest.mark.parametrize(
    ("address", "code", "status"),
    [
        ("/api/sql", "RW180", 400),
        ("/api/sql?q=SELECT 1&limit=1000000", "RW180", 400),
        ("/api/sql?q=SELECT 1&limit=x", "RW180", 400),
        ("/api/sql?q=SELECT 1&timeout=-1", "RW180", 400),
        ("/api/sql?q=SELECT 1&memory=9GB", "RW180", 400),
        ("/api/sql?q=SELECT 1&memory=x", "RW123", 400),
        ("/api/sql?q=SELECT 1&format=xml", "RW180", 400),
        ("/api/sql?q=DROP TABLE mart.sales", "RW124", 400),
        ("/api/sql?q=FROM read_csv('/etc/passwd')", "RW124", 400),
        ("/api/metrics/solt", "RW238", 404),
        ("/api/metrics/sold?by=shap", "RW198", 400),
        ("/api/metrics/sold?grain=moth", "RW180", 400),
        ("/api/metrics/sold?bye=shop", "RW180", 400),
        ("/api/questions/sale", "RW239", 404),
        ("/api/questions/sales?least=x", "RW199", 400),
        ("/api/questions/sales?lest=1", "RW199", 400),
    ],
)
def test_errors_are_documents(ask, address, code, status):
    """What is wrong is told with its code, as everywhere."""
    response = ask(address)

    assert (response.status_code, response.json()["code"]) == (status, code)


def test_lists(ask):
    """What can be asked for is told too."""
    assert [item["name"] for item in ask("/api/metrics").json()["metrics"]] == ["sold", "share"]
    assert [item["title"] for item in ask("/api/questions").json()["questions"]] == ["Who sells", "In all"]


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("/metrics", ["What was sold", "mart.sales"]),
        ("/metrics/sold", ["<svg", "2024-01-01", "The SELECT behind it", "/api/metrics/sold.csv?by="]),
        ("/metrics/share?by=shop", ["<rect", "20.0 %"]),
        ("/questions", ["Who sells", "In all"]),
        ("/questions/sales", ["<rect", "Least", "/api/questions/sales.csv?least=0"]),
        ("/questions/total", ["In all", 'class="figures"']),
    ],
)
def test_pages(ask, address, words):
    """Each has its page, with a chart where one is asked for."""
    text = ask(address).text

    assert [word for word in words if word not in text] == []


@pytest.mark.parametrize(
    ("address", "status", "words"),
    [
        ("/metrics/sold?by=shap", 400, "no dimension"),
        ("/metrics/sold?where=n>1", 400, "no dimension"),
        ("/metrics/none", 404, "no metric"),
        ("/questions/sales?least=x", 400, "least is of type integer"),
        ("/questions/none", 404, "no question"),
    ],
)
def test_pages_of_wrong_questions(ask, address, status, words):
    """What is wrong stands on the page, with the status that says so."""
    response = ask(address)

    assert response.status_code == status
    assert words in response.text


def test_values_on_pages_are_only_values(ask):
    """A value from an address is nobody's markup."""
    text = ask("/questions/sales?least=<script>alert(1)</script>").text

    assert "<script>alert" not in text


def test_questions_by_post(ask):
    """A long query comes in the body, as JSON or as plain text."""
    plain = ask("/api/sql", method="POST", headers={}, content="SELECT 1 AS a")
    packed = ask("/api/questions/sales.csv", method="POST", headers={}, json={"least": 2})

    assert plain.json()["rows"] == [[1]]
    assert packed.text.split() == ["shop,n", "b,2"]


@pytest.mark.parametrize("body", ["[1]", "{", '{"q": ["SELECT 1"]}', '{"q": null}'])
def test_bodies_that_are_none(ask, body):
    """A body that is no object of plain values is refused."""
    response = ask("/api/sql", method="POST", headers={"content-type": "application/json"}, content=body)

    assert (response.status_code, response.json()["code"]) == (400, "RW180")


def test_a_broken_file_is_told_beside_the_list(ask, shop):
    """SQL, metrics and other questions go on being answered; lists and pages name what is broken, and where."""
    broken = shop.root / "questions/broken.sql", shop.root / "metrics/broken.yaml"
    broken[0].write_text("-- title: x\nSELEC 1", encoding="utf-8")
    broken[1].write_text("tabel: mart.sales\n", encoding="utf-8")
    try:
        asked = [
            ask(address)
            for address in ("/api/sql?q=SELECT 1 AS a", "/api/questions/total", "/api/metrics/sold")
        ]
        lists = [ask(address).json() for address in ("/api/questions", "/api/metrics")]
        pages = [ask(address).text for address in ("/questions", "/metrics")]
    finally:
        for path in broken:
            path.unlink()

    assert [response.status_code for response in asked] == [200] * 3
    assert [len(found["broken"]) for found in lists] == [1, 1]
    assert "questions/broken.sql:2" in pages[0]
    assert "Who sells" in pages[0]
    assert "metrics/broken.yaml:1" in pages[1]
