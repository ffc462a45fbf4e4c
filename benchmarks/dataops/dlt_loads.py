"""The same loads by dlt, into DuckDB, run by an environment of its own.

python dlt_loads.py rows|arrow|rest SOURCE FOLDER
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from typing import Any

import dlt


def rows(path: str) -> Iterator[dict[str, str]]:
    """Yield the CSV's rows as dictionaries, as dlt's own examples do."""
    with open(path, newline="", encoding="utf-8") as file:  # noqa: PTH123  # a peer's program, as people write it
        yield from csv.DictReader(file)


def arrow(path: str) -> Iterator[Any]:
    """Yield the CSV as Arrow batches, dlt's fast way."""
    import pyarrow.csv

    yield from pyarrow.csv.open_csv(path)


def rest(address: str) -> Any:
    """Return dlt's REST source over the pages."""
    from dlt.sources.rest_api import rest_api_source

    endpoint = {
        "path": "orders/0",
        "data_selector": "items",
        "paginator": {"type": "json_link", "next_url_path": "next"},
    }
    return rest_api_source(
        {"client": {"base_url": address}, "resources": [{"name": "orders", "endpoint": endpoint}]}
    )


def main() -> None:
    """Load, and say nothing."""
    kind, source, folder = sys.argv[1:]
    pipeline = dlt.pipeline(
        "bench",
        pipelines_dir=f"{folder}/pipelines",
        destination=dlt.destinations.duckdb(f"{folder}/lake.duckdb"),
        dataset_name="raw",
    )
    if kind == "rest":
        pipeline.run(rest(source))
    else:
        pipeline.run({"rows": rows, "arrow": arrow}[kind](source), table_name="orders")


if __name__ == "__main__":
    main()
