"""Playing the year 2013 through the project: the commands, the processes and the words of `demo.py`."""
