"""Test results as JUnit's XML, which GitLab and other systems show beside a change."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from ropewalk.project import NotWritten

if TYPE_CHECKING:
    from ropewalk.cli.commands.test import Outcome

# Characters that XML cannot hold in any form.
_IMPOSSIBLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_junit(path: Path, outcomes: Sequence[Outcome]) -> None:
    """Write `outcomes` to `path`: a suite for each table, a case for each test.

    Raises:
        NotWritten: the file cannot be written.
    """
    root = ET.Element("testsuites", name="ropewalk test")
    ordered = sorted(outcomes, key=lambda outcome: outcome.suite)
    for suite, found in groupby(ordered, key=lambda outcome: outcome.suite):
        root.append(_suite(suite, list(found)))
    ET.indent(root)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        ET.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)
    except OSError as error:
        raise NotWritten(f"{path} cannot be written: {error.strerror}") from error


def _suite(name: str, outcomes: Sequence[Outcome]) -> ET.Element:
    states = [outcome.state for outcome in outcomes]
    suite = ET.Element(
        "testsuite",
        name=name,
        tests=str(len(outcomes)),
        failures=str(states.count("failed")),
        skipped=str(states.count("skipped")),
        time=f"{sum(outcome.seconds for outcome in outcomes):.3f}",
    )
    for outcome in outcomes:
        suite.append(_case(outcome))
    return suite


def _case(outcome: Outcome) -> ET.Element:
    case = ET.Element(
        "testcase",
        classname=f"{outcome.suite} ({outcome.kind})",
        name=_IMPOSSIBLE.sub("?", outcome.name),
        time=f"{outcome.seconds:.3f}",
    )
    if outcome.place:
        path, _, place = outcome.place.partition(":")
        case.set("file", path)
        if place:
            case.set("line", place.partition(":")[0])
    text = _IMPOSSIBLE.sub("?", "\n".join(outcome.details))
    if outcome.state in ("failed", "skipped"):
        element = "failure" if outcome.state == "failed" else "skipped"
        told = ET.SubElement(case, element, message=text.partition("\n")[0])
        told.text = text
    elif text:
        ET.SubElement(case, "system-out").text = text
    return case
