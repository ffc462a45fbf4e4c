"""Several resources of one API: dlt's words, children by their parents' rows, and what is refused."""

from __future__ import annotations

import json
import time

import pytest

from ropewalk import plugins
from ropewalk.dataops.lake import open_lake
from ropewalk.dataops.sources import RESTSource, SourceKind
from ropewalk.dataops.sources.errors import InvalidResource
from ropewalk.dataops.sources.rest_expansion import expand_resources
from ropewalk.errors import Place
from ropewalk.pipeline import RunResult, State, Workspace, declare_graph, execute
from ropewalk.project import load_project
from ropewalk.settings import load_settings

from .conftest import APIServer, Reply, Request, SourceProject, Watcher

PLACE = Place("ropewalk.yaml", 3, 3)
ORDERS = [
    {"id": 1, "at": "2013-01-01", "who": {"name": "a"}},
    {"id": 2, "at": "2013-01-02", "who": {"name": "b"}},
]


def expand(**config: object) -> dict[str, RESTSource]:
    """Return the sources that a configuration in dlt's words becomes, by table."""
    client = {"base_url": "https://api.example.com/v1/"}
    given = {"kind": "rest", "client": client, **config}
    return dict(expand_resources("shop", RESTSource(**given), PLACE))


def one(**endpoint: object) -> RESTSource:
    return expand(resources=[{"name": "orders", "endpoint": endpoint}])["shop_orders"]


class Shop:
    """A project with a shop's API: orders, and the lines of each."""

    def __init__(self, project: SourceProject, serve) -> None:
        self.project = project
        self.orders = [dict(order) for order in ORDERS]
        self.lines = {1: [{"line": 1, "n": 10}, {"line": 2, "n": 20}], 2: [{"line": 1, "n": 30}]}
        self.server: APIServer = serve(self.answer)

    def answer(self, request: Request) -> Reply:
        parts = request.path.strip("/").split("/")
        if parts == ["orders"]:
            since = request.query.get("since", "")
            return Reply([order for order in self.orders if str(order["at"]) >= since])
        lines = self.lines.get(int(parts[1]))
        return Reply({"data": lines}) if lines is not None else Reply({"error": "gone"}, 404)

    def declare(self, orders: str = "", lines: str = "", name: str = "lines") -> None:
        """Declare both; options are further lines of YAML in braces' style."""
        self.project.close()
        self.project.write(
            "ropewalk.yaml",
            f"""project: test
sources:
  shop:
    kind: rest
    client: {{base_url: '{self.server.url}'}}
    resources:
      - {{name: orders, primary_key: id, endpoint: {{incremental: {{cursor_path: at, start_param: since}}}} {orders}}}
      - name: {name}
        endpoint: {{path: 'orders/{{resources.orders.id}}/lines', data_selector: data}}
        {lines}
""",
        )

    def run(self) -> RunResult:
        """Run both, and return what became of them."""
        kinds = {"source": SourceKind()}
        with Workspace(load_project(self.project.root, plugins.sections()), load_settings({})) as workspace:
            graph = declare_graph(workspace.project, kinds)
            return execute(graph, kinds, workspace, Watcher())

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        with self.project.lake.cursor() as connection:
            return connection.execute(sql + " ORDER BY ALL").fetchall()

    def asked(self) -> list[str]:
        """Return the paths asked for since the last time."""
        paths = [request.path for request in self.server.requests]
        self.server.requests.clear()
        return paths


@pytest.fixture
def shop(project, serve) -> Shop:
    """Return a declared shop."""
    made = Shop(project, serve)
    made.declare()
    return made


def test_children_are_asked_for_by_their_parents(shop) -> None:
    """Each record knows its parent, and each resource has its table."""
    result = shop.run()

    assert result.count(State.EXECUTED) == 2
    assert shop.rows("SELECT _orders_id, line, n FROM raw.shop_lines") == [(1, 1, 10), (1, 2, 20), (2, 1, 30)]
    assert [node.output.summary.get("asked") for node in result.nodes] == [None, 2]


