"""What every process needs: child processes, supervised tasks, the log.

Imports nothing else of Tapewire.
"""
