"""ccxt: the calls of a bot over REST, and its classes of errors."""

from functools import partial

import ccxt

from tests.support.binance_clients.steps import (
    FAR_ABOVE,
    FAR_BELOW,
    ORDERS_PER_DAY,
    addresses,
    refused,
    same,
    step,
)

PAIR = "BTC/USDT"
AMOUNT = 0.001


def main() -> None:
    """Every call that a bot makes."""
    gateway, *_ = addresses()
    urls = {
        "public": f"{gateway}/api/v3",
        "private": f"{gateway}/api/v3",
        "sapi": f"{gateway}/sapi/v1",
    }

    def connected(secret: str) -> ccxt.Exchange:
        return ccxt.binanceus({"apiKey": "ccxt", "secret": secret, "urls": {"api": urls}})

    bot = connected("ccxt")
    step("markets", bot.load_markets, lambda found: PAIR in found)
    read_market(bot)
    trade(bot)
    refuse(bot, connected("wrong"))


def read_market(bot: ccxt.Exchange) -> None:
    """Market data, and the account."""
    step("time", bot.fetch_time)
    step(
        "book", lambda: bot.fetch_order_book(PAIR, 5), lambda found: found["bids"] and found["asks"]
    )
    step("trades", lambda: bot.fetch_trades(PAIR, limit=5), lambda found: found[-1]["price"] > 0)
    step("candles", lambda: bot.fetch_ohlcv(PAIR, "1m", limit=5), lambda found: found[-1][5] >= 0)
    step("ticker", lambda: bot.fetch_ticker(PAIR), lambda found: found["last"] > 0)
    step("best prices", bot.fetch_bids_asks, lambda found: found[PAIR]["bid"] < found[PAIR]["ask"])
    step("balances", bot.fetch_balance, lambda found: found["total"]["USDT"] > 0)
    step("fees", lambda: bot.fetch_trading_fee(PAIR), lambda found: found["maker"] == 0)


def trade(bot: ccxt.Exchange) -> None:
    """Each kind of order, through its life."""
    below, above = float(FAR_BELOW), float(FAR_ABOVE)
    order = step(
        "limit order", lambda: bot.create_order(PAIR, "limit", "buy", AMOUNT, below),
        lambda found: found["status"] == "open",
    )  # fmt: skip
    step(
        "read order",
        lambda: bot.fetch_order(order["id"], PAIR),
        lambda found: found["price"] == below,
    )
    step("open orders", lambda: bot.fetch_open_orders(PAIR), lambda found: len(found) == 1)
    order = step(
        "edit order", lambda: bot.edit_order(order["id"], PAIR, "limit", "buy", AMOUNT, below - 1),
        lambda found: found["price"] == below - 1,
    )  # fmt: skip
    step(
        "cancel order",
        lambda: bot.cancel_order(order["id"], PAIR),
        lambda found: found["status"] == "canceled",
    )
    step(
        "market order", lambda: bot.create_order(PAIR, "market", "buy", AMOUNT),
        lambda found: found["status"] == "closed" and found["filled"] == AMOUNT,
    )  # fmt: skip
    step(
        "market order by amount", lambda: bot.create_market_buy_order_with_cost(PAIR, 100),
        lambda found: 99 < found["cost"] <= 100,
    )  # fmt: skip
    for call, kind, params in (
        ("stop order", "market", {"stopLossPrice": below}),
        ("stop limit order", "limit", {"stopLossPrice": below}),
        ("take-profit order", "market", {"takeProfitPrice": above}),
        ("post-only order", "limit", {"postOnly": True}),
    ):
        price = None if kind == "market" else above if "postOnly" in params else below
        place = partial(bot.create_order, PAIR, kind, "sell", AMOUNT, price, params)
        step(call, place, lambda found: found["status"] == "open")
    step(
        "immediate order",
        lambda: bot.create_order(PAIR, "limit", "buy", AMOUNT, below, {"timeInForce": "IOC"}),
        lambda found: found["status"] == "expired",
    )
    step("all orders", lambda: bot.fetch_orders(PAIR), lambda found: len(found) >= 8)
    step("closed orders", lambda: bot.fetch_closed_orders(PAIR), lambda found: len(found) == 2)
    step(
        "own trades", lambda: bot.fetch_my_trades(PAIR),
        lambda found: same(found[0]["amount"], AMOUNT) and len(found) >= 2,
    )  # fmt: skip
    step("cancel all", lambda: bot.cancel_all_orders(PAIR), lambda found: len(found) == 4)


def refuse(bot: ccxt.Exchange, impostor: ccxt.Exchange) -> None:
    """What is refused has the class of error that bots tell apart."""
    refused(
        "error: funds", lambda: bot.create_order(PAIR, "limit", "buy", 90, 500_000.0),
        ccxt.InsufficientFunds,
    )  # fmt: skip
    refused(
        "error: filter", lambda: bot.create_order(PAIR, "limit", "buy", 1_000, 50_000.0),
        ccxt.InvalidOrder,
    )  # fmt: skip
    refused("error: no order", lambda: bot.fetch_order("999999999", PAIR), ccxt.OrderNotFound)
    refused("error: no cancel", lambda: bot.cancel_order("999999999", PAIR), ccxt.OrderNotFound)
    refused(
        "error: would take",
        lambda: bot.create_order(PAIR, "limit", "buy", AMOUNT, 65_000.0, {"postOnly": True}),
        ccxt.OrderImmediatelyFillable,
    )
    impostor.load_markets()
    refused("error: signature", impostor.fetch_balance, ccxt.AuthenticationError)
    # ccxt makes this class of every answer with status 429, whatever its code.
    refused("error: too many orders", lambda: place_too_many(bot), ccxt.DDoSProtection)
    bot.cancel_all_orders(PAIR)


def place_too_many(bot: ccxt.Exchange) -> None:
    """Place orders until the venue refuses one because of its limit."""
    for _ in range(ORDERS_PER_DAY):
        bot.create_order(PAIR, "limit", "buy", AMOUNT, float(FAR_BELOW))


if __name__ == "__main__":
    main()
