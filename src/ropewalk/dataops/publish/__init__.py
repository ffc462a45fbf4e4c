"""Publishing back: a table of the lake to a database, a bucket or a search cluster, exactly once per version.

Other rooms import from here and nowhere deeper.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ropewalk.doors import lazy_names

if TYPE_CHECKING:
    from ropewalk.dataops.publish.declarations import Publication
    from ropewalk.dataops.publish.errors import (
        InvalidPublication,
        PublishFailed,
        TargetDrifted,
        TargetRefused,
        TargetTaken,
        TargetUnreachable,
    )
    from ropewalk.dataops.publish.kind import PublishKind
    from ropewalk.dataops.publish.publishing import Standing, publish_again, read_standings
    from ropewalk.dataops.publish.values import Published, PublishSpec

__all__ = [
    "InvalidPublication",
    "Publication",
    "PublishFailed",
    "PublishKind",
    "PublishSpec",
    "Published",
    "Standing",
    "TargetDrifted",
    "TargetRefused",
    "TargetTaken",
    "TargetUnreachable",
    "publish_again",
    "read_standings",
]

__getattr__ = lazy_names(__name__, __file__)
