"""The interface: every group of routes, under one version."""

from fastapi import FastAPI

from order_gateway import (
    account_routes,
    admin_routes,
    instrument_routes,
    key_routes,
    order_routes,
    ws_entry,
)

PREFIX = "/v1"


def include_routes(app: FastAPI) -> None:
    """Add them all."""
    for group in (order_routes, account_routes, instrument_routes, admin_routes, key_routes):
        app.include_router(group.router, prefix=PREFIX)
    app.include_router(ws_entry.router, prefix=PREFIX)
