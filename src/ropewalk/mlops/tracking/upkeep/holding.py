"""Who still needs a run: registered versions of its models, deployments of these, releases, environments."""

from __future__ import annotations

from collections.abc import Collection

from ropewalk.mlops.tracking.errors import RunHeld
from ropewalk.pipeline import Workspace
from ropewalk.project import released_keys
from ropewalk.store import Connection
from ropewalk.store.tracking import upkeep

# More would make the error longer than anybody reads.
SHOWN = 3


def holders_of(workspace: Workspace, run_id: str) -> list[str]:
    """Return what needs the run, in words, the most important first; nothing when it may go."""
    released = released_keys(workspace.root)
    with workspace.database.read() as connection:
        return holders(connection, run_id, released)


def holders(connection: Connection, run_id: str, released: Collection[str]) -> list[str]:
    """Return what needs the run, inside a transaction; `released` are the keys that release files name."""
    found = list[str]()
    for model, version, aliases in upkeep.versions_of_run(connection, run_id):
        named = f" ({', '.join(aliases)})" if aliases else ""
        found.append(f"version {version} of model {model}{named}")
        served = upkeep.deployments_of_version(connection, model, version)
        found += [f"deployment {deployment}" for deployment in served]
    found += [f"a release's {node}" for node in upkeep.released_nodes_of_run(connection, run_id, released)]
    found += [f"{pointer}" for pointer in upkeep.environments_of_run(connection, run_id)]
    return found


def refuse_held(connection: Connection, run_id: str, released: Collection[str]) -> None:
    """Refuse to remove a run that is needed.

    Raises:
        RunHeld: something needs it.
    """
    found = holders(connection, run_id, released)
    if found:
        more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
        raise RunHeld(
            f"run {run_id} cannot be removed for good: {', '.join(found[:SHOWN])}{more} needs it",
            hint="delete the model version, or move the alias, deployment or environment on; until then it stays in"
            " the trash",
        )
