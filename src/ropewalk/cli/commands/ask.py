"""`ropewalk ask`: the questions that somebody has saved."""

from __future__ import annotations

import click

from ropewalk.cli.commands.sql import FORMATS, emit_result, file_form, form_of, query_document
from ropewalk.cli.errors import report_broken
from ropewalk.cli.output import emit_json, emit_table
from ropewalk.cli.session import environment_option, open_session
from ropewalk.dataops.lake import MEMORY, Asking, read_memory
from ropewalk.dataops.questions import Question, QuestionAnswer, Questions, ask_question, survey_questions


@click.command("ask")
@click.argument("name", required=False)
@click.argument("values", nargs=-1, metavar="[PARAMETER=VALUE...]")
@click.option("--limit", type=click.IntRange(1), default=1000, show_default=True, help="Most rows.")
@click.option(
    "--timeout", type=click.FloatRange(0.1), default=30.0, show_default=True, help="Seconds allowed."
)
@click.option("--memory", default=MEMORY, show_default=True, help="Memory allowed.")
@click.option("--format", "form", type=click.Choice(FORMATS), default="table", show_default=True)
@click.option("-o", "--output", type=click.Path(dir_okay=False), help="Write to this file.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@environment_option
def command(
    name: str | None,
    values: tuple[str, ...],
    *,
    limit: int,
    timeout: float,
    memory: str,
    form: str,
    output: str | None,
    as_json: bool,
    environment: str | None,
) -> None:
    """Answer the saved question NAME, or list all of them; questions stand in questions/*.sql."""
    form = "json" if as_json else form_of(output, form)
    given = dict(map(_read_value, values))
    with open_session(environment=environment) as session:
        if name is None:
            _list(survey_questions(session.workspace.root), as_json=as_json)
            return
        asking = Asking(limit, timeout, read_memory(memory))
        answer = ask_question(session.workspace, name, given, file_form(form), asking)
    if as_json and output is None:
        emit_json(answer_document(answer))
        return
    if form == "table":
        click.echo(click.style(answer.question.title, bold=True), err=True)
    emit_result(answer.result, form, output, limit)


def answer_document(answer: QuestionAnswer) -> dict[str, object]:
    """Return an answer as plain JSON values."""
    return {**describe(answer.question), "values": dict(answer.values), **query_document(answer.result)}


def describe(question: Question) -> dict[str, object]:
    """Return what a question's file says as plain values."""
    return {
        "name": question.name,
        "title": question.title,
        "description": question.description,
        "owner": question.owner,
        "parameters": [
            {"name": item.name, "type": item.type, "default": item.default, "choices": list(item.choices)}
            for item in question.parameters
        ],
    }


def _list(found: Questions, *, as_json: bool) -> None:
    questions = found.by_name.values()
    if as_json:
        broken = [error.as_json() for error in found.broken.values()]
        emit_json({"questions": [describe(question) for question in questions], "broken": broken})
        return
    rows = [
        (question.name, question.title, ", ".join(item.name for item in question.parameters), question.owner)
        for question in questions
    ]
    emit_table(["question", "title", "parameters", "owner"], rows)
    report_broken(found.broken)


def _read_value(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        message = f"{text!r} is not PARAMETER=VALUE"
        raise click.UsageError(message)
    return name, value
