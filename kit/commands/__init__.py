"""The command line, one file a command; ``kit.__main__`` gathers them.

Each command imports what it needs when it runs: help answers at once.
"""
