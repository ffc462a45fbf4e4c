"""What is loaded: orders made by DuckDB from their number alone, so that every run measures the same rows."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb

# Twelve columns of the kinds that business data have; no two rows are equal.
ORDERS = """
SELECT
    i AS order_id,
    CAST(hash(i) % 100_000 AS BIGINT) AS customer_id,
    TIMESTAMP '2024-01-01' + INTERVAL (i) SECOND AS ordered_at,
    DATE '2024-01-01' + CAST(i % 700 AS INTEGER) AS delivery_date,
    ['open', 'paid', 'sent', 'returned'][CAST(1 + hash(i, 1) % 4 AS INTEGER)] AS status,
    ['EUR', 'USD', 'GBP'][CAST(1 + hash(i, 2) % 3 AS INTEGER)] AS currency,
    (hash(i, 3) % 1_000_000) / 100 AS amount,
    CAST(hash(i, 4) % 20 AS INTEGER) AS quantity,
    hash(i, 5) % 7 = 0 AS is_gift,
    CASE WHEN hash(i, 6) % 5 > 0 THEN (hash(i, 7) % 100) / 100 END AS discount,
    'customer ' || (hash(i) % 100_000) || ' of street ' || (hash(i, 8) % 1000) AS address,
    md5(CAST(i AS VARCHAR)) AS note
FROM range({rows}) AS r(i)
"""


def orders(rows: int) -> str:
    """Return the SELECT of so many orders."""
    return ORDERS.format(rows=rows)


def write_csv(path: Path, rows: int) -> None:
    """Write the orders as CSV with a header."""
    duckdb.execute(f"COPY ({orders(rows)}) TO '{path}' (FORMAT csv, HEADER)")


def write_parquet(path: Path, rows: int) -> None:
    """Write the orders as Parquet."""
    duckdb.execute(f"COPY ({orders(rows)}) TO '{path}' (FORMAT parquet)")


def write_pages(folder: Path, rows: int, size: int) -> int:
    """Write the orders as numbered pages of a JSON API, each with the address of the next; return how many."""
    folder.mkdir()
    found = duckdb.execute(f"SELECT CAST(to_json(o) AS VARCHAR) FROM ({orders(rows)}) AS o").fetchall()
    records = [text for (text,) in found]
    pages = [records[i : i + size] for i in range(0, len(records), size)]
    for number, page in enumerate(pages):
        following = json.dumps(f"/orders/{number + 1}" if number + 1 < len(pages) else None)
        (folder / str(number)).write_text(f'{{"next": {following}, "items": [{",".join(page)}]}}')
    return len(pages)
