"""Ropewalk's data side beside plain DuckDB and dlt, in CPU seconds of whole process trees, measured in one go.

    python -m benchmarks.dataops.compare [--dlt PYTHON] [--only NAME ...]

A line for each goal: what was measured, the goal, and whether it is met. Without dlt's Python the ratios to it are left out.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.dataops import changes, definitions, loads
from benchmarks.rig.goals import Goal, print_goals

Measure = Callable[[Path, Path | None], Iterator[Goal]]
MEASURES: dict[str, Measure] = {
    "csv": loads.csv,
    "parquet": loads.parquet,
    "postgres": loads.postgres,
    "dlt": loads.beside_dlt,
    "rest": loads.rest,
    "no-op": loads.no_op,
    "diff": changes.diff,
    "columns": definitions.column_lineage,
    "contract": definitions.contract,
}


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--dlt", type=Path, help="the Python of an environment that has dlt[duckdb]")
    parser.add_argument("--only", nargs="*", choices=MEASURES, default=list(MEASURES))
    arguments = parser.parse_args()
    # A virtual environment is known by the path it is started by: links must not be followed.
    dlt = arguments.dlt and arguments.dlt.absolute()
    print_goals(lambda here, name=name: MEASURES[name](here, dlt) for name in arguments.only)


if __name__ == "__main__":
    main()
