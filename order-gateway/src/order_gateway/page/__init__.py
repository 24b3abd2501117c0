"""The trading page at `/` and the organiser's page at `/admin`: static files and their policy.

May import: `tapewire`. The pages themselves use the public protocol only.
"""
