"""DevOps: serving, monitoring and the way to a forge."""
