"""Recorded markets and their scores."""
