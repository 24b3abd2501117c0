"""API keys: their text, their store in Redis, and the verifier.

Imports `matching` and everything below it.
"""
