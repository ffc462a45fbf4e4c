"""Models read without being executed: what an MLmodel says, and which names the pickles of a model would import."""
