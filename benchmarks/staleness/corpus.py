"""How often planning is wrong: every edit of the corpus, planned by the real planner, held against what is true.

False-fresh: something must run again and the plan calls it fresh (or lets it wait for others only). False-stale:
something need not run and the plan runs it. Exit code 1 when anything is false-fresh, or more than one edit in twenty
false-stale.

    python benchmarks/staleness/corpus.py            # make staleness
    python benchmarks/staleness/corpus.py --every 8  # one edit in eight
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from bench import Bench
from edits import EITHER, EXECUTED, NEUTRAL, Edit, corpus

MOST_STALE = 0.05


@dataclass
class Tally:
    """What was counted for one class of edits, or for all."""

    edits: int = 0
    must_run: int = 0
    may_not_run: int = 0
    false_fresh: int = 0
    false_stale: int = 0
    stale_edits: int = 0
    judged: int = 0
    wrong: list[str] = field(default_factory=list)


def main(arguments: list[str]) -> int:
    """Go through the corpus, print the table, and return the exit code."""
    parser = argparse.ArgumentParser(description="Measure how often planning is wrong about what is stale.")
    parser.add_argument("--every", type=int, default=1, help="take only one edit in so many")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="staleness-") as folder:
        tallies = judge(corpus()[:: options.every], Path(folder))
    total = _sum(tallies.values())
    _print(tallies, total)
    return int(total.false_fresh > 0 or total.stale_edits > MOST_STALE * total.judged)


def judge(edits: Iterable[Edit], folder: Path) -> dict[str, Tally]:
    """Return the counts of each class of edits, judged in a project below `folder`."""
    tallies: dict[str, Tally] = {}
    with Bench(folder) as bench:
        for edit in edits:
            _judge(edit, bench, tallies.setdefault(edit.group, Tally()))
    return dict(sorted(tallies.items()))


def _judge(edit: Edit, bench: Bench, tally: Tally) -> None:
    with bench.applied(edit):
        must_run = _truth(edit, bench)
        planned = bench.plan(edit.parameters)
    # What stands behind something that runs again waits for what comes out: neither answer is wrong.
    free = bench.descendants(must_run) - must_run
    fresh = {node for node, is_stale in planned.items() if not is_stale}
    missed = must_run & fresh | must_run - planned.keys()
    extra = planned.keys() - fresh - must_run - free
    tally.edits += 1
    tally.must_run += len(must_run)
    tally.false_fresh += len(missed)
    tally.wrong += [f"FALSE FRESH {node}: {edit.group}: {edit.name}" for node in sorted(missed)]
    if edit.truth == EITHER:
        return
    tally.judged += 1
    tally.may_not_run += len(planned.keys() - must_run - free)
    tally.false_stale += len(extra)
    tally.stale_edits += bool(extra)
    tally.wrong += [f"false stale {node}: {edit.group}: {edit.name}" for node in sorted(extra)]


def _truth(edit: Edit, bench: Bench) -> set[str]:
    """Return the nodes that must run again."""
    if isinstance(edit.truth, frozenset):
        return set(edit.truth)
    differing = {f"step:{name}" for name in bench.differing_steps()} if edit.files or edit.packages else set()
    if edit.truth in {NEUTRAL, EITHER} and differing:
        message = f"{edit.group}: {edit.name} was said to change nothing, and changes {differing}"
        raise ValueError(message)
    assert edit.truth in {EXECUTED, NEUTRAL, EITHER}
    return differing


def _sum(tallies: Iterable[Tally]) -> Tally:
    total = Tally()
    for tally in tallies:
        for name, value in vars(tally).items():
            setattr(total, name, getattr(total, name) + value)
    return total


def _print(tallies: dict[str, Tally], total: Tally) -> None:
    print(f"{'class of edit':30} {'edits':>5} {'must run':>8} {'false-fresh':>11} {'false-stale':>11}")
    for name, tally in [*tallies.items(), ("all", total)]:
        print(
            f"{name:30} {tally.edits:5} {tally.must_run:8} {tally.false_fresh:11} "
            f"{tally.stale_edits:5} {_share(tally.stale_edits, tally.judged):>5}"
        )
    print(f"\nof {total.must_run} nodes that must run again, {total.false_fresh} would not")
    print(f"of {total.may_not_run} nodes that need not run, {total.false_stale} would")
    for line in total.wrong:
        print(f"  {line}")


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f}%" if whole else "-"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
