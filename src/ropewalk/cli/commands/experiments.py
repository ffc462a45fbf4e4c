"""`ropewalk experiments`: tracked runs, found, compared, moved, thrown away, kept by rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from ropewalk.cli.errors import WrongUsage
from ropewalk.cli.output import count, emit_json, emit_table, shorten
from ropewalk.cli.session import open_session

if TYPE_CHECKING:
    from ropewalk.mlops.tracking import Column, Emptied, FoundRuns, Run, Verdict
    from ropewalk.pipeline import Workspace

SHORT = 8
# As many metrics and parameters as a terminal has room for; others are asked for as columns.
METRICS, PARAMS = 4, 4
MOST_IDS = 1_000
as_json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


@click.group("experiments", invoke_without_command=True)
@as_json_option
@click.pass_context
def command(context: click.Context, *, as_json: bool) -> None:
    """List experiments; or find their runs, compare them, move them, throw them away.

    A run is named by its id or by as much of its beginning as no other has.
    """
    if context.invoked_subcommand is not None:
        return
    from ropewalk.mlops.tracking import experiment_counts, list_experiments

    with open_session() as session:
        counts = experiment_counts(session.workspace)
        found = list_experiments(session.workspace)
    documents: list[dict[str, object]] = [
        {
            "id": one.id,
            "name": one.name,
            "runs": counts[one.id].runs if one.id in counts else 0,
            "last_started_at": _iso(counts[one.id].last_started_at) if one.id in counts else None,
        }
        for one in found
    ]
    if as_json:
        emit_json({"experiments": documents})
    else:
        emit_table(
            ("id", "experiment", "runs", "latest run (UTC)"), [tuple(one.values()) for one in documents]
        )


@command.command("search")
@click.argument("filter_text", metavar="[FILTER]", default="")
@click.option(
    "-x", "--experiment", "experiments", multiple=True, help="Only of this experiment; may be given again."
)
@click.option("--order-by", multiple=True, metavar="COLUMN [ASC|DESC]", help='Such as "best(metrics.auc)".')
@click.option("-c", "--column", "columns", multiple=True, help='Such as params.depth or "max(metrics.auc)".')
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="How many.")
@click.option(
    "--view",
    type=click.Choice(["active", "deleted", "all"]),
    default="active",
    show_default=True,
    help="Runs, the trash, or both.",
)
@click.option("--archived", is_flag=True, help="Also runs of deleted branches.")
@as_json_option
def search_command(  # one for each option
    *,
    filter_text: str,
    experiments: tuple[str, ...],
    order_by: tuple[str, ...],
    columns: tuple[str, ...],
    limit: int,
    view: str,
    archived: bool,
    as_json: bool,
) -> None:
    """Find runs of all experiments by MLflow's filter language: "metrics.auc > 0.8 AND params.kind = 'gbm'"."""
    from ropewalk.mlops.tracking import RunQuery, find_runs, parse_column

    query = RunQuery(
        experiments=experiments or None,
        filter=filter_text,
        order_by=order_by,
        view=view,  # type: ignore[arg-type]  # the option offers these
        with_archived=archived,
        limit=limit,
        params_as_numbers=True,
        columns=[parse_column(text) for text in columns],
    )
    with open_session() as session:
        found = find_runs(session.workspace, query)
    chosen = list(query.columns) or _usual_columns(found.runs)
    if as_json:
        emit_json(_found_document(found, query.columns))
    elif found.total:
        _print_found(found, chosen, has_values=bool(query.columns))
    else:
        click.echo("no run fits")


