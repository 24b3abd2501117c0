"""From one event to every socket: rings, groups, sessions, lag policies.

May import: `errors`, `limits`, `topics`.
"""
