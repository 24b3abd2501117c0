"""The matching core: Lua functions that run inside Redis, and one typed facade before them.

May import: `errors`, `limits`, `runtime`, `values`, `packed`, `keys`, `redis`.
"""
