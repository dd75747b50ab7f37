"""The commands by subject: names, options and help, and nothing of how it is done.

Each command imports what it needs when it is called, so that `--help` and completion wait for nothing.
"""
