"""What the two services and the tools of Tapewire agree on: types, messages, keys, limits."""

__version__ = "0.1.0"
