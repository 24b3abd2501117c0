"""The interface: every group of routes, under one version."""

from fastapi import FastAPI, Security
from fastapi.security import HTTPBearer

from order_gateway import (
    account_admin_routes,
    account_routes,
    admin_routes,
    instrument_routes,
    key_routes,
    order_routes,
)
from order_gateway.ws import entry as ws_entry

PREFIX = "/v1"


def include_routes(app: FastAPI, *, needs_keys: bool) -> None:
    """Add them all; with keys the document says which of them want one."""
    # Direct routes solve no dependencies: this one only documents what the guard does.
    key = [Security(HTTPBearer(scheme_name="API key", auto_error=False))] if needs_keys else []
    for group in (
        order_routes, account_routes, admin_routes, account_admin_routes, key_routes,
    ):  # fmt: skip
        app.include_router(group.router, prefix=PREFIX, dependencies=key)
    for public in (instrument_routes, ws_entry):
        app.include_router(public.router, prefix=PREFIX)
