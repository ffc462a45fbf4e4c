"""The filter language of MLflow's searches: text to conditions and orderings, one grammar, one schema per entity."""

from ropewalk.mlops.tracking.filter.parser import parse_filter, parse_ordering
from ropewalk.mlops.tracking.filter.schemas import (
    EVALUATION_SETS,
    EXPERIMENTS,
    ISSUES,
    LOGGED_MODELS,
    MODEL_VERSIONS,
    REGISTERED_MODELS,
    RUNS,
    Schema,
)
from ropewalk.mlops.tracking.filter.trace_schemas import TRACE_MEASURES, TRACES

__all__ = [
    "EVALUATION_SETS",
    "EXPERIMENTS",
    "ISSUES",
    "LOGGED_MODELS",
    "MODEL_VERSIONS",
    "REGISTERED_MODELS",
    "RUNS",
    "TRACES",
    "TRACE_MEASURES",
    "Schema",
    "parse_filter",
    "parse_ordering",
]
