"""MLflow's protocol as structs, and the one place that knows how it differs from plain JSON."""
