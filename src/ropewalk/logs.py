"""Log events with fields, for the operator; what a command found goes to stdout, never through here.

structlog costs more CPU to load than all the rest of a short command, so it is loaded with the first event, or by a
command that is sure to have some.
"""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING

from ropewalk.settings import Settings

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger, Processor

_pending: list[Settings] = []
_lock = threading.Lock()


def configure_logs(settings: Settings) -> None:
    """Send log events to stderr in the shape and from the level that `settings` name."""
    import structlog

    _pending.clear()
    renderer: Processor = (
        structlog.processors.JSONRenderer()
        if settings.log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(settings.log_level),
        # Asked for at each event: whoever exchanges the stream meanwhile (a test, a daemon) is heeded.
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )


def expect_logs(settings: Settings) -> None:
    """Configure log events as `configure_logs` does, but not before there is one."""
    _pending[:] = [settings]


def get_logger() -> FilteringBoundLogger:
    """Return where events go."""
    import structlog

    with _lock:
        if _pending:
            configure_logs(_pending[-1])
    found: FilteringBoundLogger = structlog.get_logger()
    return found
