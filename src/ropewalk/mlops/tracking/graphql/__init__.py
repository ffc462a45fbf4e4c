"""The few questions that MLflow's pages ask in GraphQL: answered by the same rows, read only, bounded beforehand."""
