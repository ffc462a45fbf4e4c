"""What `ropewalk gc` does of tracking."""

from __future__ import annotations

from collections.abc import Callable

from ropewalk.mlops.tracking import get_run, set_stage
from ropewalk.pipeline import Workspace, collect_garbage
from ropewalk.store import now_ms

AddRun = Callable[..., str]


def swept(project: Workspace, *, is_dry: bool = False) -> dict[str, int]:
    """Collect what is older than a day and return how much of what that was."""
    found = collect_garbage(project, 86_400_000, is_dry=is_dry)
    return {one.what: one.count for one in found if one.count}


def test_old_trash_is_emptied_with_its_objects(project: Workspace, add_run: AddRun) -> None:
    """Runs that are in the trash for long are removed, and in the same collection the bytes of their files."""
    old, young = add_run(name="old"), add_run(name="young")
    set_stage(project, [old, young], "deleted")
    long_ago = now_ms() - 40 * 86_400_000
    with project.database.write() as connection:
        connection.execute("UPDATE run SET deleted_at = ? WHERE id = ?", (long_ago, old))

    assert swept(project, is_dry=True)["runs"] == 1
    assert swept(project)["runs"] == 1

    assert get_run(project, young).stage == "deleted"
    assert swept(project) == {}
