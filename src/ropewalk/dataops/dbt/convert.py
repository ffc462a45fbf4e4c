"""From a manifest to a project: everything that moves, and an account of what does not."""

from __future__ import annotations

import re

from ropewalk.dataops.dbt.checks import add_checks
from ropewalk.dataops.dbt.contracts import add_contracts, draft_contracts
from ropewalk.dataops.dbt.manifest import Manifest
from ropewalk.dataops.dbt.moves import Import
from ropewalk.dataops.dbt.names import name_tables
from ropewalk.dataops.dbt.sources import add_sources
from ropewalk.dataops.dbt.sql import known_relations
from ropewalk.dataops.dbt.tables import add_tables
from ropewalk.dataops.dbt.unit_tests import add_unit_tests

# What has no counterpart that SQL and YAML of dbt could be turned into.
UNMOVED = {
    "exposures": (
        "exposure",
        "lineage shows deployments and what reads a table; name this one where it is kept",
    ),
    "metrics": ("metric", "write it in metrics/NAME.yaml"),
    "semantic_models": ("semantic model", "its measures and dimensions go into metrics/NAME.yaml"),
    "saved_queries": ("saved query", "write it as questions/NAME.sql"),
    "functions": ("function", "write what it computes into the tables that call it"),
}


def convert_manifest(manifest: Manifest) -> Import:
    """Return the project that the dbt project of `manifest` is here; nothing is written."""
    names = name_tables(manifest)
    relations = known_relations(manifest, names)
    found = Import(_project(manifest))
    add_sources(manifest, names, found)
    add_tables(manifest, names, relations, found)
    drafts = draft_contracts(manifest, names, found)
    add_checks(manifest, names, relations, drafts, found)
    add_contracts(manifest, names, drafts, found)
    add_unit_tests(manifest, names, found)
    for node in manifest.of_type("analysis"):
        found.leave("analysis", node.name, "write it as questions/NAME.sql, or ask it with `ropewalk sql`")
    for node in manifest.of_type("operation"):
        found.leave("hook", node.name, "statements at the start or end of a run have no counterpart")
    for attribute, (what, why) in UNMOVED.items():
        for key, named in sorted(getattr(manifest, attribute).items()):
            found.leave(what, named.name or key, why)
    return found


def _project(manifest: Manifest) -> str:
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", manifest.metadata.project_name or "").strip("-")
    return name or "project"
