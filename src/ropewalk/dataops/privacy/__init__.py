"""Privacy: what of a project's tables is masked for whoever has no right to personal data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ropewalk.doors import lazy_names

if TYPE_CHECKING:
    from ropewalk.dataops.privacy.seeing import project_masks
    from ropewalk.dataops.privacy.spread import spread_masks

__all__ = ["project_masks", "spread_masks"]

__getattr__ = lazy_names(__name__, __file__)
