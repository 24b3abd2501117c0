"""Conversations with WebSocket clients: requests, logins, resume, drain.

Imports `feed` and everything that `feed` imports.
"""
