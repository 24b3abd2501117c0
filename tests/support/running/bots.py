"""Bots that trade at random over REST or WebSocket and repeat each request until its answer.

A bot has an account and two gateways. After a failure the bot repeats its request at the other
gateway, with the same client order id.
"""

import asyncio
import itertools
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from tests.support.running.processes import Service
from tests.support.wait import back_off, leave_processor

REPLY_TIMEOUT_S = 5.0
GONE = frozenset({"order_closed", "order_not_found"})
# Middle price in ticks of a hundredth, and a typical quantity.
MARKETS = {
    "BTC-USDT": (6_000_000, "0.01"),
    "ETH-USDT": (300_000, "0.2"),
    "SOL-USDT": (15_000, "5"),
}
SPREAD_TICKS = 30
# A crowd of fifty bots sends at most 250 requests a second, so that the load does not grow with the
# time that a process needs to come back.
PAUSE_S = 0.2


class NoAnswer(Exception):
    """The outcome of a request is unknown."""


class Line(Protocol):
    """A way to one gateway."""

    async def ask(self, op: str, params: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Status and body of the answer. Raises NoAnswer."""

    async def close(self) -> None:
        """Close the connection."""


class RestLine:
    """One request after the other over REST."""

    def __init__(self, gateway: Service, account: str) -> None:
        """Connects with the first request."""
        self._http = httpx.AsyncClient(
            base_url=gateway.url, headers={"X-Account": account}, timeout=REPLY_TIMEOUT_S,
            trust_env=False,
        )  # fmt: skip

    async def ask(self, op: str, params: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Status and body of the answer. Raises NoAnswer."""
        path, body = "/v1/orders", dict(params)
        if op != "place":
            path += f"/client:{body.pop('client_order_id')}"
        method = {"place": "POST", "cancel": "DELETE", "amend": "PATCH"}[op]
        try:
            reply = await self._http.request(method, path, json=None if op == "cancel" else body)
        except httpx.HTTPError as error:
            raise NoAnswer from error
        return reply.status_code, reply.json()

    async def close(self) -> None:
        """Close the connection."""
        await self._http.aclose()


class SocketLine:
    """One request after the other over a WebSocket."""

    def __init__(self, gateway: Service, account: str) -> None:
        """Connects with the first request."""
        self._url = f"{gateway.websocket_url}/v1/ws?account={account}"
        self._socket: ClientConnection | None = None
        self._numbers = itertools.count(1)

    async def ask(self, op: str, params: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Status and body of the answer. Raises NoAnswer."""
        try:
            async with asyncio.timeout(REPLY_TIMEOUT_S):
                if self._socket is None:
                    self._socket = await connect(self._url, proxy=None)
                    await self._socket.recv()
                number = next(self._numbers)
                await self._socket.send(json.dumps({"id": number, "op": op, "params": params}))
                reply = json.loads(await self._socket.recv())
        except (OSError, TimeoutError, WebSocketException) as error:
            raise NoAnswer from error
        assert reply["id"] == number
        return reply["status"], reply.get("result") or reply["error"]

    async def close(self) -> None:
        """Close the connection."""
        if self._socket is not None:
            await self._socket.close()
            self._socket = None


@dataclass(slots=True)
class Bot:
    """One account that trades; `acknowledged` has every order with a good answer."""

    account: str
    gateways: Sequence[Service]
    chance: random.Random
    over_socket: bool
    acknowledged: dict[str, str] = field(default_factory=dict)
    # Number of refusals by code; requests with a 5xx are repeated and do not count.
    refused: dict[str, int] = field(default_factory=dict)
    unanswered: int = 0
    _stopped: bool = False

    def stop(self) -> None:
        """Begin nothing more."""
        self._stopped = True

    async def trade(self) -> None:
        """Send one request after the other until `stop`."""
        lines = self._lines()
        line = next(lines)
        recent: list[str] = []
        try:
            for number in itertools.count():
                if self._stopped:
                    return
                op, params = self._decide(f"{self.account}-{number}", recent)
                while True:
                    try:
                        status, body = await line.ask(op, params)
                    except NoAnswer:
                        status, body = 503, {}
                    if status != 503:
                        break
                    self.unanswered += 1
                    await line.close()
                    await back_off()
                    line = next(lines)
                self._note(op, params, status, body, recent)
                await leave_processor(PAUSE_S)
        finally:
            await line.close()

    def _lines(self) -> Iterator[Line]:
        """To one gateway after the other, for ever."""
        kind = SocketLine if self.over_socket else RestLine
        first = self.chance.randrange(len(self.gateways))
        for number in itertools.count(first):
            yield kind(self.gateways[number % len(self.gateways)], self.account)

    def _decide(self, name: str, recent: list[str]) -> tuple[str, dict[str, Any]]:
        chance = self.chance
        if recent and chance.random() < 0.3:
            return "cancel", {"client_order_id": recent.pop(chance.randrange(len(recent)))}
        symbol = chance.choice(list(MARKETS))
        middle, quantity = MARKETS[symbol]
        if recent and chance.random() < 0.1:
            return "amend", {"client_order_id": recent[-1], "quantity": quantity}
        order: dict[str, Any] = {
            "symbol": symbol, "side": chance.choice(("buy", "sell")), "quantity": quantity,
            "client_order_id": name,
        }  # fmt: skip
        if chance.random() < 0.15:
            return "place", order | {"order_type": "market"}
        ticks = middle + chance.randint(-SPREAD_TICKS, SPREAD_TICKS)
        order["price"] = f"{ticks // 100}.{ticks % 100:02}"
        return "place", order | {"order_type": "limit"}

    def _note(
        self, op: str, params: dict[str, Any], status: int, body: dict[str, Any], recent: list[str]
    ) -> None:
        name = params["client_order_id"]
        if status >= 400:
            assert status < 500, body
            self.refused[body["code"]] = self.refused.get(body["code"], 0) + 1
            return
        assert body["client_order_id"] == name
        if op == "place":
            self.acknowledged[name] = body["order_id"]
            if body["status"] in {"new", "partially_filled"}:
                recent.append(name)
