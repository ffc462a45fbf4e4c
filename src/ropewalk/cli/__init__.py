"""The command line: it translates between people and the rooms, and does nothing else."""
