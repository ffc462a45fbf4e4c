"""Log events with fields, for the operator; what a command found goes to stdout, never through here."""

from __future__ import annotations

import sys

import structlog

from ropewalk.settings import Settings


def configure_logs(settings: Settings) -> None:
    """Send log events to stderr in the shape and from the level that `settings` name."""
    renderer: structlog.typing.Processor = (
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
