"""The figures of windows as a Markdown table, as issues show them."""

from __future__ import annotations

from collections.abc import Iterable

from ropewalk.store.monitoring import WindowRow


def figures_table(windows: Iterable[WindowRow]) -> str:
    """Return the figures of `windows` as a Markdown table."""
    lines = [
        "| window | model | predictions | labelled | predicted | actual | AUC | worst PSI | column | breaks |",
        "|---|---|---:|---:|---:|---:|---:|---:|---|---|",
    ]
    return "\n".join([*lines, *map(_table_line, windows)])


def _table_line(window: WindowRow) -> str:
    cells = [
        window.name,
        window.model_version,
        str(window.predictions),
        str(window.labelled),
        _shown(window.mean_prediction),
        _shown(window.positive_rate),
        _shown(window.auc),
        _shown(window.worst_psi),
        window.worst_column or "",
        ", ".join(breach.limit for breach in window.breaches),
    ]
    return "| " + " | ".join(cells) + " |"


def _shown(figure: float | None) -> str:
    return "" if figure is None else f"{figure:.3f}"
