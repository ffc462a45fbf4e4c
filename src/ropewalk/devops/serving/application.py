"""A worker's HTTP side: a bare ASGI application around one engine and one segment.

No framework stands between the socket and the model; the order of work for a request is parse, check, predict,
record, reply. Whatever fails before the record leaves no trace in the log.
"""

from __future__ import annotations

import logging
import secrets

import msgspec

from ropewalk.devops.serving.engines import Engine
from ropewalk.devops.serving.errors import PathMissing, PredictionFailed
from ropewalk.devops.serving.payload import parse_body
from ropewalk.devops.serving.replies import error_reply
from ropewalk.devops.serving.request_body import Message, Receive, Send, read_body
from ropewalk.devops.serving.segments import Record, SegmentHeader, SegmentWriter, prediction_ids
from ropewalk.errors import RopewalkError, nearest
from ropewalk.store import now_ms

_INVOCATIONS = "/invocations"
_SEE_LOG = "its log is in the project's state folder, logs/serving-DEPLOYMENT.log"
_JSON = (b"content-type", b"application/json")


_log = logging.getLogger(__name__)


class ServingApplication:
    """The ASGI application of one worker: `POST /invocations`, and what probes ask."""

    def __init__(self, engine: Engine, log: SegmentWriter, header: SegmentHeader) -> None:
        self._engine = engine
        self._log = log
        self._header = header
        # Probes are answered from bytes made once.
        about = {"model": header.model, "model_version": header.version, "engine": engine.name}
        ready = b'{"live":true,"ready":true}'
        self._pages = {
            "/health": ready,
            "/ping": ready,
            "/version": msgspec.json.encode(about),
            "/v2/health/live": ready,
            "/v2/health/ready": ready,
        }

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            status, body = 200, await self._answer(scope, receive)
        except RopewalkError as error:
            status, body = error_reply(error)
        except Exception:  # noqa: BLE001  # the process boundary: the client gets our shape, the log the traceback
            _log.exception("request failed")
            status, body = error_reply(PredictionFailed("the worker failed on this request", hint=_SEE_LOG))
        headers = [_JSON, (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, scope: Message, receive: Receive) -> bytes:
        path, method = scope["path"], scope["method"]
        if path == _INVOCATIONS and method == "POST":
            # ASGI promises lower-case header names.
            media_type = next((value for name, value in scope["headers"] if name == b"content-type"), b"")
            return self._predict(await read_body(receive), media_type.decode("latin-1"))
        if path in self._pages and method in {"GET", "HEAD"}:
            return self._pages[path] if method == "GET" else b""
        known = {_INVOCATIONS: "POST", **dict.fromkeys(self._pages, "GET")}
        raise PathMissing(
            f"{method} {path} is not answered here",
            nearest=nearest(path, known),
            hint=f"use {known[path]}" if path in known else f"predictions are at POST {_INVOCATIONS}",
        )

    def _predict(self, body: bytes, media_type: str) -> bytes:
        arrived_at = now_ms()
        signature = self._engine.signature
        frame = parse_body(body, media_type, signature.is_number)
        predictions = self._engine.predict(signature.select(frame))
        request_id = secrets.token_hex(16)
        names = frame.names if frame.names is not None else signature.names
        # From here on the prediction exists: recorded first, then answered.
        self._log.append(Record(request_id, arrived_at, names, frame.columns, predictions))
        reply = {
            "predictions": predictions,
            "model_version": self._header.version,
            "prediction_ids": prediction_ids(request_id, frame.rows),
        }
        return msgspec.json.encode(reply)
