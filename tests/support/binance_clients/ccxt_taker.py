"""ccxt: takes the offers of a native bot one by one, then rests bids that the native bot takes."""

from functools import partial

import ccxt

from tests.support.binance_clients.steps import addresses, step

PAIR, AMOUNT, BEST_BID = "ETH/USDT", 0.1, 2_900


def main() -> None:
    """As many orders as there are offers at the start, on each side of the trade."""
    gateway, *_ = addresses()
    urls = {"public": f"{gateway}/api/v3", "private": f"{gateway}/api/v3"}
    bot = ccxt.binanceus({"apiKey": "ccxt", "secret": "ccxt", "urls": {"api": urls}})
    offers = bot.fetch_order_book(PAIR, 100)["asks"]
    for turn, (price, amount) in enumerate(offers):
        take = partial(bot.create_order, PAIR, "limit", "buy", amount, price)
        step(f"take {turn}", take, lambda found: found["status"] == "closed")
    for turn in range(len(offers)):
        rest = partial(bot.create_order, PAIR, "limit", "buy", AMOUNT, BEST_BID - turn)
        step(f"rest {turn}", rest, lambda found: found["status"] == "open")


if __name__ == "__main__":
    main()
