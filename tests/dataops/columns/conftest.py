"""A project of a source, tables, a step's table, a model and its deployment, as files."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from ropewalk import plugins
from ropewalk.pipeline import Graph, Workspace, declare_graph, execute

CONTRACT = """\
    apiVersion: v3.1.0
    kind: DataContract
    id: orders
    version: 1.0.0
    team: {name: Sales}
    schema:
      - name: orders
        properties:
          - {name: id, primaryKey: true}
          - {name: amount, required: true, description: What was paid}
    """
FILES: Mapping[str, str] = {
    "ropewalk.yaml": """\
        project: shop
        sources:
          orders: {kind: files, path: "drops/*.csv"}
        gates:
          big: [{metric: judge.loss, max: 10}]
        deploy:
          big: {model: big, key: city}
        """,
    "drops/one.csv": "id,amount,city,late\n1,10,Oslo,0\n2,20,Rome,1\n",
    "tables/staging/orders.sql": "SELECT id, amount, city, late = 1 AS late FROM raw.orders WHERE amount > 0\n",
    "tables/mart/cities.sql": "SELECT city, sum(amount) AS paid FROM staging.orders WHERE late GROUP BY city\n",
    "tables/mart/ranks.sql": "SELECT city, rank() OVER (ORDER BY paid) AS place FROM cities\n",
    "steps/fit.py": """\
        from ropewalk import Metrics, Model, Table, step


        @step(model="big")
        def fit(cities: Table) -> Model:
            ...


        @step
        def judge(fit: Model, cities: Table) -> Metrics:
            ...
        """,
    "contracts/staging.orders.odcs.yaml": CONTRACT,
}


class Silent:
    """An observer that says nothing."""

    def started(self, *_): ...

    def progressed(self, *_): ...

    def ended(self, _): ...


@pytest.fixture
def open_graph(write_project, open_workspace):
    """Return a function that opens files as a project, builds its tables if wanted, and returns it with its graph."""

    def open_it(files: Mapping[str, str] = FILES, *, run: bool = False) -> tuple[Workspace, Graph]:
        workspace = open_workspace(write_project(files))
        kinds = plugins.kinds()
        graph = declare_graph(workspace.project, kinds)
        if run:
            wanted = [node for node in graph.nodes if node.startswith("table:")]
            execute(graph, kinds, workspace, Silent(), wanted)
        return workspace, graph

    return open_it
