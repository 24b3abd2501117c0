"""python-binance: REST, sockets, user socket and orders over the WebSocket API."""

import asyncio
from typing import Any

from binance import BinanceSocketManager
from binance.async_client import AsyncClient
from binance.client import Client
from binance.exceptions import BinanceAPIException

from tests.support.binance_clients.steps import (
    FAR_BELOW,
    QUANTITY,
    SYMBOL,
    addresses,
    async_step,
    refused,
    same,
    step,
)

NAME = "python-binance"


def main() -> None:
    """Every call that a bot makes."""
    gateway, gateway_socket, _, feed = addresses()
    Client.API_URL = AsyncClient.API_URL = f"{gateway}/api"
    AsyncClient.WS_API_URL = f"{gateway_socket}/ws-api/v3"
    BinanceSocketManager.STREAM_URL = f"{feed}/"
    read_and_trade(Client(NAME, NAME))
    asyncio.run(follow())


def read_and_trade(bot: Client) -> None:
    """REST."""
    step("time", bot.get_server_time)
    step("markets", lambda: bot.get_symbol_info(SYMBOL), lambda found: found["status"] == "TRADING")
    step("book", lambda: bot.get_order_book(symbol=SYMBOL), lambda found: found["bids"])
    step("trades", lambda: bot.get_recent_trades(symbol=SYMBOL))
    step("candles", lambda: bot.get_historical_klines(SYMBOL, "1m", "1 hour ago UTC"))
    step(
        "ticker", lambda: bot.get_ticker(symbol=SYMBOL), lambda found: float(found["lastPrice"]) > 0
    )
    step("best prices", lambda: bot.get_orderbook_ticker(symbol=SYMBOL))
    step("balances", lambda: bot.get_asset_balance("BTC"), lambda found: float(found["free"]) > 0)
    order = step(
        "limit order",
        lambda: bot.order_limit_buy(symbol=SYMBOL, quantity=QUANTITY, price=FAR_BELOW),
        lambda found: found["status"] == "NEW",
    )  # fmt: skip
    key = {"symbol": SYMBOL, "orderId": order["orderId"]}
    step("read order", lambda: bot.get_order(**key), lambda found: same(found["price"], FAR_BELOW))
    step("open orders", lambda: bot.get_open_orders(symbol=SYMBOL), lambda found: len(found) == 1)
    step(
        "cancel order", lambda: bot.cancel_order(**key), lambda found: found["status"] == "CANCELED"
    )
    step(
        "market order", lambda: bot.order_market_buy(symbol=SYMBOL, quantity=QUANTITY),
        lambda found: found["status"] == "FILLED" and len(found["fills"]) >= 1,
    )  # fmt: skip
    step("own trades", lambda: bot.get_my_trades(symbol=SYMBOL))
    step("all orders", lambda: bot.get_all_orders(symbol=SYMBOL), lambda found: len(found) == 2)
    legs = {
        "aboveType": "LIMIT_MAKER", "abovePrice": "70000", "belowType": "STOP_LOSS",
        "belowStopPrice": FAR_BELOW,
    }  # fmt: skip
    pair = step(
        "order list",
        lambda: bot.create_oco_order(symbol=SYMBOL, side="SELL", quantity=QUANTITY, **legs),
        lambda found: len(found["orderReports"]) == 2,
    )
    step(
        "cancel order list",
        lambda: bot.v3_delete_order_list(symbol=SYMBOL, orderListId=pair["orderListId"]),
        lambda found: found["listOrderStatus"] == "ALL_DONE",
    )
    tested = {"symbol": SYMBOL, "side": "BUY", "type": "MARKET", "quantity": 1}
    step("test order", lambda: bot.create_test_order(**tested), lambda found: found == {})
    refused(
        "error: funds", lambda: bot.order_limit_buy(symbol=SYMBOL, quantity=90, price="500000"),
        BinanceAPIException,
    )  # fmt: skip


async def follow() -> None:
    """Sockets of market data and of the account."""
    bot = await AsyncClient.create(NAME, NAME)
    manager = BinanceSocketManager(bot)

    async def first(socket: Any) -> Any:
        async with socket as stream:
            return await stream.recv()

    await async_step(
        "stream: trades",
        lambda: first(manager.trade_socket(SYMBOL)),
        lambda found: found["e"] == "trade",
    )
    await async_step(
        "stream: book",
        lambda: first(manager.depth_socket(SYMBOL)),
        lambda found: found["U"] <= found["u"],
    )
    await async_step(
        "stream: candles", lambda: first(manager.kline_socket(SYMBOL)), lambda found: found["k"]
    )

    async def user_events() -> list[str]:
        async with manager.user_socket() as stream:
            await bot.order_market_buy(symbol=SYMBOL, quantity=QUANTITY)
            return [(await stream.recv())["e"] for _ in range(3)]

    kinds = ["executionReport", "executionReport", "outboundAccountPosition"]
    await async_step("user stream: fill", user_events, lambda found: found == kinds)
    order: dict[str, Any] = {"symbol": SYMBOL, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
    await async_step(
        "WebSocket: limit order",
        lambda: bot.ws_create_order(**order, quantity=QUANTITY, price=FAR_BELOW),
        lambda found: found["status"] == "NEW",
    )
    await async_step("WebSocket: cancel all", lambda: bot.ws_cancel_all_open_orders(symbol=SYMBOL))
    await async_step("WebSocket: balances", bot.ws_get_account, lambda found: found["balances"])
    await bot.close_connection()


if __name__ == "__main__":
    main()
