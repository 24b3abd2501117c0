"""The basis of every process: child processes, supervised tasks, the log, the address of a venue.

May import: `errors`, `limits`.
"""
