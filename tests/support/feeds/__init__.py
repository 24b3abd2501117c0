"""Feeds served, read and fed in tests."""
