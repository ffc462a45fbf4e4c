"""What can be wrong with what is asked of traces.

RopewalkError
├── InvalidInput
│   ├── MissingHeader        an export of spans does not say for which experiment it is
│   ├── InvalidSpans         an export cannot be read
│   └── NoSpanKept           no span of an export can be kept
└── NotFound
    ├── UnknownTrace
    ├── TraceIncomplete      spans of the trace are still on their way
    └── UnknownAssessment
"""

from __future__ import annotations

from ropewalk.errors import InvalidInput, NotFound


class MissingHeader(InvalidInput):
    """An export of spans lacks the header that names its experiment."""

    code = "RW146"


class InvalidSpans(InvalidInput):
    """An export of spans cannot be read, or has none."""

    code = "RW144"


class NoSpanKept(InvalidInput):
    """An export of spans can be read, and no span of it can be kept."""

    code = "RW129"


class UnknownTrace(NotFound):
    """There is no such trace, or it has no spans."""

    code = "RW243"


# Clients take it for "not there yet" and ask again.
class TraceIncomplete(NotFound):
    """Fewer spans have arrived than the trace's description counts."""

    code = "RW244"


class UnknownAssessment(NotFound):
    """There is no such assessment of that trace."""

    code = "RW245"
