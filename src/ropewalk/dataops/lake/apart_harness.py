"""The process that answers one question under the limits of the operating system; see `apart.py`.

Reads the question from its input and writes the answer to its output.
"""

from __future__ import annotations

import pickle
import resource
import signal
import sys

import duckdb

from ropewalk.dataops.lake.apart import MOST_BYTES, memory_bytes
from ropewalk.dataops.lake.console import Console, Question

# The engine's own clock comes first, wherever it can: it names no signal.
_LATER_S = 0.5


def main() -> int:
    """Answer, and return the exit code: 0 with an answer or the engine's error, 1 when the answer is too large."""
    # Written by the process that started this one, over a pipe that nobody else has.
    question: Question = pickle.load(sys.stdin.buffer)  # noqa: S301  # see above
    console = Console(question.home, question.memory)
    connection = console.connect()
    most = memory_bytes(question.memory)
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    signal.setitimer(signal.ITIMER_REAL, question.asking.timeout_s + _LATER_S)
    try:
        found: tuple[str, object] = (
            "answer",
            console.answer_here(connection, question.query, question.asking),
        )
    except duckdb.Error as error:
        found = ("error", (type(error).__name__, str(error)))
    content = pickle.dumps(found)
    if len(content) > MOST_BYTES:
        return 1
    sys.stdout.buffer.write(content)
    return 0


if __name__ == "__main__":
    sys.exit(main())
