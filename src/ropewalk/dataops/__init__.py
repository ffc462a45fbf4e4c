"""DataOps: sources, lake, tables, contracts and catalogue."""
