"""ccxt.pro: streams of market data and of the account, and orders over the WebSocket API."""

import asyncio
import contextlib
import json
import sys
import time
from typing import Any

import ccxt.pro

from tests.support.binance_clients.steps import (
    CALL_TIMEOUT_S,
    FAR_BELOW,
    ORDERS_PER_DAY,
    addresses,
    async_step,
)

PAIR = "BTC/USDT"
AMOUNT = 0.001
BOOKS_S, EQUAL_BOOKS_MIN = 60, 10
LEVELS = 10
ORDERS_MAX, HEARD_TIMEOUT_S = 6, 2.0


async def main() -> None:
    """Every call that a bot makes."""
    gateway, gateway_socket, _, feed = addresses()
    urls = {
        "public": f"{gateway}/api/v3", "private": f"{gateway}/api/v3", "sapi": f"{gateway}/sapi/v1",
        "ws": {"spot": f"{feed}/ws", "ws-api": {"spot": f"{gateway_socket}/ws-api/v3"}},
    }  # fmt: skip
    bot = ccxt.pro.binanceus({"apiKey": "pro", "secret": "pro", "urls": {"api": urls}})
    try:
        await async_step("markets", bot.load_markets, lambda found: PAIR in found)
        await watch_market(bot)
        await trade(bot)
    finally:
        await bot.close()


async def watch_market(bot: Any) -> None:
    """The streams of market data; the book is equal to that of REST."""
    await async_step(
        "stream: book", lambda: follow_books(bot), lambda equal: equal >= EQUAL_BOOKS_MIN,
        BOOKS_S + CALL_TIMEOUT_S,
    )  # fmt: skip
    await async_step(
        "stream: trades", lambda: bot.watch_trades(PAIR), lambda found: found[0]["price"] > 0
    )
    await async_step(
        "stream: ticker", lambda: bot.watch_ticker(PAIR), lambda found: found["last"] > 0
    )
    await async_step("stream: best prices", lambda: bot.watch_bids_asks([PAIR]))
    await async_step(
        "stream: candles", lambda: bot.watch_ohlcv(PAIR, "1m"), lambda found: found[-1][4] > 0
    )


async def follow_books(bot: Any) -> int:
    """Follow the book for BOOKS_S: print each state, and compare it with REST at equal numbers."""
    seen: dict[int, Any] = {}

    async def follow() -> None:
        while True:
            book = await bot.watch_order_book(PAIR)
            sides = {side: [[*level] for level in book[side][:LEVELS]] for side in ("bids", "asks")}
            seen[book["nonce"]] = sides
            sys.stdout.write(json.dumps({"book": book["nonce"], **sides}) + "\n")

    follower = asyncio.create_task(follow())
    read: dict[int, Any] = {}
    end_s = time.monotonic() + BOOKS_S
    while time.monotonic() < end_s and not follower.done():
        book = await bot.fetch_order_book(PAIR, 100)
        read[book["nonce"]] = {side: book[side][:LEVELS] for side in ("bids", "asks")}
    follower.cancel()
    (error,) = await asyncio.gather(follower, return_exceptions=True)
    assert isinstance(error, asyncio.CancelledError), error
    both = seen.keys() & read.keys()
    assert all(seen[number] == read[number] for number in both)
    return len(both)


async def trade(bot: Any) -> None:
    """Orders over REST and WebSocket, and what the user data stream says of them."""
    events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def follow() -> None:
        while True:
            for order in await bot.watch_orders(PAIR):
                events.put_nowait(order)

    follower = asyncio.create_task(follow())
    balance = asyncio.create_task(bot.watch_balance())

    async def until(status: str) -> dict[str, Any]:
        while True:
            event = await events.get()
            if event["status"] == status:
                return event

    async def heard() -> dict[str, Any]:
        """An order that the stream tells; one that was placed before the subscription is not."""
        for _ in range(ORDERS_MAX):
            order = await bot.create_order_ws(PAIR, "limit", "buy", AMOUNT, float(FAR_BELOW))
            with contextlib.suppress(TimeoutError):
                return await asyncio.wait_for(until("open"), HEARD_TIMEOUT_S)
            await bot.cancel_order_ws(order["id"], PAIR)
        raise AssertionError("no order was told")

    order = await async_step("WebSocket: limit order", heard)
    await async_step("WebSocket: open orders", lambda: bot.fetch_open_orders_ws(PAIR))
    await async_step("WebSocket: cancel", lambda: bot.cancel_order_ws(order["id"], PAIR))
    await async_step("user stream: cancel", lambda: until("canceled"))
    await async_step(
        "WebSocket: market order", lambda: bot.create_order_ws(PAIR, "market", "buy", AMOUNT)
    )
    await async_step(
        "user stream: fill", lambda: until("closed"), lambda found: found["filled"] == AMOUNT
    )
    await async_step(
        "user stream: balances", lambda: balance, lambda found: found["USDT"]["total"] > 0
    )
    await async_step(
        "WebSocket: immediate order",
        lambda: bot.create_order_ws(
            PAIR, "limit", "buy", AMOUNT, float(FAR_BELOW), {"timeInForce": "IOC"}
        ),
    )
    await async_step("user stream: expiry", lambda: until("expired"))
    await async_step("WebSocket: balances", bot.fetch_balance_ws)
    await async_step("WebSocket: own trades", lambda: bot.fetch_my_trades_ws(PAIR))
    await async_step(
        "error: too many orders", lambda: place_too_many(bot), timeout_s=3 * CALL_TIMEOUT_S
    )
    follower.cancel()
    await asyncio.gather(follower, return_exceptions=True)


async def place_too_many(bot: Any) -> bool:
    """Place orders until one is refused because of the limit; True if its class says so."""
    try:
        for _ in range(ORDERS_PER_DAY):
            await bot.create_order_ws(PAIR, "limit", "buy", AMOUNT, float(FAR_BELOW))
    except ccxt.RateLimitExceeded:
        return True
    return False


if __name__ == "__main__":
    asyncio.run(main())