def test_a_second_run_asks_for_no_child(shop) -> None:
    """Only the parent is asked whether there is anything new."""
    shop.run()
    shop.asked()

    assert shop.run().count(State.HIT) == 2
    assert shop.asked() == ["/orders"]


def test_only_children_of_changed_parents_are_asked_for(shop) -> None:
    """Theirs make way, those of other parents stay."""
    shop.run()
    shop.orders[1] = {**shop.orders[1], "at": "2013-01-03"}
    shop.orders.append({"id": 3, "at": "2013-01-04"})
    shop.lines |= {1: [], 2: [{"line": 7, "n": 70}], 3: []}
    shop.asked()

    shop.run()

    # Children are asked for at once, so their requests arrive in any order.
    children = sorted(path for path in shop.asked() if path != "/orders")
    assert children == ["/orders/2/lines", "/orders/3/lines"]
    assert shop.rows("SELECT _orders_id, line FROM raw.shop_lines") == [(1, 1), (1, 2), (2, 7)]


def test_a_parent_with_other_columns(shop) -> None:
    """What changed cannot be told then: all of its rows are asked for."""
    shop.run()
    shop.orders.append({"id": 3, "at": "2013-01-04", "new": 1})
    shop.lines[3] = [{"line": 1, "n": 1}]
    shop.asked()

    shop.run()

    assert len([path for path in shop.asked() if path.endswith("lines")]) == 3
    assert shop.rows("SELECT count(*) FROM raw.shop_lines") == [(4,)]


def test_old_children_that_are_asked_for_again(shop) -> None:
    """With `refresh`, whenever they are old enough, whatever the parent says."""
    shop.declare(lines="refresh: 1s")
    shop.run()
    shop.lines[1][0]["n"] = 11
    shop.asked()

    time.sleep(2.1)
    shop.run()

    assert "/orders/1/lines" in shop.asked()
    assert shop.rows("SELECT min(n), max(n) FROM raw.shop_lines") == [(11, 30)]


def test_fields_of_the_parent_that_are_wanted(shop) -> None:
    """Also from within an object; and they may be a key."""
    shop.declare(lines="include_from_parent: [who.name]\n        primary_key: [_orders_id, line]")

    shop.run()

    assert shop.rows("SELECT _orders_who_name, _orders_id, n FROM raw.shop_lines")[0] == ("a", 1, 10)


def test_a_child_that_is_gone(shop) -> None:
    """It fails the load, or is no record where that is declared."""
    del shop.lines[2]
    result = shop.run()
    assert result.nodes[1].error.code == "RW622"
    assert "answered 404" in result.nodes[1].error.message

    shop.declare()
    text = (shop.project.root / "ropewalk.yaml").read_text()
    ignoring = "data_selector: data, response_actions: [{status_code: 404, action: ignore}]"
    shop.project.write("ropewalk.yaml", text.replace("data_selector: data", ignoring))
    shop.run()

    assert shop.rows("SELECT count(*) FROM raw.shop_lines") == [(2,)]


def test_parents_without_children(shop) -> None:
    """An empty table is made; it gets its columns with the first record."""
    shop.lines = {1: [], 2: []}
    assert shop.run().count(State.EXECUTED) == 2
    assert shop.rows("SELECT * FROM raw.shop_lines") == []

    shop.orders.append({"id": 3, "at": "2013-01-09"})
    shop.lines[3] = [{"line": 1, "n": 1}]
    assert [node.error for node in shop.run().nodes] == [None, None]

    assert shop.rows("SELECT _orders_id, line FROM raw.shop_lines") == [(3, 1)]


