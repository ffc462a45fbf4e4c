"""Run `ropewalk ARGUMENTS` in this process and print, as JSON, the CPU seconds of the engine and of its children."""

from __future__ import annotations

import json
import resource
import sys

from ropewalk.cli.main import run


def main() -> int:
    """Run the command that the arguments are, and print what it cost."""
    code = run(sys.argv[1:])
    spent = {
        name: resource.getrusage(who).ru_utime + resource.getrusage(who).ru_stime
        for name, who in (("engine", resource.RUSAGE_SELF), ("children", resource.RUSAGE_CHILDREN))
    }
    print("\n" + json.dumps(spent))
    return code


if __name__ == "__main__":
    sys.exit(main())
