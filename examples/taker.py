"""A taker without asyncio: takes the best price a number of times, and prints each fill.

python examples/taker.py --account taker --side buy --orders 5
"""

import argparse
from decimal import Decimal

from tapewire.client import SyncVenueClient, TapewireError

QUOTE_TIMEOUT_S = 10.0


def take(options: argparse.Namespace) -> None:
    """Wait for a price, take it with an order that never rests, and repeat."""
    with SyncVenueClient(options.venue, account=options.account) as venue:
        spent = bought = Decimal(0)
        quotes = venue.feed().bbo([options.symbol])
        for _ in range(options.orders):
            price = None
            while price is None:
                quote = quotes.receive(QUOTE_TIMEOUT_S)
                if quote is None:
                    raise SystemExit(f"{options.symbol} had no quote for {QUOTE_TIMEOUT_S:.0f} s")
                best = quote.ask if options.side == "buy" else quote.bid
                price = None if best is None else best[0]
            order = venue.place(
                options.symbol, options.side, options.quantity, price, order_type="ioc"
            )
            for fill in order.fills:
                print(f"{fill.seq}: {options.side} {fill.quantity} at {fill.price}")
            bought += order.executed_quantity
            spent += order.cumulative_quote_quantity
        average = spent / bought if bought else None
        print(f"{bought} in {options.orders} orders, average price {average}")


def main() -> None:
    """Read the options and run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--venue", help="data directory or gateway URL; default: as tapewire does")
    parser.add_argument("--account", default="taker")
    parser.add_argument("--symbol", default="BTC-USDT")
    parser.add_argument("--side", choices=["buy", "sell"], default="buy")
    parser.add_argument("--quantity", default="0.01", help="of each order")
    parser.add_argument("--orders", type=int, default=5)
    try:
        take(parser.parse_args())
    except TapewireError as error:
        raise SystemExit(f"{error.code}: {error.detail}") from None


if __name__ == "__main__":
    main()
