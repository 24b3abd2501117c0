"""Documents for machines (OpenAPI, AsyncAPI): made once in a process, then served as bytes."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from fastapi import APIRouter, Request, Response
from msgspec import json

from tapewire.web.direct_route import JSON_MEDIA_TYPE, DirectRoute

_HOST, _PROTOCOL = "HOST", "PROTOCOL"

MakeDocument = Callable[[str, str], Mapping[str, Any]]
"""Makes a document from the host and the protocol (`ws` or `wss`) by which clients reach it."""


def document_router(path: str, make: MakeDocument) -> APIRouter:
    """The route of one document, which contains the address of the request."""
    router, document = APIRouter(route_class=DirectRoute), _MachineDocument(make)
    router.add_api_route(path, document.answer, methods=["GET"], include_in_schema=False)
    return router


class _MachineDocument:
    """The encoded document, in parts between which the address of the request belongs.

    The first request makes the document on a thread, because that takes up to a second of processor
    time, during which the event loop answers other requests.
    """

    def __init__(self, make: MakeDocument) -> None:
        self._make = make
        self._making = asyncio.Lock()
        self._parts: list[bytes] | None = None

    async def answer(self, request: Request) -> Response:
        """The document with the address of the client's request."""
        secure = request.url.scheme == "https"
        address = _encoded_address(request.url.netloc, "wss" if secure else "ws")
        return Response(address.join(await self._read()), media_type=JSON_MEDIA_TYPE)

    async def _read(self) -> list[bytes]:
        async with self._making:
            if self._parts is None:
                self._parts = await asyncio.to_thread(self._encode)
            return self._parts

    def _encode(self) -> list[bytes]:
        text = json.encode(self._make(_HOST, _PROTOCOL)) + b"\n"
        return text.split(_encoded_address(_HOST, _PROTOCOL))


def _encoded_address(host: str, protocol: str) -> bytes:
    return json.encode({"host": host, "protocol": protocol})
