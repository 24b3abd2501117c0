"""Documents for machines are made once, beside the event loop, and served as bytes."""

import asyncio
import json
import threading
from typing import Any

from tapewire.web.machine_document import document_router
from tapewire.web.problem import ProblemApp
from tests.support.transport.asgi import call
from tests.support.wait import wait_until

PATH, OTHER_PATH = "/feed.json", "/other.json"
MAKING_S_MAX = 30


def app_with(document: Any) -> ProblemApp:
    """An application with one document of the test and one that is made at once."""
    app = ProblemApp(title="test", version="1")
    app.include_router(document_router(PATH, document))
    app.include_router(document_router(OTHER_PATH, lambda *_: {"other": True}))
    return app


async def test_a_document_is_made_once_for_all_requests_and_addresses() -> None:
    """Every answer has the address of its own request."""
    made: list[str] = []

    def make(host: str, protocol: str) -> dict[str, Any]:
        made.append(host)
        return {"servers": {"feed": {"host": host, "protocol": protocol}}, "rest": [None, "HOST"]}

    app = app_with(make)
    for host in ("venue.example:8001", "127.0.0.1", "[::1]:8001"):
        reply = await call(app, "GET", PATH, headers=[(b"host", host.encode())])
        assert reply.headers["content-type"] == "application/json"
        assert json.loads(reply.body) == {
            "servers": {"feed": {"host": host, "protocol": "ws"}}, "rest": [None, "HOST"],
        }  # fmt: skip
    assert len(made) == 1


async def test_the_openapi_document_is_made_once() -> None:
    """Two answers have equal bytes, and a thread beside the event loop made the document once."""
    made: list[int] = []

    class Counted(ProblemApp):
        def openapi(self) -> dict[str, Any]:
            made.append(threading.get_ident())
            return super().openapi()

    app = Counted(title="test", version="1")
    first, second = [await call(app, "GET", "/openapi.json") for _ in range(2)]
    assert first.json()["info"] == {"title": "test", "version": "1"}
    assert first.body == second.body
    assert len(made) == 1
    assert made[0] != threading.get_ident()


async def test_other_requests_are_answered_while_a_document_is_made() -> None:
    """The first request waits for the document; the event loop does not."""
    begun, ended = threading.Event(), threading.Event()

    def make(host: str, protocol: str) -> dict[str, Any]:
        begun.set()
        assert ended.wait(MAKING_S_MAX)
        return {"made": True}

    app = app_with(make)
    waiting = [asyncio.create_task(call(app, "GET", PATH)) for _ in range(2)]
    try:
        await wait_until(begun.is_set, "the document is being made")
        assert (await call(app, "GET", OTHER_PATH)).json() == {"other": True}
        assert not any(task.done() for task in waiting)
    finally:
        ended.set()
    assert [(await task).json() for task in waiting] == [{"made": True}] * 2
