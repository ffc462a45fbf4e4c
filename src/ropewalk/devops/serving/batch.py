"""Predictions for many rows at once, by a running `ropewalk up` or by a worker started for the occasion.

Either way the rows go through the same door as any request, and are recorded as such.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from urllib.parse import quote

import httpx
import msgspec

from ropewalk.devops.serving.deployments import get_deployment, worker_log, worker_spec
from ropewalk.devops.serving.errors import BadPayload, WorkerLost, WrongValue
from ropewalk.devops.serving.places import full_name
from ropewalk.devops.serving.process import SocketFolder, WorkerProcess
from ropewalk.devops.serving.replies import error_from_reply
from ropewalk.devops.serving.request_body import MAX_BODY
from ropewalk.pipeline import Workspace

# Large enough to make HTTP's share small; a batch of very wide rows is halved until it fits the body limit.
BATCH_ROWS = 2000
_TIMEOUT_S = 120.0

Row = Mapping[str, object]


@dataclass
class Predictions:
    """What a deployment answered: one value and one id per row, in the order of the rows.

    Attributes:
        values: the predictions.
        ids: their ids in the lake's table of predictions.
        versions: the model versions that answered, oldest first.
    """

    values: list[object] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    versions: list[int] = field(default_factory=list)


def predict(workspace: Workspace, name: str, rows: Iterable[Row], *, url: str | None = None) -> Predictions:
    """Return the deployment's predictions for `rows`, sent in batches; each is recorded.

    Args:
        workspace: the open project.
        name: the deployment.
        rows: mappings from column to value, all with the same columns.
        url: address of a running `ropewalk up`; without it a worker is started and ended again.

    Raises:
        DeploymentMissing: there is no such deployment.
        BadPayload, MissingColumn, WrongValue: the rows do not fit the model; batches before stay recorded.
        ModelNotServable: the worker does not start.
        WorkerLost: the server cannot be reached or went away.
    """
    found = Predictions()
    pending = iter(rows)
    with _client(workspace, name, url) as (client, path):
        while batch := list(islice(pending, BATCH_ROWS)):
            _send(client, path, batch, found)
    if not found.values:
        raise BadPayload("there are no rows to predict")
    return found


@contextmanager
def _client(workspace: Workspace, name: str, url: str | None) -> Iterator[tuple[httpx.Client, str]]:
    if url is not None:
        # A proxy of the environment has no business between here and a server that was named.
        with httpx.Client(base_url=url, timeout=_TIMEOUT_S, trust_env=False) as client:
            yield client, f"/deployments/{quote(name, safe='')}/invocations"
        return
    deployment = get_deployment(workspace, name)
    # A worker of its own: a model's bytes are not trusted in this process, also for one batch.
    with SocketFolder(workspace.state) as folder:
        spec = worker_spec(workspace, deployment, str(folder / "0.sock"))
        with WorkerProcess(spec, worker_log(workspace, full_name(workspace, name))) as worker:
            worker.wait_ready()
            transport = httpx.HTTPTransport(uds=spec.socket)
            with httpx.Client(transport=transport, base_url="http://worker", timeout=_TIMEOUT_S) as client:
                yield client, "/invocations"


def _send(client: httpx.Client, path: str, batch: list[Row], found: Predictions) -> None:
    content = _encode(batch, len(found.values))
    if len(content) > MAX_BODY and len(batch) > 1:
        half = len(batch) // 2
        _send(client, path, batch[:half], found)
        _send(client, path, batch[half:], found)
        return
    try:
        reply = client.post(path, content=content, headers={"content-type": "application/json"})
    except httpx.TransportError as error:
        raise WorkerLost(
            f"no answer from {client.base_url}: {error}", hint="is `ropewalk up` running?"
        ) from error
    if reply.status_code != 200:
        raise error_from_reply(
            reply.status_code, reply.content, f"in the batch from row {len(found.values)} on"
        )
    answer = msgspec.json.decode(reply.content)
    found.values += answer["predictions"]
    found.ids += answer["prediction_ids"]
    # The deployment may have moved between two batches; who asked should see that.
    if answer["model_version"] not in found.versions:
        found.versions.append(answer["model_version"])


def _encode(batch: list[Row], first: int) -> bytes:
    names = list(batch[0])
    try:
        data = [[row[name] for name in names] for row in batch]
    except KeyError as error:
        raise WrongValue(f"a row after row {first} has no column {error.args[0]!r}") from error
    return _encoder.encode({"dataframe_split": {"columns": names, "data": data}})


def _plain(value: object) -> object:
    # Scalars of numpy and pandas know their plain value; anything else is refused by the encoder's caller.
    item = getattr(value, "item", None)
    if item is None:
        raise WrongValue(f"a value of type {type(value).__name__} cannot be sent")
    return item()


_encoder = msgspec.json.Encoder(enc_hook=_plain, decimal_format="number")