@command.command("compare")
@click.argument("runs", nargs=-1, required=True)
@click.option("--all", "show_all", is_flag=True, help="Also what is the same in all of them.")
@as_json_option
def compare_command(*, runs: tuple[str, ...], show_all: bool, as_json: bool) -> None:
    """Show RUNS side by side: metrics, and the parameters and circumstances in which they differ."""
    from ropewalk.mlops.tracking import get_run

    with open_session() as session:
        found = [get_run(session.workspace, one) for one in _ids(session.workspace, runs)]
    rows = [
        (kind, name, *values) for kind, name, values in _compared(found) if show_all or len(set(values)) > 1
    ]
    if as_json:
        emit_json(
            {
                "runs": [{"id": run.id, "name": run.name} for run in found],
                "rows": [{"kind": kind, "name": name, "values": values} for kind, name, *values in rows],
            }
        )
    elif rows:
        emit_table(("", "", *(f"{run.name} {run.id[:SHORT]}" for run in found)), rows)
    else:
        click.echo("they are the same in everything they logged")


@command.command("move")
@click.argument("runs", nargs=-1, required=True)
@click.option("--to", "target", required=True, metavar="EXPERIMENT", help="The experiment they go to.")
@click.option("--without-nested", is_flag=True, help="Leave the runs that are nested in them where they are.")
@as_json_option
def move_command(*, runs: tuple[str, ...], target: str, without_nested: bool, as_json: bool) -> None:
    """Move RUNS, with those nested in them, to another experiment; their files and addresses stay as they are."""
    from ropewalk.mlops.tracking import find_experiment, move_runs

    with open_session() as session:
        workspace = session.workspace
        experiment = find_experiment(workspace, target)
        moved = move_runs(workspace, _ids(workspace, runs), experiment.id, with_nested=not without_nested)
    _tell(
        {"moved": moved, "experiment": experiment.name},
        f"{count(len(moved), 'run')} moved to {experiment.name}",
        as_json,
    )


@command.command("delete")
@click.argument("runs", nargs=-1, required=True)
@click.option(
    "--for-good", is_flag=True, help="Remove them with their points and files, instead of into the trash."
)
@click.option("--nested", is_flag=True, help="Also the runs that are nested in them.")
@as_json_option
def delete_command(*, runs: tuple[str, ...], for_good: bool, nested: bool, as_json: bool) -> None:
    """Put RUNS into the trash, from which `restore` brings them back until `ropewalk gc` empties it."""
    from ropewalk.mlops.tracking import remove_runs, set_stage

    with open_session() as session:
        workspace = session.workspace
        ids = _ids(workspace, runs)
        deleted = set_stage(workspace, ids, "deleted", with_nested=nested)
        if for_good:
            emptied = remove_runs(workspace, list(dict.fromkeys([*ids, *deleted])))
            _tell(asdict(emptied), f"{count(len(emptied.runs), 'run')} removed for good", as_json)
            return
    _tell({"deleted": deleted}, f"{count(len(deleted), 'run')} put into the trash", as_json)


@command.command("restore")
@click.argument("runs", nargs=-1, required=True)
@click.option("--nested", is_flag=True, help="Also the runs that are nested in them.")
@as_json_option
def restore_command(*, runs: tuple[str, ...], nested: bool, as_json: bool) -> None:
    """Bring RUNS back from the trash."""
    from ropewalk.mlops.tracking import set_stage

    with open_session() as session:
        restored = set_stage(session.workspace, _ids(session.workspace, runs), "active", with_nested=nested)
    _tell({"restored": restored}, f"{count(len(restored), 'run')} restored", as_json)


@command.command("trash")
@click.option("--empty", is_flag=True, help="Remove it all for good, however young it is.")
@as_json_option
def trash_command(*, empty: bool, as_json: bool) -> None:
    """Show what is in the trash and what keeps it there; or empty it."""
    from ropewalk.mlops.tracking import empty_trash

    with open_session() as session:
        emptied = empty_trash(session.workspace, is_dry=not empty)
    if as_json:
        emit_json({"dry_run": not empty, **asdict(emptied)})
        return
    _print_emptied(emptied, "removed" if empty else "would be removed")


