"""Where the program `ropewalk` begins: with a glance, which may be all that is needed."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Answer `ropewalk run` at a glance if nothing changed; else run the command line."""
    if sys.argv[1:2] == ["run"]:
        from ropewalk.glance import recall

        text = recall(sys.argv[1:])
        if text is not None:
            sys.stdout.write(text)
            sys.stdout.flush()
            # Nothing is open and nobody waits: taking the interpreter down in order would be a tenth of it all.
            os._exit(0)
    from ropewalk.cli.main import main as run_command

    run_command()


if __name__ == "__main__":
    main()
