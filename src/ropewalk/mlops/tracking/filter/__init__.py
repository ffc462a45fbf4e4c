"""The filter language of MLflow's searches: text to conditions and orderings, one grammar, one schema per entity."""

from ropewalk.mlops.tracking.filter.parser import parse_filter, parse_ordering
from ropewalk.mlops.tracking.filter.schemas import (
    EXPERIMENTS,
    LOGGED_MODELS,
    MODEL_VERSIONS,
    REGISTERED_MODELS,
    RUNS,
    Schema,
)

__all__ = [
    "EXPERIMENTS",
    "LOGGED_MODELS",
    "MODEL_VERSIONS",
    "REGISTERED_MODELS",
    "RUNS",
    "Schema",
    "parse_filter",
    "parse_ordering",
]
