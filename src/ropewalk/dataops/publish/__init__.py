"""Publishing back: a table of the lake to a database, a bucket or a search cluster, exactly once per version.

Other rooms import from here and nowhere deeper.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ropewalk.doors import lazy_names

if TYPE_CHECKING:
    from ropewalk.dataops.publish.declarations import PostgresTarget, Publication
    from ropewalk.dataops.publish.dialects import POSTGRES, Sent
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
    from ropewalk.dataops.publish.refusals import happened_meanwhile, translate_refusal
    from ropewalk.dataops.publish.servers import find_server
    from ropewalk.dataops.publish.session import Target, TargetSession, cut_name, open_session
    from ropewalk.dataops.publish.values import Published, PublishSpec

__all__ = [
    "POSTGRES",
    "InvalidPublication",
    "PostgresTarget",
    "Publication",
    "PublishFailed",
    "PublishKind",
    "PublishSpec",
    "Published",
    "Sent",
    "Standing",
    "Target",
    "TargetDrifted",
    "TargetRefused",
    "TargetSession",
    "TargetTaken",
    "TargetUnreachable",
    "cut_name",
    "find_server",
    "happened_meanwhile",
    "open_session",
    "publish_again",
    "read_standings",
    "translate_refusal",
]

__getattr__ = lazy_names(__name__, __file__)
