"""A small seeded crowd that trades through the client library, so that a demo has a market.

`traders` decides (pure, integers only), `session` sends, `__main__` is the command.

May import: `errors`, `limits`, `runtime`, `values`, `keys`, `redis`, `web`, `api_keys`, `client`.
"""
