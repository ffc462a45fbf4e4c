"""What a worker process and its parent tell each other at the start, as JSON."""

from __future__ import annotations

import msgspec


class WorkerSpec(msgspec.Struct, frozen=True):
    """What a worker is told at its start.

    Attributes:
        folder: the MLmodel folder to load.
        parent: process id of the starter; the worker ends with it.
        socket: path of the Unix socket to listen on; None to load, predict one example, and end.
        predictions: folder for the segment.
        deployment: name of the deployment.
        model: registered name of the model.
        version: its version.
        key: the request column that identifies what is predicted.
    """

    folder: str
    parent: int
    socket: str | None = None
    predictions: str = ""
    deployment: str = ""
    model: str = ""
    version: int = 0
    key: str = ""


# A line of JSON and no pickle: the sender has opened a model that nobody trusts.
class Word(msgspec.Struct, frozen=True):
    """What a worker says once on its pipe: the engine it runs, or the error that ended it."""

    engine: str | None = None
    message: str | None = None
    detail: str | None = None
    hint: str | None = None
