"""Hold the tracking server to MLflow's own tests: what stock MLflow of that version passes, ours has to pass.

    python scripts/conformance.py CHECKOUT PLUGIN [--mlflow VERSION] [--select EXPRESSION] [SUITE...]

CHECKOUT has the folder `tests` and the file `pyproject.toml` of an MLflow release, PLUGIN the pytest plugin
`mlflow_conformance.py` that points them at a server. Neither is part of this repository. The client, the stock server and
what it passes are kept in `build/conformance/VERSION`. Where ours means to differ stands in `conformance_expected.py`.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from conformance_bench import Bench, Outcomes
from conformance_expected import reason_for

# What is asked over the wire alone, and the suites of which at least a part is.
SUITES = (
    "tests/tracking/test_rest_tracking.py",
    "tests/tracking/test_model_registry.py",
    "tests/tracking/test_tracking.py",
    "tests/tracking/test_log_image.py",
    "tests/tracking/test_log_figure.py",
    "tests/tracking/test_mlflow_artifacts.py",
    "tests/tracking/fluent/test_fluent.py",
    "tests/tracking/_model_registry/test_model_registry_fluent.py",
    "tests/tracking/test_client_webhooks.py",
    "tests/tracking/test_client_workspace.py",
    "tests/artifacts/test_artifacts.py",
    "tests/genai/datasets/test_fluent.py",
    "tests/genai/prompts/test_prompts.py",
    "tests/genai/scorers/test_scorer_CRUD.py",
    "tests/genai/test_git_versioning.py",
    "tests/tracing/test_assessment.py",
    "tests/tracing/test_attachments_integration.py",
    "tests/tracing/test_fluent.py",
    "tests/tracing/test_otel_loading.py",
    "tests/tracing/test_otel_logging.py",
)
VERSION = "3.11.1"


def main() -> None:
    """Run both servers through the suites and print how they compare; exit 1 when ours fails what stock passes."""
    arguments = _arguments()
    checkout = arguments.checkout.absolute()
    # A release has not all of them: the oldest that is supported knows no datasets.
    suites = [suite for suite in arguments.suites or SUITES if (checkout / suite).is_file()]
    if not suites:
        raise SystemExit(f"{checkout} has no {SUITES[0]}: name a checkout of MLflow {arguments.mlflow}")
    bench = Bench(arguments.mlflow, checkout, arguments.plugin.absolute(), arguments.select)
    stock, ours = bench.stock(suites), bench.ours(suites)
    missed = dict(_missed(stock, ours, suites, all_ran=not arguments.select))
    # On a busy machine a test that boots servers of its own may not be done in time: once more, and alone.
    if late := [name for name, said in missed.items() if "Timeout" in said]:
        ours |= bench.ours(late)
        missed = dict(_missed(stock, ours, suites, all_ran=not arguments.select))
    known = {name: why for name in missed if (why := reason_for(name, arguments.mlflow))}
    for name, said in missed.items():
        sys.stdout.write(f"EXPECTED {name}\n" if name in known else f"MISSED {name}\n")
        sys.stdout.write(f"       {known.get(name, said)}\n")
    for suite in suites:
        expected = _count(suite, stock, "passed") - sum(name.startswith(suite) for name in known)
        sys.stdout.write(f"{suite}: {_counts(suite, ours)}, expected {expected}\n")
    raise SystemExit(1 if missed.keys() - known.keys() else 0)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("checkout", type=Path)
    parser.add_argument("plugin", type=Path)
    parser.add_argument("suites", nargs="*", metavar="SUITE", help="files of tests, all of them by default")
    parser.add_argument("--mlflow", default=VERSION)
    parser.add_argument("--select", default="", help="only tests whose names match, as pytest's -k")
    # Suites may stand after options too.
    return parser.parse_intermixed_args()


def _missed(
    stock: Outcomes, ours: Outcomes, suites: list[str], *, all_ran: bool
) -> Iterator[tuple[str, str]]:
    """Yield each test that stock passes and ours does not, with what it said."""
    for name, found in stock.items():
        if found["outcome"] != "passed" or name.partition("::")[0] not in suites:
            continue
        if name in ours and ours[name]["outcome"] != "passed":
            yield name, _said(ours[name])
        # One that hangs takes those after it along: they count as failed, not as left out.
        elif name not in ours and all_ran:
            yield name, "it did not run"


def _count(suite: str, outcomes: Outcomes, wanted: str) -> int:
    return sum(name.startswith(suite) and found["outcome"] == wanted for name, found in outcomes.items())


def _counts(suite: str, outcomes: Outcomes) -> str:
    return ", ".join(f"{what} {_count(suite, outcomes, what)}" for what in ("passed", "failed"))


def _said(found: dict[str, str]) -> str:
    text = " ".join(str(value) for value in found.values() if isinstance(value, str))
    lines = re.findall(r"(?:^|\n)E +([^\n]+)", text.replace("\\n", "\n"))
    return str((lines or [found["outcome"]])[-1])[:160]


if __name__ == "__main__":
    main()