@command.command("retention")
@click.option("--apply", "is_wet", is_flag=True, help="Do it, instead of saying what would be done.")
@as_json_option
def retention_command(*, is_wet: bool, as_json: bool) -> None:
    """Show what the rules under `retention:` would do with which run, and why; `ropewalk gc` does it."""
    from ropewalk.mlops.tracking import apply_rules

    with open_session() as session:
        verdicts = apply_rules(session.workspace, is_dry=not is_wet)
        has_rules = bool(session.workspace.project.entries("retention"))
    if as_json:
        emit_json({"dry_run": not is_wet, "verdicts": [asdict(one) for one in verdicts]})
    elif verdicts:
        _print_verdicts(verdicts)
    else:
        click.echo(
            "no run falls under a rule" if has_rules else "ropewalk.yaml has no rules under `retention:`"
        )


@command.command("branch")
@click.argument("branch", required=False)
@click.option("--base", help="The branch to compare with, instead of the main one.")
@click.option(
    "--archive", is_flag=True, help="Put the runs of BRANCH away; without one, of all deleted branches."
)
@click.option("--restore", is_flag=True, help="Bring back runs of BRANCH that were put away.")
@as_json_option
def branch_command(
    *, branch: str | None, base: str | None, archive: bool, restore: bool, as_json: bool
) -> None:
    """Show the runs of BRANCH (default: the checked-out one) against those of the commit it began from."""
    from ropewalk.project import current_branch

    with open_session() as session:
        workspace = session.workspace
        if archive:
            _archive(workspace, branch, as_json)
            return
        name = branch or current_branch(workspace.root)
        if name is None:
            raise WrongUsage("no branch is checked out", hint="name one")
        if restore:
            from ropewalk.mlops.tracking import restore_branch

            restored = restore_branch(workspace, name)
            _tell(
                {"branch": name, "restored": restored},
                f"{count(restored, 'run')} of {name} are back",
                as_json,
            )
            return
        _show_branch(workspace, name, base, as_json)


def _archive(workspace: Workspace, branch: str | None, as_json: bool) -> None:
    from ropewalk.mlops.tracking import archive_branches

    found = archive_branches(workspace, [branch] if branch else None)
    said = "\n".join(f"{one.branch}: {count(len(one.run_ids), 'run')} put away" for one in found)
    _tell({"archived": [asdict(one) for one in found]}, said or "no deleted branch has runs", as_json)


def _show_branch(workspace: Workspace, branch: str, base: str | None, as_json: bool) -> None:
    from ropewalk.mlops.tracking import branch_runs

    found = branch_runs(workspace, branch, base)
    sides = (("branch", found.runs), ("base", found.base_runs))
    if as_json:
        emit_json(
            {
                "branch": branch,
                "base_branch": found.base_branch,
                "base_commit": found.base_commit,
                "compared_commit": found.compared_commit,
                "runs": [_run_document(run) for run in found.runs],
                "base_runs": [_run_document(run) for run in found.base_runs],
            }
        )
        return
    names = _names([run for _, runs in sides for run in runs], "metrics")[:METRICS]
    rows = [
        (side, run.id[:SHORT], run.name, _started(run), *(_last(run, name) for name in names))
        for side, runs in sides
        for run in runs
    ]
    at = f" at {found.compared_commit[:SHORT]}" if found.compared_commit else ""
    click.echo(f"{branch} against {found.base_branch or 'nothing'}{at}")
    emit_table(("", "run", "name", "started (UTC)", *names), rows)


def _ids(workspace: Workspace, names: Sequence[str]) -> list[str]:
    from ropewalk.mlops.tracking import find_run_id

    return [find_run_id(workspace, name) for name in names]


def _tell(document: object, said: str, as_json: bool) -> None:
    if as_json:
        emit_json(document)
    else:
        click.echo(said)


def _usual_columns(runs: Sequence[Run]) -> list[Column]:
    from ropewalk.mlops.tracking import Column

    metrics = [name for name in _names(runs, "metrics") if not name.startswith("system/")]
    params = [name for name in _names(runs, "params") if len({run.params.get(name) for run in runs}) > 1]
    return [
        *(Column("metric", name) for name in metrics[:METRICS]),
        *(Column("parameter", name) for name in params[:PARAMS]),
    ]


