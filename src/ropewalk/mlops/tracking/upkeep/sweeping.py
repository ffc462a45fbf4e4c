"""What `ropewalk gc` does of tracking: deleted branches put away, rules of retention followed, the trash emptied."""

from __future__ import annotations

from ropewalk.mlops.tracking.upkeep.branches import archive_branches
from ropewalk.mlops.tracking.upkeep.removal import empty_trash
from ropewalk.mlops.tracking.upkeep.retention import apply_rules
from ropewalk.pipeline import Kept, Swept, Workspace


def sweep_tracking(workspace: Workspace, kept: Kept) -> list[Swept]:
    """Do all three and return how much that was, or would be; what goes to the trash now is removed another time."""
    # The trash first: what a rule throws away today can still be brought back until it is old enough.
    emptied = empty_trash(workspace, kept.before_ms, is_dry=kept.is_dry)
    archived = archive_branches(workspace, is_dry=kept.is_dry)
    verdicts = apply_rules(workspace, is_dry=kept.is_dry)
    taken = [verdict.remove for verdict in verdicts]
    return [
        Swept("runs", len(emptied.runs)),
        Swept("experiments", len(emptied.experiments)),
        Swept("logged models", emptied.models),
        Swept("runs put into the trash by retention", taken.count("run")),
        Swept("runs whose files retention removed", taken.count("artifacts")),
        Swept("runs of deleted branches archived", sum(len(one.run_ids) for one in archived)),
    ]
