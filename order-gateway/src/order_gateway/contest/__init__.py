"""What a class or a competition needs: performance, leaderboard, rounds, notices, a fresh start.

May import: `tapewire`, and the plain modules of the gateway beside it, but no routes.
"""
