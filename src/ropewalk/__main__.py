"""`python -m ropewalk` is `ropewalk`."""

from ropewalk.cli.entry import main

# Who only reads all modules, such as the reference's generator, runs none of them.
if __name__ == "__main__":
    main()
