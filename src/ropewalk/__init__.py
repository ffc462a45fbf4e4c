"""Ropewalk: ship data, models and software together from one Git repository."""

__version__ = "0.1.0"