def test_a_failure_half_way_changes_nothing(shop) -> None:
    """Neither rows nor how far the child was loaded: the next run asks for all of them again."""
    good = shop.server.answer
    shop.server.answer = lambda r: Reply(b"", 500) if r.path == "/orders/2/lines" else good(r)
    assert shop.run().count(State.FAILED) == 1

    shop.server.answer = good
    shop.run()

    assert shop.rows("SELECT count(*) FROM raw.shop_lines") == [(3,)]


def test_the_parent_may_be_any_table(project, serve) -> None:
    """One of files, too; a value cannot lead out of its place in the address."""
    server = serve(lambda r: Reply([{"path": r.path}]))
    project.write("landing/ids.csv", "id\na/../b?c\n")
    project.write(
        "ropewalk.yaml",
        "project: test\nsources:\n  ids: {kind: files, path: landing/ids.csv}\n"
        f"  things: {{kind: rest, url: '{server.url}/x/{{parent.id}}', parent: raw.ids}}\n",
    )
    kinds = {"source": SourceKind()}
    with Workspace(load_project(project.root, plugins.sections()), load_settings({})) as workspace:
        execute(declare_graph(workspace.project, kinds), kinds, workspace, Watcher())
        found = open_lake(workspace).query("SELECT _ids_id, path FROM raw.things").rows

    assert found == (("a/../b?c", "/x/a%2F..%2Fb%3Fc"),)


def test_children_are_asked_for_side_by_side(shop) -> None:
    """As many at a time as declared, and their records come in the parents' order."""
    shop.orders = [{"id": n, "at": "2013-01-01"} for n in range(12)]
    shop.lines = {n: [{"line": 1, "n": n}] for n in range(12)}
    shop.declare(name="lines")
    text = (shop.project.root / "ropewalk.yaml").read_text()
    shop.project.write(
        "ropewalk.yaml", text.replace("kind: rest", "kind: rest, at_once: 3".replace(", ", "\n    "))
    )
    good, busy, most = shop.server.answer, [], []

    def answer(request: Request) -> Reply:
        busy.append(1)
        most.append(len(busy))
        time.sleep(0.01)
        busy.pop()
        return good(request)

    shop.server.answer = answer
    shop.run()

    assert max(most) == 3
    assert shop.rows("SELECT list(n) FROM raw.shop_lines") == [(list(range(12)),)]


def test_children_of_children(shop) -> None:
    """A child's table is a parent like any other."""
    shop.declare(lines="primary_key: [_orders_id, line]")
    path = shop.project.root / "ropewalk.yaml"
    more = "      - {name: parts, endpoint: 'orders/{resources.lines._orders_id}/lines/{resources.lines.line}/parts'}\n"
    path.write_text(path.read_text() + more)
    good = shop.server.answer
    shop.server.answer = lambda r: Reply([{"path": r.path}]) if r.path.endswith("parts") else good(r)

    shop.run()

    assert shop.rows("SELECT _lines__orders_id, _lines_line, path FROM raw.shop_parts")[-1] == (
        2, 1, "/orders/2/lines/1/parts",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("paginator", "paginate"),
    [
        ({"type": "json_link", "next_url_path": "paging.next"}, {"kind": "next_url", "path": "paging.next"}),
        ("header_link", {"kind": "link_header", "rel": "next"}),
        ({"type": "header_cursor", "cursor_key": "X-N"}, {"kind": "header_cursor", "header": "X-N", "param": "cursor"}),
        ({"type": "cursor", "cursor_path": "$.next", "cursor_param": "after"},
         {"kind": "cursor", "path": "next", "param": "after"}),
        ({"type": "page_number", "base_page": 1, "total_path": None, "maximum_page": 9},
         {"kind": "page", "start": 1, "maximum": 9}),
        ("single_page", {"kind": "single"}),
    ],
)  # fmt: skip
def test_paginators_in_the_words_of_dlt(paginator: object, paginate: dict[str, object]) -> None:
    """Each has one of ours."""
    found = one(paginator=paginator).paginate

    assert found is not None
    assert {key: value for key, value in found.model_dump().items() if key in paginate} == paginate


