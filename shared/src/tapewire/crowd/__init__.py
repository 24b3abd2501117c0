"""A small seeded crowd that trades through the public interface, so that a demo has a market.

`traders` decides (pure, integers only), `session` talks to the gateway, `__main__` is the command.

May import: `errors`, `limits`, `runtime`, `values`, `keys`, `redis`, `web`, `api_keys`, `client`.
"""
