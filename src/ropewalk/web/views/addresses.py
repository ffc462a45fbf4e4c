"""The address of the page about anything that has an id."""

from __future__ import annotations

from urllib.parse import quote, urlencode

from ropewalk.lineage import kind_of

PAGES = {
    "table": "/data/{}",
    "source": "/data/raw.{}",
    "question": "/questions/{}",
    "model": "/models/{}",
    "gate": "/models/{}",
    "run": "/runs/{}",
    "deployment": "/deployments/{}",
    "predictions": "/data/predictions.{}",
    "monitor": "/deployments/{}",
}


def address_of(node_id: str) -> str:
    """Return the page about a node, or its place in the lineage when it has no page of its own."""
    kind, name = kind_of(node_id), node_id.partition(":")[2]
    if kind == "model_version":
        # The slash between a model and its version is the address's own.
        model, _, version = name.rpartition("/")
        return f"/models/{quote(model, safe='')}/{quote(version, safe='')}"
    return PAGES[kind].format(quote(name, safe="")) if kind in PAGES else lineage_address(node_id)


def lineage_address(focus: str, up: int | None = None, down: int | None = None) -> str:
    """Return the lineage page around `focus`, as many edges up and down as given (None: as fits)."""
    depths = {"up": up, "down": down}
    query = {"focus": focus} | {name: str(depth) for name, depth in depths.items() if depth is not None}
    return "/lineage?" + urlencode(query)
