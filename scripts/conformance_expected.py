"""Where ours means to differ from stock MLflow, and why: the only tests it passes that ours may fail."""

from __future__ import annotations

from typing import NamedTuple


class Difference(NamedTuple):
    """A test, or all of its parameter sets, that ours fails on purpose."""

    test: str
    reason: str
    # The release it holds for; empty for all.
    version: str = ""


EXPECTED = (
    Difference(
        "tests/tracking/test_tracking.py::test_get_artifact_uri_appends_to_uri_path_component_correctly[mysql",
        "A database is no place for files: an artifact location names a remote store, or is refused when it is given, "
        "not when the first file is sent.",
    ),
    *(
        Difference(
            f"tests/tracking/_model_registry/test_model_registry_fluent.py::{test}",
            "The model is a pickle of a function of the test's own, which nobody has looked at: a registry refuses it unless "
            "its policy says `pickles: quarantine`, and a maintainer allows the version by name.",
        )
        for test in (
            "test_register_model_with_runs_uri",
            "test_register_model_with_tags",
            "test_set_model_version_tag",
        )
    ),
    Difference(
        "tests/tracing/test_fluent.py::test_tracing_context_enabled_is_thread_safe",
        "Chance: a thread that is free early takes a second task and finds the trace of its first. The sooner the server "
        "answers, the likelier that is.",
    ),
    Difference(
        "tests/tracking/test_model_registry.py::test_get_model_version[",
        "Of a version that is no number we say what newer releases of MLflow say, which is other words for the same code.",
        "2.19.0",
    ),
)


def reason_for(name: str, version: str) -> str:
    """Return why ours may fail a test of a release of MLflow, empty when it may not."""
    return next(
        (
            known.reason
            for known in EXPECTED
            if name.startswith(known.test) and known.version in ("", version)
        ),
        "",
    )
