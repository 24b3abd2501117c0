"""The commands of `tapewire`, one module each, and their shared options.

May import: everything below.
"""
