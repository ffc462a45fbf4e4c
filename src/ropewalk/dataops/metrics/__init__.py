"""Metrics: what the business counts, declared once over tables, and asked for by anybody.

Other rooms import from here and nowhere deeper.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ropewalk.doors import lazy_names

if TYPE_CHECKING:
    from ropewalk.dataops.metrics.answer import MetricAnswer, ask_metrics, plan_metrics
    from ropewalk.dataops.metrics.compile import MetricQuestion, compile_question
    from ropewalk.dataops.metrics.declarations import GRAINS, Grain, MetricFile
    from ropewalk.dataops.metrics.errors import InvalidMetric, MetricMissing, RowsCountedTwice
    from ropewalk.dataops.metrics.kind import MetricKind
    from ropewalk.dataops.metrics.reading import Metric, Metrics, Subject, read_metrics, survey_metrics

__all__ = [
    "GRAINS",
    "Grain",
    "InvalidMetric",
    "Metric",
    "MetricAnswer",
    "MetricFile",
    "MetricKind",
    "MetricMissing",
    "MetricQuestion",
    "Metrics",
    "RowsCountedTwice",
    "Subject",
    "ask_metrics",
    "compile_question",
    "plan_metrics",
    "read_metrics",
    "survey_metrics",
]

__getattr__ = lazy_names(__name__, __file__)
