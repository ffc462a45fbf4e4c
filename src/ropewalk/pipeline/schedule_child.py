"""The child process of a scheduled run: started apart from the scheduler, so that neither holds up the other."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ropewalk.pipeline.schedule import Schedule
from ropewalk.pipeline.workspace import Workspace

# A run that is asked to end first ends its steps.
GRACE_S = 30.0
TAIL_BYTES = 8192


@dataclass
class ChildRun:
    """A `ropewalk run` as a process of its own, and the file that holds what it said."""

    process: subprocess.Popen[bytes]
    log: Path

    @classmethod
    def start(cls, workspace: Workspace, schedule: Schedule, command: Sequence[str]) -> ChildRun:
        """Start the run of one due time; `command` is how a process says `ropewalk`."""
        log = workspace.state / "logs" / "schedule" / f"{schedule.name}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        environment = schedule.environment or workspace.settings.environment
        options = ("--cause", schedule.cause, "--environment", environment)
        arguments = [*command, "-C", str(workspace.root), "run", *schedule.nodes, *options]
        with log.open("wb") as stream:
            process = subprocess.Popen(
                arguments,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                # Ctrl-C at the terminal is for the scheduler, which then ends its runs itself.
                start_new_session=True,
            )
        return cls(process, log)

    def is_alive(self, seconds: float) -> bool:
        """Wait up to so many seconds for the end, and return whether it has not come."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return True
        return False

    def end(self) -> None:
        """Ask the run to end, and kill it when it does not."""
        self.process.terminate()
        if self.is_alive(GRACE_S):
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def complaint(self) -> str | None:
        """Return why the ended run failed, on one line; None when it succeeded."""
        code = self.process.returncode
        if code == 0:
            return None
        lines = self._last_lines()
        # Errors come before the line with the counts, and the first of them is the cause of the others.
        error = next((line for line in lines if line.startswith("error[")), lines[-1] if lines else "")
        ended = f"signal {-code}" if code < 0 else f"exit code {code}"
        return f"{ended}: {error}" if error else ended

    def _last_lines(self) -> list[str]:
        with self.log.open("rb") as stream:
            stream.seek(max(0, self.log.stat().st_size - TAIL_BYTES))
            return [
                line.strip() for line in stream.read().decode("utf-8", "replace").splitlines() if line.strip()
            ]
