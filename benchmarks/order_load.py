"""The load of the order benchmark: orders as bytes, and clients that read no more than a status."""

import asyncio
import hashlib
import hmac
import json
import re
import time

IN_FLIGHT = 128
# The longest window of the interface, because requests are signed before the measurement.
RECV_WINDOW_MS = 60_000


def order_body(number: int) -> dict[str, str]:
    """The standard mix: buys and sells at twenty prices around one, so that about half trade."""
    side = "buy" if number % 2 else "sell"
    ticks = 6_000_000 + (number * 7) % 20 - 10
    return {
        "symbol": "BTC-USDT",
        "side": side,
        "order_type": "limit",
        "quantity": "0.005",
        "price": f"{ticks // 100}.{ticks % 100:02}",
    }


def request_bytes(path: str, body: bytes, account: str) -> bytes:
    """One REST request."""
    return (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nX-Account: {account}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body


def signed_bytes(order: dict[str, str], account: str) -> bytes:
    """The same order as a Binance client sends it: a form, signed with the account's name."""
    pairs = {
        "symbol": order["symbol"].replace("-", ""),
        "side": order["side"].upper(),
        "type": "LIMIT",
        "timeInForce": "GTC",
        "quantity": order["quantity"],
        "price": order["price"],
        "recvWindow": RECV_WINDOW_MS,
        "timestamp": time.time_ns() // 1_000_000,
    }
    form = "&".join(f"{name}={value}" for name, value in pairs.items())
    signature = hmac.new(account.encode(), form.encode(), hashlib.sha256).hexdigest()
    body = f"{form}&signature={signature}".encode()
    return (
        f"POST /api/v3/order HTTP/1.1\r\nHost: localhost\r\nX-MBX-APIKEY: {account}\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode() + body


def refusal_code(answer: bytes) -> str:
    """The `code` of a problem document, or the first line of an answer without one."""
    found = re.search(rb'"code":"(\w+)"', answer)
    return (found[1] if found else answer.partition(b"\r\n")[0][:120]).decode("latin-1")


class RestClient(asyncio.Protocol):
    """Sends the next request after each answer; one request at a time, as HTTP clients do."""

    def __init__(self, requests: list[bytes], orders: int) -> None:
        """`orders` are those of each request."""
        self.done = 0
        self.failed = 0
        self.refusal = ""
        self.running = True
        self._requests = requests
        self._next = 0
        self._orders = orders
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._ask()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head_end = self._buffer.find(b"\r\n\r\n")
        if head_end < 0:
            return
        at = self._buffer.find(b"content-length: ")
        length = int(self._buffer[at + 16 : self._buffer.index(b"\r", at)])
        if len(self._buffer) < head_end + 4 + length:
            return
        if self._buffer.startswith(b"HTTP/1.1 20"):
            self.done += self._orders
        else:
            self.failed += 1
            self.refusal = self.refusal or refusal_code(self._buffer)
        self._buffer = b""
        if self.running:
            self._ask()

    def _ask(self) -> None:
        self.transport.write(self._requests[self._next % len(self._requests)])
        self._next += 1


class SocketClient(asyncio.Protocol):
    """Keeps IN_FLIGHT requests on their way over one WebSocket."""

    def __init__(self, account: str) -> None:
        self.done = 0
        self.failed = 0
        self.refusal = ""
        self.running = True
        self._account = account
        self._next = 0
        self._buffer = bytearray()
        self._shaken = False
        self._frames: list[bytes] = []
        for number in range(1_000):
            text = json.dumps({"id": number, "op": "place", "params": order_body(number)}).encode()
            # A mask of zeros leaves the payload unchanged; the server unmasks nevertheless.
            self._frames.append(b"\x81" + bytes((0x80 | 126,)) + len(text).to_bytes(2) + bytes(4))
            self._frames[-1] += text

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(
            f"GET /v1/ws?account={self._account} HTTP/1.1\r\nHost: localhost\r\n"
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._shaken:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            del self._buffer[: end + 4]
            self._shaken = True
            self._ask(IN_FLIGHT)
        # The hello makes the first call: it is no reply and is not counted.
        count = self._take_frames()
        if count and self.running:
            self._ask(count)

    def _take_frames(self) -> int:
        buffer, at, replies = self._buffer, 0, 0
        while len(buffer) - at >= 4:
            size, head = buffer[at + 1], 2
            if size == 126:
                size, head = int.from_bytes(buffer[at + 2 : at + 4]), 4
            elif size == 127:
                if len(buffer) - at < 10:
                    break
                size, head = int.from_bytes(buffer[at + 2 : at + 10]), 10
            if len(buffer) - at < head + size:
                break
            payload = bytes(buffer[at + head : at + head + 40])
            at += head + size
            if payload.startswith(b'{"type"'):
                continue
            replies += 1
            if b'"status":20' in payload:
                self.done += 1
            else:
                self.failed += 1
                self.refusal = self.refusal or refusal_code(bytes(buffer[at - size : at]))
        del buffer[:at]
        return replies

    def _ask(self, count: int) -> None:
        first = self._next % len(self._frames)
        self._next += count
        frames = (self._frames * 2)[first : first + count]
        self.transport.write(b"".join(frames))


Client = RestClient | SocketClient