def test_an_offset_tells_its_total() -> None:
    """What dlt stops by is what records are counted against here."""
    source = one(paginator={"type": "offset", "limit": 50, "total_path": "meta.total"})

    assert (source.total, source.paginate.limit) == ("meta.total", 50)


def test_everything_of_a_resource() -> None:
    """Path, parameters, body, selector, key, disposition, and what the client and the defaults share."""
    source = expand(
        client={"base_url": "https://api.example.com/v1/", "headers": {"X-A": "1"}, "auth": {"token": "secret://T"}},
        resource_defaults={"primary_key": "id", "write_disposition": "merge", "endpoint": {"params": {"limit": 9}}},
        resources=[{
            "name": "orders",
            "endpoint": {"path": "o", "method": "POST", "json": {"a": ["{incremental.last_value}"]},
                         "data_selector": "$.data.items[*]", "params": {"q": True},
                         "incremental": {"cursor_path": "at", "initial_value": "2013-01-01", "lag": 60}},
        }],
    )["shop_orders"]  # fmt: skip

    assert (source.url, source.method, source.records) == (
        "https://api.example.com/v1/o",
        "POST",
        "data.items",
    )
    assert (source.key, source.write, dict(source.params)) == (["id"], "merge", {"limit": 9, "q": True})
    assert source.json_body == {"a": ["{incremental.start_value}"]}
    assert (source.cursor.column, source.cursor.overlap, source.cursor.initial) == ("at", "60s", "2013-01-01")
    assert (source.headers, source.auth.token) == ({"X-A": "1"}, "secret://T")


def test_defaults_of_an_endpoint() -> None:
    """A resource's own come first; a path alone is an endpoint too."""
    sources = expand(
        client={"base_url": "https://api.example.com", "paginator": "page_number"},
        resource_defaults={"endpoint": {"data_selector": "items", "params": {"a": 1}}, "types": {"id": "BIGINT"}},
        resources=[{"name": "x", "endpoint": "y/z"}, {"name": "full", "endpoint": {"path": "https://api.example.com/f", "params": {"a": 2}}}],
    )  # fmt: skip

    assert (sources["shop_x"].url, sources["shop_x"].records) == ("https://api.example.com/y/z", "items")
    assert (sources["shop_full"].url, dict(sources["shop_full"].params)) == (
        "https://api.example.com/f",
        {"a": 2},
    )
    assert sources["shop_x"].paginate.kind == "page"
    assert sources["shop_x"].types == {"id": "BIGINT"}


def test_history_by_the_name_of_dlt() -> None:
    """`scd2` is a history here."""
    resource = {
        "name": "a",
        "primary_key": ["id"],
        "write_disposition": {"disposition": "merge", "strategy": "scd2"},
    }

    assert expand(resources=[resource])["shop_a"].write == "history"


def test_a_resolved_parameter() -> None:
    """The way in dlt of naming a parent's field."""
    resolve = {"type": "resolve", "resource": "posts", "field": "id"}
    sources = expand(
        resources=["posts", {"name": "c", "endpoint": {"path": "p/{pid}/c", "params": {"pid": resolve}}}]
    )

    assert sources["shop_c"].url == "https://api.example.com/v1/p/{parent.id}/c"
    assert (sources["shop_c"].parent, dict(sources["shop_c"].params)) == ("raw.shop_posts", {})


def test_an_incremental_parameter() -> None:
    """The cursor, declared where its value goes."""
    param = {"type": "incremental", "cursor_path": "n", "initial_value": 5, "lag": 2}

    cursor = one(params={"since": param}).cursor

    assert (cursor.column, cursor.param, cursor.initial, cursor.overlap) == ("n", "since", 5, 2)


