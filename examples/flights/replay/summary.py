"""What the demo ends with: the whole way from sources to alerts on one page, read from what is recorded."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from replay.product import PORT, Document, Product

WIDTH = 120
# Columns of words; the others hold numbers.
WORDS = ("", "of column", "breaks")


@dataclass(frozen=True)
class Summary:
    """What is shown.

    Attributes:
        nodes: what is recorded for each node, by id.
        executed: how many nodes this demo executed.
        issues: the files of the issues that monitors have opened.
        folder: the project.
    """

    nodes: dict[str, Document]
    executed: int
    issues: Sequence[Path]
    folder: Path

    def made(self, node_id: str) -> dict[str, Any]:
        """Return the summary of what a node made."""
        found: dict[str, Any] = self.nodes[node_id]["summary"]
        return found

    def of_kind(self, kind: str) -> Iterable[tuple[str, dict[str, Any]]]:
        """Yield name and summary of each node of a kind."""
        for node_id in self.nodes:
            if node_id.startswith(f"{kind}:"):
                yield node_id.partition(":")[2], self.made(node_id)


def summarize(product: Product, executed: int) -> Summary:
    """Return what there is to show of the project."""
    issues = sorted((product.folder / ".ropewalk" / "issues").glob("*.md"))
    return Summary(product.status(), executed, issues, product.folder)


def print_summary(summary: Summary) -> None:
    """Print the page to stdout."""
    console = Console(highlight=False, width=None if Console().is_terminal else WIDTH)
    console.print()
    console.print(_rows("sources", summary.of_kind("source")), _rows("tables", summary.of_kind("table")))
    console.print(_model(summary))
    console.print(_months(summary))
    for line in _end(summary):
        console.print(Text(line))


def _rows(title: str, nodes: Iterable[tuple[str, dict[str, Any]]]) -> Table:
    table = _table(title, "rows")
    for name, made in nodes:
        table.add_row(name, f"{made['rows']:,}")
    return table


def _model(summary: Summary) -> Table:
    contract = summary.made("table:mart.flight_features")["contract"]
    gate, model = summary.made("gate:late"), summary.made("model:late")
    predictions = sum(window["predictions"] for window in summary.made("monitor:late")["windows"])
    facts = [
        ("contract of mart.flight_features", f"{contract['passed']} of {contract['checks']} checks hold"),
        *(("", f"warning: {warning}") for warning in contract["warnings"]),
        ("AUC on July", f"{summary.made('step:evaluate')['metrics']['auc']:.3f}"),
        ("gate late", f"{gate['verdict']}: " + "; ".join(result["reason"] for result in gate["results"])),
        ("model in production", f"{model['name']} version {model['version']}"),
        ("predictions served", f"{predictions:,}"),
    ]
    table = _table("model", "")
    for name, fact in facts:
        table.add_row(name, fact)
    return table


def _months(summary: Summary) -> Table:
    columns = ("predictions", "known", "predicted late", "late", "AUC", "worst PSI", "of column", "breaks")
    table = _table("month", *columns)
    for window in summary.made("monitor:late")["windows"]:
        table.add_row(
            window["name"],
            f"{window['predictions']:,}",
            f"{window['labelled']:,}",
            _share(window["mean_prediction"]),
            _share(window["positive_rate"]),
            _figure(window["auc"]),
            _figure(window["worst_psi"]),
            window["worst_column"],
            ", ".join(breach["limit"] for breach in window["breaches"]),
        )
    return table


def _end(summary: Summary) -> Iterable[str]:
    alerts = summary.made("monitor:late")["alerts"]
    yield f"{alerts} alerts stand, told in {len(summary.issues)} issues:"
    for path in summary.issues:
        yield f"  {path.relative_to(summary.folder)}"
    yield (
        f"{summary.executed} nodes executed" if summary.executed else "nothing executed: all of it was fresh"
    )
    yield ""
    yield f"next: cd {summary.folder} && ropewalk up -e dev, then open http://127.0.0.1:{PORT}"


def _table(first: str, *others: str) -> Table:
    table = Table(first, box=None, title_justify="left", header_style="bold")
    for name in others:
        table.add_column(name, justify="left" if name in WORDS else "right")
    return table


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.1%}"


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
