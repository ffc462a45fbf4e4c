"""Webhooks: who is told of changes in the registry, and the courier that tells them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ropewalk.doors import lazy_names

if TYPE_CHECKING:
    from ropewalk.mlops.tracking.webhooks.courier import Courier
    from ropewalk.mlops.tracking.webhooks.hooks import (
        change_webhook,
        create_webhook,
        delete_webhook,
        get_webhook,
        list_deliveries,
        list_webhooks,
        revive_deliveries,
        try_webhook,
    )

__all__ = [
    "Courier",
    "change_webhook",
    "create_webhook",
    "delete_webhook",
    "get_webhook",
    "list_deliveries",
    "list_webhooks",
    "revive_deliveries",
    "try_webhook",
]

__getattr__ = lazy_names(__name__, __file__)
