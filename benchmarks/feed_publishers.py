"""The publishers: Redis PUBLISH, HTTP POST to nchan, PUB to NATS; paced or saturated.

Saturated means: as many as the server passes on. A probe, one more client of the server, counts
what arrives; at most `WINDOW_MESSAGES` are on their way, so that no queue grows without bound.
"""

import base64
import os
import selectors
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass

MARKER = b'"t":'
BURST_MESSAGES = 256
WINDOW_MESSAGES = 2_048
SOCKET_TIMEOUT_S = 10.0

Encode = Callable[[int], bytes]
"""The wire form of message number n."""


@dataclass(frozen=True, slots=True)
class Probe:
    """A client that counts messages: its address, and its first message."""

    port: int
    path: str
    hello: bytes = b""

    def connect(self) -> socket.socket:
        """Connect, upgrade, say hello."""
        link = socket.create_connection(("127.0.0.1", self.port), timeout=SOCKET_TIMEOUT_S)
        key = base64.b64encode(os.urandom(16)).decode()
        link.sendall(
            f"GET {self.path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
            "Sec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        reply = b""
        while b"\r\n\r\n" not in reply:
            chunk = link.recv(4096)
            if not chunk:
                raise ConnectionError("the server closed the probe's handshake")
            reply += chunk
        if self.hello:
            head = bytes([0x82, 0x80 | len(self.hello)]) if len(self.hello) < 126 else b""
            head = head or bytes([0x82, 0xFE]) + len(self.hello).to_bytes(2, "big")
            link.sendall(head + bytes(4) + self.hello)
        return link


def publish_saturated(target: int, encode: Encode, probe: Probe, seconds: float) -> int:
    """Send for so long as fast as the probe receives; returns the messages sent."""
    link = probe.connect()
    publisher = socket.create_connection(("127.0.0.1", target), timeout=SOCKET_TIMEOUT_S)
    link.setblocking(False)
    sent = received = 0
    tail = b""
    with selectors.DefaultSelector() as selector, link, publisher:
        selector.register(link, selectors.EVENT_READ)
        selector.register(publisher, selectors.EVENT_READ)
        deadline_s = time.monotonic() + seconds
        while time.monotonic() < deadline_s:
            if sent - received <= WINDOW_MESSAGES - BURST_MESSAGES:
                burst = b"".join(encode(sent + number) for number in range(1, BURST_MESSAGES + 1))
                publisher.sendall(burst)
                sent += BURST_MESSAGES
            for key, _ in selector.select(0 if sent == received else 0.001):
                data = key.fileobj.recv(1 << 20)  # type: ignore[union-attr]
                if not data:
                    raise ConnectionError("the server closed a connection of the publisher")
                if key.fileobj is link:
                    received += (tail + data).count(MARKER)
                    tail = data[-(len(MARKER) - 1) :]
    return sent


def publish_paced(target: int, encode: Encode, rate: float, seconds: float) -> int:
    """Send one by one, each at its time; returns the messages sent."""
    sent = 0
    with socket.create_connection(("127.0.0.1", target), timeout=SOCKET_TIMEOUT_S) as publisher:
        publisher.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        publisher.setblocking(False)
        started_s = time.monotonic()
        while (elapsed_s := time.monotonic() - started_s) < seconds:
            while sent < elapsed_s * rate:
                sent += 1
                publisher.setblocking(True)
                publisher.sendall(encode(sent))
                publisher.setblocking(False)
            try:
                publisher.recv(1 << 16)
            except BlockingIOError:
                time.sleep(max(0.0, min(0.001, started_s + (sent + 1) / rate - time.monotonic())))
    return sent


def redis_publish(payload: Callable[[int], bytes]) -> Encode:
    """RESP for PUBLISH on Tapewire's channel."""

    def encode(number: int) -> bytes:
        body = payload(number)
        return b"*3\r\n$7\r\nPUBLISH\r\n$12\r\ntrade_events\r\n$%d\r\n%b\r\n" % (len(body), body)

    return encode


def nchan_publish(payload: Callable[[int], bytes]) -> Encode:
    """An HTTP/1.1 POST to the publisher location, on one kept-alive connection."""

    def encode(number: int) -> bytes:
        body = payload(number)
        return (
            b"POST /pub HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
        )

    return encode


def nats_publish(payload: Callable[[int], bytes]) -> Encode:
    """A PUB on the subject that the clients subscribe to."""

    def encode(number: int) -> bytes:
        body = payload(number)
        head = b"CONNECT {}\r\n" if number == 1 else b""
        return b"%bPUB trades %d\r\n%b\r\n" % (head, len(body), body)

    return encode
