"""One module per command, each with one click command called `command`."""
