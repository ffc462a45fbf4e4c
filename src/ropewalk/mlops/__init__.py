"""MLOps: tracking, registry, training and evaluation."""
