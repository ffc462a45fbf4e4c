"""In its own process: becoming another program whose output goes to a file and whose messages go to the log."""

from __future__ import annotations

import os
import sys

NOT_FOUND = 127


def main(output: str, *command: str) -> int:
    """Replace this process by `command`; return only when there is no such program."""
    stream = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    # What the program says as its protocol is kept apart from what it says to people.
    os.dup2(stream, 1)
    os.close(stream)
    try:
        os.execvp(command[0], command)  # noqa: S606  # a list from the declaration, and no shell
    except FileNotFoundError:
        sys.stderr.write(f"{command[0]}: no such program\n")
    except OSError as error:
        sys.stderr.write(f"{command[0]}: {error.strerror}\n")
    sys.stderr.flush()
    return NOT_FOUND
