"""binance-sdk-spot: REST, the WebSocket API and the streams."""

import asyncio
from typing import Any

from binance_sdk_spot.spot import (
    ConfigurationRestAPI,
    ConfigurationWebSocketAPI,
    ConfigurationWebSocketStreams,
    Spot,
)

from tests.support.binance_clients.steps import (
    FAR_BELOW,
    QUANTITY,
    SYMBOL,
    addresses,
    async_step,
    same,
    step,
)

NAME = "sdk"
ORDER: dict[str, Any] = {
    "symbol": SYMBOL, "side": "BUY", "type": "LIMIT", "time_in_force": "GTC",
    "quantity": float(QUANTITY), "price": float(FAR_BELOW),
}  # fmt: skip


def main() -> None:
    """Every call that a bot makes."""
    gateway, gateway_socket, _, feed = addresses()
    bot = Spot(
        config_rest_api=ConfigurationRestAPI(NAME, NAME, base_path=gateway),
        config_ws_api=ConfigurationWebSocketAPI(
            NAME, NAME, stream_url=f"{gateway_socket}/ws-api/v3"
        ),
        config_ws_streams=ConfigurationWebSocketStreams(stream_url=feed),
    )
    read_and_trade(bot.rest_api)
    asyncio.run(follow(bot))


def read_and_trade(api: Any) -> None:
    """REST."""
    step("time", lambda: api.time().data().server_time)
    step("markets", lambda: api.exchange_info().data().symbols)
    step("book", lambda: api.depth(symbol=SYMBOL).data().bids)
    step("trades", lambda: api.get_trades(symbol=SYMBOL).data())
    step("candles", lambda: api.klines(symbol=SYMBOL, interval="1m").data())
    step("balances", lambda: api.get_account().data().balances)
    order = step(
        "limit order", lambda: api.new_order(**ORDER).data(), lambda found: found.status == "NEW"
    )
    key = {"symbol": SYMBOL, "order_id": order.order_id}
    step(
        "read order",
        lambda: api.get_order(**key).data(),
        lambda found: same(found.price, FAR_BELOW),
    )
    step(
        "open orders",
        lambda: api.get_open_orders(symbol=SYMBOL).data(),
        lambda found: len(found) == 1,
    )
    step(
        "cancel order",
        lambda: api.delete_order(**key).data(),
        lambda found: found.status == "CANCELED",
    )
    step(
        "market order",
        lambda: api.new_order(
            symbol=SYMBOL, side="BUY", type="MARKET", quantity=float(QUANTITY)
        ).data(),
        lambda found: found.status == "FILLED" and found.fills,
    )
    step("own trades", lambda: api.my_trades(symbol=SYMBOL).data())
    step("all orders", lambda: api.all_orders(symbol=SYMBOL).data(), lambda found: len(found) == 2)


async def follow(bot: Spot) -> None:
    """The WebSocket API, the user data stream and the streams."""
    api = await bot.websocket_api.create_connection()
    events: asyncio.Queue[Any] = asyncio.Queue()
    await async_step("WebSocket: limit order", lambda: api.order_place(**ORDER))
    await async_step("WebSocket: open orders", lambda: api.open_orders_status(symbol=SYMBOL))
    await async_step("WebSocket: balances", api.account_status)

    async def subscribe() -> Any:
        found = await api.user_data_stream_subscribe_signature()
        found.stream.on("message", events.put_nowait)
        return found

    await async_step("user stream: subscribe", subscribe)
    await async_step("WebSocket: cancel all", lambda: api.open_orders_cancel_all(symbol=SYMBOL))
    await async_step("user stream: cancel", events.get, lambda found: "x='CANCELED'" in str(found))
    await api.close_connection(close_session=True)
    feed = await bot.websocket_streams.create_connection()

    async def first(open_stream: Any) -> Any:
        messages: asyncio.Queue[Any] = asyncio.Queue()
        stream = await open_stream
        stream.on("message", messages.put_nowait)
        return await messages.get()

    await async_step("stream: trades", lambda: first(feed.trade(symbol=SYMBOL.lower())))
    await async_step("stream: book", lambda: first(feed.diff_book_depth(symbol=SYMBOL.lower())))
    await feed.close_connection(close_session=True)


if __name__ == "__main__":
    main()
