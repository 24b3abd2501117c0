"""The commands of `tapewire`, one module each, and their shared options.

Imports every other folder.
"""
