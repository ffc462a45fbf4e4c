"""`ropewalk metric`: what the business counts, listed, explained and asked for."""

from __future__ import annotations

import click

from ropewalk.cli.commands.sql import FORMATS, emit_result, file_form, form_of, query_document
from ropewalk.cli.errors import report_broken
from ropewalk.cli.output import emit_json, emit_table
from ropewalk.cli.session import environment_option, open_session
from ropewalk.dataops.lake import MEMORY, Asking, read_memory
from ropewalk.dataops.metrics import (
    GRAINS,
    Grain,
    Metric,
    MetricAnswer,
    MetricQuestion,
    ask_metrics,
    plan_metrics,
    survey_metrics,
)


@click.group("metric")
def command() -> None:
    """List metrics, explain one, and ask for them: measures over a table, declared in metrics/*.yaml."""


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def list_command(*, as_json: bool) -> None:
    """List every metric: of what table, how it is computed, by what it can be told apart."""
    with open_session() as session:
        metrics = survey_metrics(session.workspace.root)
    found = [describe(metric) for metric in metrics.by_name.values()]
    if as_json:
        emit_json({"metrics": found, "broken": [error.as_json() for error in metrics.broken.values()]})
        return
    rows = [(item["name"], item["kind"], item["table"], ", ".join(item["dimensions"])) for item in found]  # type: ignore[arg-type]  # a list of names
    emit_table(["metric", "kind", "table", "by"], rows)
    report_broken(metrics.broken)


@command.command("show")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def show_command(name: str, *, as_json: bool) -> None:
    """Explain metric NAME: what it means, who answers for it, and the SQL that computes it."""
    with open_session() as session:
        metric = survey_metrics(session.workspace.root).find(name)
        sql = plan_metrics(session.workspace, MetricQuestion((metric.name,))).sql
    found = {**describe(metric), "sql": sql}
    if as_json:
        emit_json(found)
        return
    for key, value in found.items():
        text = ", ".join(value) if isinstance(value, list) else value
        if text:
            click.echo(f"{key:12}{text}" if key != "sql" else f"\n{text}")


@command.command("query")
@click.argument("names", metavar="NAME[,NAME...]")
@click.option("--by", multiple=True, metavar="DIMENSION", help="Tell apart by this; NAME__month for a time.")
@click.option("--grain", type=click.Choice(GRAINS), help="The grain of times.")
@click.option("--where", metavar="SQL", help="A condition over dimensions, such as \"carrier = 'UA'\".")
@click.option(
    "--order", multiple=True, metavar="[-]NAME", help="Sort by this column; - from the greatest down."
)
@click.option("--limit", type=click.IntRange(1), default=1000, show_default=True, help="Most rows.")
@click.option(
    "--timeout", type=click.FloatRange(0.1), default=30.0, show_default=True, help="Seconds allowed."
)
@click.option("--memory", default=MEMORY, show_default=True, help="Memory allowed.")
@click.option("--format", "form", type=click.Choice(FORMATS), default="table", show_default=True)
@click.option("-o", "--output", type=click.Path(dir_okay=False), help="Write to this file.")
@click.option("--sql", "as_sql", is_flag=True, help="Print the SELECT instead of asking it.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")
@environment_option
def query_command(
    names: str,
    *,
    by: tuple[str, ...],
    grain: Grain | None,
    where: str | None,
    order: tuple[str, ...],
    limit: int,
    timeout: float,
    memory: str,
    form: str,
    output: str | None,
    as_sql: bool,
    as_json: bool,
    as_csv: bool,
    environment: str | None,
) -> None:
    """Compute metrics from the environment's tables, at the grain asked for."""
    form = "json" if as_json else "csv" if as_csv else form_of(output, form)
    question = MetricQuestion(
        _split(names),
        _split(",".join(by)),
        grain,
        where,
        _split(",".join(order)),
        limit,
    )
    asking = Asking(limit, timeout, read_memory(memory))
    with open_session(environment=environment) as session:
        if as_sql:
            click.echo(plan_metrics(session.workspace, question).sql)
            return
        answer = ask_metrics(session.workspace, question, file_form(form), asking)
    if as_json and output is None:
        emit_json(answer_document(answer))
    else:
        emit_result(answer.result, form, output, limit)


def describe(metric: Metric) -> dict[str, object]:
    """Return what is declared of a metric as plain values."""
    measure, declared = metric.measure, metric.subject.declared
    return {
        "name": metric.name,
        "description": measure.description,
        "kind": measure.kind,
        "table": declared.table,
        "owner": metric.owner,
        "format": measure.format,
        "unit": measure.unit,
        "dimensions": [*declared.dimensions],
        "time": declared.time,
        "file": metric.subject.place().path,
    }


def answer_document(answer: MetricAnswer) -> dict[str, object]:
    """Return an answer as plain JSON values."""
    return {
        "metrics": [describe(metric) for metric in answer.metrics],
        "dimensions": list(answer.dimensions),
        **query_document(answer.result),
        "sql": answer.sql,
    }


def _split(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())