def test_resources_that_are_not_selected() -> None:
    """They are no sources."""
    assert set(expand(resources=["a", {"name": "b", "selected": False}])) == {"shop_a"}


@pytest.mark.parametrize(
    ("resources", "message", "nearest"),
    [
        (["a", "a"], "two resources 'a'", None),
        ([{"name": "a", "endpoint": "https://elsewhere.example/a"}], "leads to another host", None),
        (["posts", {"name": "c", "endpoint": "p/{resources.pots.id}"}], "which is no other resource", "posts"),
        ([{"name": "c", "endpoint": "p/{resources.c.id}"}], "which is no other resource", "c"),
        (["a", "b", {"name": "c", "endpoint": "{resources.a.id}/{resources.b.id}"}], "one parent is possible", None),
        ([{"name": "c", "endpoint": {"json": {"a": 1}}}], "need method: POST", None),
        ([{"name": "c", "endpoint": {"incremental": {"cursor_path": "n"}}}], "'param' is missing", None),
    ],
)  # fmt: skip
def test_resources_that_do_not_fit_together(
    resources: list[object], message: str, nearest: str | None
) -> None:
    """Each is refused when the project is read, with the nearest name."""
    with pytest.raises(InvalidResource, match=message) as caught:
        expand(resources=resources)

    assert (caught.value.place, caught.value.nearest) == (PLACE, nearest)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("{kind: rest}", "'url' is missing"),
        ("{kind: rest, url: 'http://h', resources: [a]}", "resources needs a client"),
        ("{kind: rest, client: {base_url: 'http://h'}}", "at least one is needed"),
        ("{kind: rest, client: {base_url: 'http://h'}, resources: [a], key: [id]}", "it belongs to a resource"),
        ("{kind: rest, client: {base_url: 'http://h', auth: {token: hunter2}}, resources: [a]}", "must be secret://NAME"),
        ("{kind: rest, client: {base_url: 'http://h'}, resources: [{nam: a}]}", "unknown key 'nam'"),
        ("{kind: rest, client: {base_url: 'http://h', paginator: auto}, resources: [a]}", "paginator"),
        ("{kind: rest, client: {base_url: 'http://h'}, resources: [{name: a, endpoint: {data_selector: 'a[?(@.b)]'}}]}",
         "only a dotted path"),
        ("{kind: rest, url: 'http://h/{parent.x}', parent: raw.a, cursor: {field: a, param: b}}", "cursor is not needed"),
        ("{kind: rest, url: 'http://h/{parent.x}'}", "needs a parent"),
        ("{kind: rest, url: 'http://h/', parent: raw.a}", "no {parent.FIELD} stands"),
    ],
)  # fmt: skip
def test_wrong_entries(write_project, entry: str, message: str) -> None:
    """With the place, and without the secret that somebody wrote down."""
    root = write_project({"ropewalk.yaml": f"project: test\nsources:\n  things: {entry}\n"})

    with pytest.raises(Exception, match=message) as caught:
        list(SourceKind().declare(load_project(root, plugins.sections())))

    told = json.dumps(caught.value.as_json())
    assert "ropewalk.yaml:3:" in told
    assert "hunter2" not in told


@pytest.mark.parametrize(
    ("own", "shared", "limit"),
    [
        (0, None, 0),
        (0, 5, 0),
        (0, "10%", 0),
        (None, 0, 0),
        (None, 5, 5),
        ("1%", 5, "1%"),
        (None, None, "50%"),
    ],
)
def test_a_limit_of_none_is_a_limit(own: object, shared: object, limit: object) -> None:
    """`max_quarantined: 0` of a resource is declared, and neither the defaults nor the usual half comes before it."""
    given = {"resource_defaults": {"max_quarantined": shared}} if shared is not None else {}
    resource = {"name": "orders", **({"max_quarantined": own} if own is not None else {})}

    assert expand(resources=[resource], **given)["shop_orders"].max_quarantined == limit
