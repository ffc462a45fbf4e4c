"""One worker process: one model version, one socket, one segment. `python -P -m ropewalk.devops.serving.worker SPEC`.

The process that starts it hands over a `WorkerSpec` as JSON and the write end of a pipe, on which the worker says
once, in one line, that it is ready or why it is not. It never outlives its parent, even one that was killed.
"""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec
import uvicorn
import uvloop

from ropewalk.devops.serving.application import ServingApplication
from ropewalk.devops.serving.engines import Engine, open_engine
from ropewalk.devops.serving.example import example_columns
from ropewalk.devops.serving.segments import SegmentHeader, SegmentWriter
from ropewalk.devops.serving.words import Word, WorkerSpec
from ropewalk.errors import RopewalkError

_PR_SET_PDEATHSIG = 1
# Longer than any client here keeps a connection, so that a reused one is never closed under a request.
_KEEP_ALIVE_S = 3600


def main(arguments: Sequence[str]) -> int:
    """Run one worker until it is told to end; return its exit code."""
    spec = msgspec.json.decode(arguments[0], type=WorkerSpec)
    _end_with(spec.parent)
    try:
        engine = open_engine(Path(spec.folder))
        # The first prediction also pays for lazy set-up, before anyone waits for it.
        engine.predict(example_columns(Path(spec.folder), engine.signature))
        if spec.socket:
            # Measured: a tenth less CPU per request than with the loop of the standard library.
            uvloop.run(_serve(engine, spec, spec.socket, int(arguments[1])))
        else:
            _say(int(arguments[1]), Word(engine=engine.name))
    except RopewalkError as error:
        _say(int(arguments[1]), Word(message=error.message, detail=error.detail, hint=error.hint))
        return 1
    return 0


async def _serve(engine: Engine, spec: WorkerSpec, path: str, pipe: int) -> None:
    types = {column.name: column.type for column in engine.signature.columns}
    header = SegmentHeader(spec.deployment, spec.model, spec.version, spec.key, types)
    log = SegmentWriter(Path(spec.predictions), header)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(path)
    config = uvicorn.Config(
        ServingApplication(engine, log, header),
        lifespan="off",
        ws="none",
        access_log=False,
        log_config=None,
        timeout_keep_alive=_KEEP_ALIVE_S,
    )
    # Connections queue from here on, so the pipe may speak before the server has taken its first.
    listener.listen(512)
    _say(pipe, Word(engine=engine.name))
    await uvicorn.Server(config).serve(sockets=[listener])


def _say(pipe: int, word: Word) -> None:
    os.write(pipe, msgspec.json.encode(word))
    os.close(pipe)


def _end_with(parent: int) -> None:
    """Let the kernel kill this process when its parent ends, and end now if that has happened already."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
