"""The command line: `main.py` finds the command, one module per command holds its arguments and calls the library."""
