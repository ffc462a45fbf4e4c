"""Building a table: its SELECT, its contract and the book-keeping in one transaction of the lake."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager

from ropewalk.dataops.contracts import hold_contract, read_contracts, without_values
from ropewalk.dataops.lake import input_tables, open_lake, snapshot_of
from ropewalk.dataops.transform.errors import HistoryKeyBroken, TableFailed
from ropewalk.dataops.transform.history import plan_history
from ropewalk.dataops.transform.keyed import plan_by_key
from ropewalk.dataops.transform.methods import AsView, InParts, Method, Whole
from ropewalk.dataops.transform.parts import parted_table, plan_parts
from ropewalk.dataops.transform.qualify import QualifiedSQL, qualify
from ropewalk.dataops.transform.values import TableSpec
from ropewalk.errors import Place, RopewalkError
from ropewalk.pipeline import JSON, Output, Task


def build_table(task: Task) -> Output:
    """Make the table that `task` names hold the rows of its SELECT, unless they break its contract.

    Raises:
        TableFailed: the engine could not compute it; the error names the place in the file.
        ContractBroken: a check of severity error failed; the table keeps its old content.
        CheckNotRun: a check of the contract could not be run.
    """
    spec = task.node.spec
    assert isinstance(spec, TableSpec)
    _require_tables(spec, task)
    # With the inputs the graph resolved, so that what is read is what the key was computed from.
    select = qualify(spec, task.input_ids)
    if spec.sql.header.engine is None:
        return _build(task, spec, select, _choose(task, spec))
    # Planning reads this module, and must not wait for what few tables need.
    elsewhere = importlib.import_module("ropewalk.dataops.transform.elsewhere")
    with elsewhere.computed_elsewhere(task, spec) as method:
        return _build(task, spec, select, method)


def _build(task: Task, spec: TableSpec, select: QualifiedSQL, method: Method) -> Output:
    lake = open_lake(task.workspace)
    # And at their snapshots: the lake's head may be what another environment, or a later run, wrote.
    reads = input_tables(task)
    with lake.transaction(f"build {spec.table}", reads=reads, where=method.where) as transaction:
        task.report(0, None, "computing")
        with _placed(spec, select, task):
            made = method.build(transaction, select)
        # Inside the transaction: readers see the new rows only if the contract lets them.
        report = hold_contract(task, transaction.connection, spec.table, spec.contract)
        transaction.record_build(task.node.id, task.key, made)
        columns = transaction.columns(spec.table) or []
    summary: dict[str, JSON] = {
        "rows": made.rows,
        "columns": [column.name for column in columns],
        **(report.told() if report else {"contract": None}),
        **method.summary(),
    }
    return Output(
        digest=made.digest,
        reference=f"snapshot:{transaction.snapshot}",
        summary=summary,
        observed=method.observed(made),
    )


def _choose(task: Task, spec: TableSpec) -> Method:
    """Return how the header says that the table is built."""
    header = spec.sql.header
    if header.partition is not None:
        return InParts(spec, plan_parts(task, parted_table(task, spec, header.partition)), task)
    if header.form == "view":
        return AsView(spec, inputs=task.input_ids, snapshots=input_tables(task))
    if header.form == "history":
        return plan_history(task, spec)
    if header.form == "incremental":
        return plan_by_key(task, spec)
    return Whole(spec)


def _require_tables(spec: TableSpec, task: Task) -> None:
    """Refuse a step that makes something else than a table, which only its output tells."""
    for reference in spec.sql.references:
        if snapshot_of(task.inputs[reference.name]) is None:
            raise TableFailed(
                f"{spec.table} selects from {reference.name!r}, which makes no table",
                place=Place(spec.path, reference.line, reference.column),
                hint="FROM takes tables, sources (raw.NAME) and steps that make tables (steps.NAME)",
            )


@contextmanager
def _placed(spec: TableSpec, select: QualifiedSQL, task: Task) -> Iterator[None]:
    """Turn what the lake cannot compute into an error at its place in the file."""
    try:
        yield
    except (TableFailed, HistoryKeyBroken):
        raise
    except RopewalkError as error:
        # The engine speaks of the statement it was given; a person looks for the line of the file.
        place = select.find_place(error) or Place(spec.path)
        told = without_values(error.message) if _is_personal(spec, task) else error.message
        raise TableFailed(
            f"{spec.table} cannot be built: {told}",
            place=place,
            nearest=error.nearest,
            hint=error.hint,
            detail=_excerpt(spec, place),
        ) from error


def _is_personal(spec: TableSpec, task: Task) -> bool:
    """Return whether what the engine complains of may be a person's value."""
    contracts = read_contracts(task.workspace.root)
    return any(
        contracts[table].masks for table in {*input_tables(task), spec.table.lower()} & contracts.keys()
    )


def _excerpt(spec: TableSpec, place: Place) -> str | None:
    """Return the line of the file that `place` is in, with a mark below its column."""
    if place.line is None or place.column is None:
        return None
    # Columns count characters, and so does the mark.
    line = spec.sql.statement.splitlines()[place.line - 1]
    return f"{line}\n{' ' * (place.column - 1)}^"
