"""What a class or a competition needs: performance, leaderboard, rounds, notices, a fresh start.

May import: `catalogue`, `errors`, `order_entry`, `params`, `replies`.
"""
