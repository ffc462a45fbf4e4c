"""Ticks: the due times of schedules that some scheduler has claimed. Inserting the row is the claim."""

from __future__ import annotations

from dataclasses import dataclass

from ropewalk.store.database import Database

# Older ticks are forgotten: a rule of every minute makes half a million a year.
KEPT_MS = 90 * 86_400_000


@dataclass(frozen=True)
class TickRow:
    """One due time of one schedule; times in UTC milliseconds.

    Attributes:
        rule: the cron line and time zone that made it due.
        state: the scheduler's word for what became of it.
        run_id: the run that it started, once that is known.
        claimed_at: when a scheduler took it; also its token, as a later claim has a later time.
        finished_at: when it was done with; None while its run is at work, or was when its scheduler died.
        error: why it failed.
    """

    schedule: str
    due_at: int
    rule: str
    state: str
    run_id: str | None
    claimed_at: int
    finished_at: int | None
    error: str | None


def claim_tick(database: Database, tick: TickRow) -> bool:
    """Insert the tick and return whether this was the first to do so: of several schedulers one goes on."""
    with database.write() as connection:
        inserted = connection.execute(
            "INSERT INTO schedule_tick (schedule, due_at, rule, state, run_id, claimed_at, finished_at, error)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (schedule, due_at) DO NOTHING",
            (
                tick.schedule,
                tick.due_at,
                tick.rule,
                tick.state,
                tick.run_id,
                tick.claimed_at,
                tick.finished_at,
                tick.error,
            ),
        )
        return inserted.rowcount == 1


def claim_again(database: Database, tick: TickRow, state: str, claimed_at: int) -> bool:
    """Take over a tick whose scheduler died, as it was seen; False when another was faster."""
    with database.write() as connection:
        taken = connection.execute(
            "UPDATE schedule_tick SET state = ?, claimed_at = ?, run_id = NULL"
            " WHERE schedule = ? AND due_at = ? AND state = ? AND claimed_at = ? AND finished_at IS NULL",
            (state, claimed_at, tick.schedule, tick.due_at, tick.state, tick.claimed_at),
        )
        return taken.rowcount == 1


def name_run_of_tick(database: Database, tick: TickRow, run_id: str) -> None:
    """Record which run the tick started."""
    with database.write() as connection:
        connection.execute(
            "UPDATE schedule_tick SET run_id = ? WHERE schedule = ? AND due_at = ?",
            (run_id, tick.schedule, tick.due_at),
        )


def finish_tick(database: Database, tick: TickRow, state: str, finished_at: int, error: str | None) -> None:
    """Record what became of a claimed tick, and forget those of its schedule that are long past."""
    with database.write() as connection:
        connection.execute(
            "UPDATE schedule_tick SET state = ?, finished_at = ?, error = ?"
            " WHERE schedule = ? AND due_at = ? AND finished_at IS NULL",
            (state, finished_at, error, tick.schedule, tick.due_at),
        )
        connection.execute(
            "DELETE FROM schedule_tick WHERE schedule = ? AND due_at < ? AND finished_at IS NOT NULL",
            (tick.schedule, min(tick.due_at, finished_at) - KEPT_MS),
        )


def give_back_tick(database: Database, tick: TickRow) -> None:
    """Undo the claim of a tick that was not done: it is due again."""
    with database.write() as connection:
        connection.execute(
            "DELETE FROM schedule_tick WHERE schedule = ? AND due_at = ? AND finished_at IS NULL",
            (tick.schedule, tick.due_at),
        )


def latest_tick(database: Database, schedule: str, until: int) -> TickRow | None:
    """Return the schedule's tick with the latest due time up to `until`, whichever of its rules made it due."""
    with database.read() as connection:
        row = connection.execute(
            "SELECT * FROM schedule_tick WHERE schedule = ? AND due_at <= ? ORDER BY due_at DESC LIMIT 1",
            (schedule, until),
        ).fetchone()
    return TickRow(**dict(row)) if row else None


def is_known_rule(database: Database, schedule: str, rule: str) -> bool:
    """Return whether the schedule has had this rule before."""
    with database.read() as connection:
        row = connection.execute(
            "SELECT 1 FROM schedule_tick WHERE schedule = ? AND rule = ? LIMIT 1", (schedule, rule)
        ).fetchone()
    return row is not None


def unfinished_tick(database: Database, schedule: str) -> TickRow | None:
    """Return the earliest tick of the schedule that is not done with."""
    with database.read() as connection:
        row = connection.execute(
            "SELECT * FROM schedule_tick WHERE schedule = ? AND finished_at IS NULL ORDER BY due_at LIMIT 1",
            (schedule,),
        ).fetchone()
    return TickRow(**dict(row)) if row else None


def list_ticks(database: Database, schedule: str, limit: int = 20) -> list[TickRow]:
    """Return the schedule's latest ticks, latest first."""
    with database.read() as connection:
        rows = connection.execute(
            "SELECT * FROM schedule_tick WHERE schedule = ? ORDER BY due_at DESC LIMIT ?", (schedule, limit)
        ).fetchall()
    return [TickRow(**dict(row)) for row in rows]