def _names(runs: Sequence[Run], what: str) -> list[str]:
    return sorted({name for run in runs for name in getattr(run, what)})


def _print_found(found: FoundRuns, columns: Sequence[Column], *, has_values: bool) -> None:
    from ropewalk.mlops.tracking import column_of

    values = found.values if has_values else [[column_of(run, one) for one in columns] for run in found.runs]
    rows = [
        (
            run.id[:SHORT],
            run.name,
            found.experiments[run.experiment_id].name,
            run.status.lower(),
            _started(run),
            *row,
        )
        for run, row in zip(found.runs, values, strict=True)
    ]
    emit_table(("run", "name", "experiment", "state", "started (UTC)", *(one.text for one in columns)), rows)
    if found.total > len(found.runs):
        click.echo(f"{len(found.runs):,} of {found.total:,} runs; --limit shows more")


def _found_document(found: FoundRuns, columns: Sequence[Column]) -> dict[str, object]:
    texts = [column.text for column in columns]
    return {
        "total": found.total,
        "order_by": [order.text for order in found.orders],
        "runs": [
            {
                **_run_document(run),
                "experiment": found.experiments[run.experiment_id].name,
                **({"values": dict(zip(texts, values, strict=True))} if texts else {}),
            }
            for run, values in zip(found.runs, found.values, strict=True)
        ],
    }


def _run_document(run: Run) -> dict[str, object]:
    return {
        "id": run.id,
        "name": run.name,
        "experiment_id": run.experiment_id,
        "status": run.status,
        "stage": run.stage,
        "started_at": _iso(run.started_at),
        "ended_at": _iso(run.ended_at),
        "metrics": {name: _last(run, name) for name in sorted(run.metrics)},
        "params": dict(run.params),
        "tags": dict(run.tags),
    }


def _compared(runs: Sequence[Run]) -> list[tuple[str, str, list[object]]]:
    from ropewalk.mlops.tracking import origin_of

    origins = [origin_of(run.tags) for run in runs]
    rows: list[tuple[str, str, list[object]]] = [
        ("metric", name, [_last(run, name) for run in runs]) for name in _names(runs, "metrics")
    ]
    rows += [("parameter", name, [run.params.get(name) for run in runs]) for name in _names(runs, "params")]
    rows += [
        ("origin", name, [getattr(origin, name) for origin in origins])
        for name in ("commit", "is_dirty", "branch", "merge_request", "environment")
    ]
    data = [", ".join(f"{one.name}@{one.digest[:SHORT]}" for one in run.datasets) or None for run in runs]
    rows.append(("origin", "data", [*data]))
    return [row for row in rows if any(value is not None for value in row[2])]


def _last(run: Run, name: str) -> float | None:
    point = run.metrics.get(name)
    # Not a number has no place in JSON, and none in a table's order.
    return None if point is None or point.value != point.value else point.value


def _print_emptied(emptied: Emptied, done: str) -> None:
    for what, why in emptied.kept:
        click.echo(f"{what} stays: {why}")
    for place in emptied.elsewhere:
        click.echo(f"files at {place} are not Ropewalk's to remove")
    things = [
        count(len(emptied.runs), "run"),
        count(len(emptied.experiments), "experiment"),
        count(emptied.models, "logged model"),
    ]
    click.echo(f"{', '.join(things)} {done}")


def _print_verdicts(verdicts: Sequence[Verdict]) -> None:
    rows = [
        (
            one.run_id[:SHORT],
            one.run_name,
            one.experiment,
            one.rule,
            one.remove or "stays",
            shorten(one.why, 100),
        )
        for one in verdicts
    ]
    emit_table(("run", "name", "experiment", "rule", "goes", "why"), rows)


def _started(run: Run) -> str:
    return str(_iso(run.started_at))[:19].replace("T", " ")


def _iso(ms: int | None) -> str | None:
    return None if ms is None else datetime.fromtimestamp(ms / 1000, UTC).isoformat()
