"""The common ground of the two services and the tools: types, messages, keys, limits."""

__version__ = "0.1.0"
