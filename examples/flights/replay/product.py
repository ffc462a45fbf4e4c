"""The product as the demo uses it: its public commands, each asked for JSON."""

from __future__ import annotations

import json
import socket
import sysconfig
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from replay.processes import DemoFailed, serving, started

# What the commands answer with is documented, not typed.
Document = Mapping[str, Any]
PORT = 8765


class Product:
    """The commands of `ropewalk`, called in one project.

    Attributes:
        folder: the project.
        said: hears what the commands say on stderr while they run.
    """

    def __init__(self, folder: Path, said: Callable[[str], None]) -> None:
        self.folder = folder
        self.said = said
        self._ropewalk = Path(sysconfig.get_path("scripts")) / "ropewalk"

    def run(self) -> Document:
        """Bring the project up to date."""
        return self._ask("run", "--json")

    def status(self) -> dict[str, Document]:
        """Return what is recorded for each node, by id."""
        return {node["id"]: node for node in self._ask("status", "--json")["nodes"]}

    def rows(self, query: str) -> list[dict[str, Any]]:
        """Return the rows that a question to the lake gives."""
        found: list[dict[str, Any]] = self._ask("sql", query, "--json")["rows"]
        return found

    def predict(self, deployment: str, table: str, where: str, url: str) -> int:
        """Post rows of a table to the running deployment; return how many were predicted."""
        found = self._ask("predict", deployment, "--table", table, "--where", where, "--url", url, "--json")
        return int(found["rows"])

    def up(self) -> AbstractContextManager[str]:
        """Serve the project while the context lasts and yield the address."""
        return serving([self._ropewalk, "up", "--port", str(free_port(PORT))], self.folder)

    def _ask(self, *arguments: str) -> Document:
        with started([self._ropewalk, *arguments], self.folder, self.said) as process:
            text = process.output()
            code = process.popen.returncode
        document = _parse(text)
        if code:
            raise DemoFailed(
                f"`ropewalk {arguments[0]}` failed with exit code {code}\n{_why(document) or process.tail}"
            )
        return document


def free_port(wanted: int) -> int:
    """Return `wanted` if nothing listens there, else 0, which takes any."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            return 0
    return wanted


def _parse(text: str) -> Document:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _why(document: Document) -> str:
    """Return the errors that a command answered with, one a line with its hint."""
    errors = [document.get("error"), *(node.get("error") for node in document.get("nodes", ()))]
    lines = [
        f"error[{error['code']}]: {error['message']}"
        + (f"\n  at {error['place']}" if error.get("place") else "")
        + (f"\n  hint: {error['hint']}" if error["hint"] else "")
        for error in errors
        if error
    ]
    return "\n".join(lines)
