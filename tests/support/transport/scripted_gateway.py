"""A gateway that answers what a test tells it to: for the faults that a real one does not show.

It serves one connection at a time over a real socket. Misuse: never to test matching.
"""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

ACCEPT_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it came; `body` is None without one."""

    method: str
    path: str
    account: str | None
    body: Any
    authorization: str | None = None


Answer = Callable[[Request], bytes]


@dataclass(slots=True)
class ScriptedGateway:
    """`url` to talk to; `requests` in the order in which they were read."""

    url: str
    requests: list[Request] = field(default_factory=list)


def reply(status: int, document: object) -> bytes:
    """A well-formed answer with a JSON body."""
    content = json.dumps(document).encode()
    head = f"HTTP/1.1 {status} Status\r\ncontent-type: application/json\r\n"
    return f"{head}content-length: {len(content)}\r\n\r\n".encode() + content


@contextmanager
def scripted_gateway(answer: Answer) -> Iterator[ScriptedGateway]:
    """Serve until the block ends; an empty answer closes the connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(ACCEPT_TIMEOUT_S)
        gateway = ScriptedGateway(f"http://127.0.0.1:{server.getsockname()[1]}")
        thread = threading.Thread(target=_accept, args=(server, gateway, answer))
        thread.start()
        try:
            yield gateway
        finally:
            # Wakes the accept; closing alone would leave it waiting.
            server.shutdown(socket.SHUT_RDWR)
            thread.join(ACCEPT_TIMEOUT_S)


def _accept(server: socket.socket, gateway: ScriptedGateway, answer: Answer) -> None:
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        with connection:
            connection.settimeout(ACCEPT_TIMEOUT_S)
            _serve(connection, gateway, answer)


def _serve(connection: socket.socket, gateway: ScriptedGateway, answer: Answer) -> None:
    with connection.makefile("rb") as reader:
        while line := reader.readline():
            method, path, _ = line.decode().split()
            headers = {}
            while (header := reader.readline()).strip():
                name, _, value = header.decode().partition(":")
                headers[name.lower()] = value.strip()
            content = reader.read(int(headers.get("content-length", "0")))
            request = Request(
                method,
                path,
                headers.get("x-account"),
                json.loads(content) if content else None,
                headers.get("authorization"),
            )
            gateway.requests.append(request)
            answered = answer(request)
            if not answered:
                return
            connection.sendall(answered)
