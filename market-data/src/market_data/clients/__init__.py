"""Conversations with WebSocket clients: requests, logins, resume, drain.

May import: `errors`, `limits`, `settings`, `topics`, `fanout`, `market`, `feed`.
"""
