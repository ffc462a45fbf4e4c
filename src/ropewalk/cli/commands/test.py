"""`ropewalk test`: unit tests of tables, and the contracts of the tables that the environment has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter

import click

from ropewalk.cli.errors import exit_code, format_error
from ropewalk.cli.output import count, emit_json
from ropewalk.cli.session import Session, environment_option, open_session, take_environment
from ropewalk.dataops.contracts import CheckReport, check_now, read_contracts
from ropewalk.dataops.lake import environment_tables, table_of
from ropewalk.dataops.transform import (
    TestResult,
    TestsFailed,
    read_table_tests,
    run_table_tests,
    write_first_test,
)
from ropewalk.errors import RopewalkError

MOST_DIFFERENCES = 20
PASSED, WARNED, FAILED, SKIPPED = "passed", "warned", "failed", "skipped"


@dataclass(frozen=True)
class Outcome:
    """One line of the result: a unit test, or a check of a contract.

    Attributes:
        suite: the table.
        name: what was tested.
        kind: `unit test` or `check`.
        state: how it went.
        details: what is wrong, a line each.
        place: where it is declared.
    """

    suite: str
    name: str
    kind: str
    state: str
    details: tuple[str, ...] = ()
    place: str | None = None
    seconds: float = field(default=0.0, compare=False)


@click.command("test")
@click.argument("names", nargs=-1, metavar="[NAMES...]")
@click.option(
    "--only", type=click.Choice(["unit", "checks"]), help="Run unit tests or contracts' checks alone."
)
@click.option(
    "--junit", type=click.Path(dir_okay=False, path_type=Path), help="Write a JUnit report there too."
)
@click.option(
    "--init", "first", metavar="TABLE", help="Write a first unit test of TABLE from rows that are there."
)
@environment_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    names: tuple[str, ...],
    *,
    only: str | None,
    junit: Path | None,
    first: str | None,
    environment: str | None,
    as_json: bool,
) -> int:
    """Run unit tests (tables/SCHEMA/NAME.test.yaml) and check contracts, of all tables or of NAMES.

    A unit test computes a table's SQL over the rows that it gives, in memory. A contract is checked against the rows
    that the environment has. Nothing is built.
    """
    # What is written into a file of the project is for everybody, whatever right whoever writes it has.
    shown = "masked" if first is not None else None
    with open_session(environment=environment, personal_data=shown) as session:
        if first is not None:
            graph, root = session.graph(), session.workspace.root
            written = (
                write_first_test(graph.find(first), graph, session.workspace).relative_to(root).as_posix()
            )
            emit_json({"written": written}) if as_json else click.echo(f"wrote {written}")
            return 0
        outcomes = list(_outcomes(session, take_environment(session, names), only))
    if junit is not None:
        # The parser of XML is loaded by those who ask for the file.
        from ropewalk.cli.junit import write_junit

        write_junit(junit, outcomes)
    failed = sum(outcome.state == FAILED for outcome in outcomes)
    if as_json:
        emit_json(_document(outcomes))
        return exit_code(TestsFailed) if failed else 0
    _print(outcomes)
    if failed:
        raise TestsFailed(f"{count(failed, 'test')} failed", hint="`ropewalk explain RW531`")
    return 0


def _outcomes(session: Session, names: Sequence[str], only: str | None) -> Iterator[Outcome]:
    graph, workspace = session.graph(), session.workspace
    wanted = {table_of(graph.find(name).id) for name in names} if names else None
    if only != "checks":
        tests = read_table_tests(workspace.root, None if wanted is None else [t for t in wanted if t])
        yield from map(_of_unit_test, run_table_tests(tests, graph, workspace))
    if only != "unit":
        contracts, there = read_contracts(workspace.root), environment_tables(workspace)
        for table in sorted(contracts if wanted is None else contracts.keys() & wanted):
            yield from _of_contract(session, table, is_there=table in there)


def _of_unit_test(result: TestResult) -> Outcome:
    test = result.test
    details = [str(difference) for difference in result.differences[:MOST_DIFFERENCES]]
    if len(result.differences) > MOST_DIFFERENCES:
        details.append(f"and {len(result.differences) - MOST_DIFFERENCES} more")
    if result.error:
        details = _told(result.error)
    state = PASSED if result.passed else FAILED
    return Outcome(test.table, test.name, "unit test", state, tuple(details), str(test.place), result.seconds)


def _of_contract(session: Session, table: str, *, is_there: bool) -> Iterator[Outcome]:
    if not is_there:
        environment = session.workspace.settings.environment
        yield Outcome(
            table, "contract", "check", SKIPPED, (f"environment {environment!r} has no such table yet",)
        )
        return
    started = perf_counter()
    try:
        report, contract = check_now(session.workspace, table)
    except RopewalkError as error:
        yield Outcome(table, "contract", "check", FAILED, tuple(_told(error)))
        return
    places = {check.name: str(check.place) for check in contract.checks}
    share = (perf_counter() - started) / max(len(report.results), 1)
    yield from _of_report(report, places, share)


def _told(error: RopewalkError) -> list[str]:
    # Reports for machines show the same lines, and colours mean nothing there.
    return click.unstyle(format_error(error)).splitlines()


def _of_report(report: CheckReport, places: dict[str, str], seconds: float) -> Iterator[Outcome]:
    for result in report.results:
        failed = FAILED if result.severity == "error" else WARNED
        details: tuple[str, ...] = ()
        if not result.passed:
            rows = (", ".join(f"{name} = {value!r}" for name, value in row.items()) for row in result.sample)
            details = (result.message, *rows)
        state = PASSED if result.passed else failed
        yield Outcome(report.table, result.name, "check", state, details, places.get(result.name), seconds)


def _document(outcomes: Sequence[Outcome]) -> dict[str, object]:
    states = [outcome.state for outcome in outcomes]
    return {
        **{state: states.count(state) for state in (PASSED, WARNED, FAILED, SKIPPED)},
        "tests": [
            {
                "table": outcome.suite,
                "name": outcome.name,
                "kind": outcome.kind,
                "state": outcome.state,
                "details": list(outcome.details),
                "place": outcome.place,
                "seconds": round(outcome.seconds, 3),
            }
            for outcome in outcomes
        ],
    }


def _print(outcomes: Sequence[Outcome]) -> None:
    """Print what is not as it should be line by line, and of the rest how many there are."""
    for outcome in outcomes:
        if outcome.state == PASSED:
            continue
        where = f"  ({outcome.place})" if outcome.place else ""
        click.echo(f"{outcome.state:<7}  {outcome.suite}: {outcome.name}{where}")
        for line in outcome.details:
            click.echo(f"    {line}")
    if not outcomes:
        click.echo("there are no tests: tables/SCHEMA/NAME.test.yaml and contracts/ hold them")
    _print_counts(outcomes)


def _print_counts(outcomes: Sequence[Outcome]) -> None:
    for kind in ("unit test", "check"):
        states = [outcome.state for outcome in outcomes if outcome.kind == kind]
        if states:
            said = [f"{states.count(s)} {s}" for s in (PASSED, WARNED, FAILED, SKIPPED) if s in states]
            click.echo(f"{count(len(states), kind)}: {', '.join(said)}")
