"""binance-connector, the older client: REST, the WebSocket API and the streams."""

import json
import queue
from collections.abc import Callable
from typing import Any

from binance.error import ClientError
from binance.spot import Spot
from binance.websocket.spot.websocket_api import SpotWebsocketAPIClient
from binance.websocket.spot.websocket_stream import SpotWebsocketStreamClient

from tests.support.binance_clients.steps import (
    CALL_TIMEOUT_S,
    FAR_BELOW,
    QUANTITY,
    SYMBOL,
    addresses,
    refused,
    same,
    step,
)

NAME = "connector"
ORDER: dict[str, Any] = {
    "symbol": SYMBOL, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC",
    "quantity": float(QUANTITY), "price": float(FAR_BELOW),
}  # fmt: skip


def main() -> None:
    """Every call that a bot makes."""
    gateway, gateway_socket, _, feed = addresses()
    read_and_trade(Spot(NAME, NAME, base_url=gateway))
    call(f"{gateway_socket}/ws-api/v3")
    follow(feed)


def read_and_trade(bot: Spot) -> None:
    """REST."""
    step("time", bot.time)
    step("markets", bot.exchange_info, lambda found: found["symbols"])
    step("book", lambda: bot.depth(SYMBOL), lambda found: found["bids"])
    step("trades", lambda: bot.trades(SYMBOL))
    step("candles", lambda: bot.klines(SYMBOL, "1m"))
    step("ticker", lambda: bot.ticker_24hr(SYMBOL))
    step("balances", bot.account, lambda found: found["balances"])
    order = step(
        "limit order", lambda: bot.new_order(**ORDER), lambda found: found["status"] == "NEW"
    )
    step(
        "read order", lambda: bot.get_order(SYMBOL, orderId=order["orderId"]),
        lambda found: same(found["price"], FAR_BELOW),
    )  # fmt: skip
    step(
        "edit order",
        lambda: bot.cancel_and_replace(
            SYMBOL, "BUY", "LIMIT", "STOP_ON_FAILURE", timeInForce="GTC", quantity=float(QUANTITY),
            price=float(FAR_BELOW) - 1, cancelOrderId=order["orderId"],
        ),
        lambda found: found["newOrderResult"] == "SUCCESS",
    )  # fmt: skip
    step("open orders", lambda: bot.get_open_orders(SYMBOL), lambda found: len(found) == 1)
    step("cancel all", lambda: bot.cancel_open_orders(SYMBOL), lambda found: len(found) == 1)
    step("fees", bot.trade_fee)
    refused("error: no order", lambda: bot.get_order(SYMBOL, orderId=999_999_999), ClientError)


def call(url: str) -> None:
    """The WebSocket API; answers come through a callback."""
    answers: queue.Queue[str] = queue.Queue()
    api = SpotWebsocketAPIClient(url, NAME, NAME, on_message=lambda _, text: answers.put(text))

    def ask(send: Callable[[], Any]) -> Any:
        send()
        return json.loads(answers.get(timeout=CALL_TIMEOUT_S))

    step("WebSocket: limit order", lambda: ask(lambda: api.new_order(**ORDER)), is_done)
    step("WebSocket: balances", lambda: ask(api.account), is_done)
    step(
        "WebSocket: cancel all", lambda: ask(lambda: api.cancel_open_orders(symbol=SYMBOL)), is_done
    )
    api.stop()


def is_done(answer: dict[str, Any]) -> bool:
    """Whether an answer of the WebSocket API has a result."""
    return bool(answer["status"] == 200)


def follow(url: str) -> None:
    """The streams."""
    messages: queue.Queue[str] = queue.Queue()
    feed = SpotWebsocketStreamClient(stream_url=url, on_message=lambda _, text: messages.put(text))

    def until(kind: str) -> Any:
        while True:
            message = json.loads(messages.get(timeout=CALL_TIMEOUT_S))
            if message.get("e") == kind:
                return message

    def trades() -> Any:
        feed.trade(symbol=SYMBOL.lower())
        return until("trade")

    def book() -> Any:
        feed.diff_book_depth(symbol=SYMBOL.lower(), speed=100)
        return until("depthUpdate")

    step("stream: trades", trades)
    step("stream: book", book)
    feed.stop()


if __name__ == "__main__":
    main()
