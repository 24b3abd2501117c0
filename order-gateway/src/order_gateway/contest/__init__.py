"""Classes and competitions: performance, leaderboard, rounds, notices, a fresh start.

May import: everything below, which has no routes.
"""
