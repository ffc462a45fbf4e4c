"""`python -m ropewalk` is `ropewalk`."""

from ropewalk.cli.entry import main

main()
