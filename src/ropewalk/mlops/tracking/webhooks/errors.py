"""What can be wrong with a webhook.

RopewalkError
├── InvalidInput
│   ├── InvalidWebhook       a name, event or status that cannot be one
│   └── RefusedAddress       an address that this server does not call
└── NotFound
    └── UnknownWebhook
"""

from __future__ import annotations

from ropewalk.errors import InvalidInput, NotFound


class InvalidWebhook(InvalidInput):
    """A webhook has a name, an event or a status that cannot be one."""

    code = "RW171"


class RefusedAddress(InvalidInput):
    """A webhook's address is none, or leads into a network that this server does not call for others."""

    code = "RW172"


class UnknownWebhook(NotFound):
    """There is no webhook of that id."""

    code = "RW272"
