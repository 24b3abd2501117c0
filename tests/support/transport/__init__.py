"""Requests, sockets and bodies as clients send them."""
