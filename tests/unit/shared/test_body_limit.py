"""The bound on request bodies, declared or not."""

from collections.abc import Sequence

import pytest
from fastapi import APIRouter, Request, Response

from tapewire.web.body_limit import BodyLimit
from tapewire.web.direct_route import DirectRoute
from tapewire.web.problem import ProblemApp
from tests.support.transport.asgi import Headers, call

LIMIT_BYTES = 10


def make_app() -> ProblemApp:
    """An application that sends back the body it got."""
    router = APIRouter(route_class=DirectRoute)

    @router.post("/echo", openapi_extra={"requestBody": {}})
    async def echo(request: Request) -> Response:
        return Response(await request.body())

    app = ProblemApp()
    app.add_middleware(BodyLimit, bytes_max=LIMIT_BYTES)
    app.include_router(router)
    return app


def declared(length: int) -> Headers:
    """The header of a body of known length."""
    return [(b"content-length", str(length).encode())]


CHUNKED: Headers = [(b"transfer-encoding", b"chunked")]


@pytest.mark.parametrize(
    ("headers", "chunks"),
    [
        (declared(LIMIT_BYTES), [b"x" * LIMIT_BYTES]),
        (declared(LIMIT_BYTES), [b"x" * 4, b"x" * 6]),
        (declared(0), [b""]),
        (CHUNKED, [b"x" * 5, b"x" * 5, b""]),
        ((), [b""]),
    ],
)
async def test_a_body_within_the_limit_arrives_whole(
    headers: Headers, chunks: Sequence[bytes]
) -> None:
    """Exactly the limit is still within it."""
    reply = await call(make_app(), "POST", "/echo", chunks, headers)
    assert (reply.status, reply.body) == (200, b"".join(chunks))


@pytest.mark.parametrize(
    ("headers", "chunks"),
    [
        (declared(LIMIT_BYTES + 1), [b"x"]),
        (declared(10**30), [b""]),
        (CHUNKED, [b"x" * (LIMIT_BYTES + 1)]),
        (CHUNKED, [b"x" * 6, b"x" * 5, b""]),
        (CHUNKED, [b"x"] * 1_000),
    ],
)
async def test_a_body_over_the_limit_is_refused(headers: Headers, chunks: Sequence[bytes]) -> None:
    """With 413 and the limit in the sentence; what comes after the limit is not kept."""
    reply = await call(make_app(), "POST", "/echo", chunks, headers)
    assert (reply.status, reply.json()["code"]) == (413, "body_too_large")
    assert "10 bytes" in reply.json()["detail"]
