"""What every process needs: child processes, supervised tasks, the log, the address of a venue.

May import: `errors`.
"""
