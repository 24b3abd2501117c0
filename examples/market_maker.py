"""A market maker: quotes both sides of one symbol, and moves the quotes with its position.

    tapewire up
    python examples/market_maker.py --account maker

The quotes go over one WebSocket connection with `cancel_on_disconnect`, so that the venue cancels
them when this program ends, however it ends.
"""

import argparse
import asyncio
import contextlib
from collections.abc import Coroutine
from decimal import Decimal, InvalidOperation
from typing import Any

from tapewire.client import (
    InstrumentInfo,
    OrderEntry,
    PlacedOrder,
    RequestRefused,
    TapewireError,
    VenueClient,
)

REQUOTE_INTERVAL_S = 0.5
# The quotes move down when the maker holds too much and up when it holds too little.
SKEW_TICKS = 5


async def fair_price(venue: VenueClient, symbol: str, otherwise: Decimal) -> Decimal:
    """The price of the last trade; `otherwise` before the first trade."""
    ticker = await venue.ticker(symbol)
    return ticker.last or otherwise


async def quote(
    entry: OrderEntry,
    instrument: InstrumentInfo,
    fair: Decimal,
    position: Decimal,
    options: argparse.Namespace,
) -> None:
    """Replace all quotes by new ones: cancel and place are in flight together, in this order."""
    tick, size = instrument.tick_size, Decimal(options.quantity)
    skew = -int(position / size) * SKEW_TICKS
    middle = (fair / tick).to_integral_value() + skew
    quotes: list[Coroutine[Any, Any, PlacedOrder]] = []
    for level in range(options.levels):
        distance = options.half_spread + level * options.half_spread
        bid, ask = (middle - distance) * tick, (middle + distance) * tick
        quotes.append(entry.place(instrument.symbol, "buy", size, bid, post_only=True))
        quotes.append(entry.place(instrument.symbol, "sell", size, ask, post_only=True))
    clean = entry.cancel_all(instrument.symbol)
    _, *outcomes = await asyncio.gather(clean, *quotes, return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, RequestRefused):
            print(f"not quoted: {outcome.detail}")
        elif isinstance(outcome, BaseException):
            raise outcome


async def make(options: argparse.Namespace) -> None:
    """Quote until Ctrl-C."""
    async with VenueClient(options.venue, account=options.account) as venue:
        instrument = await venue.instrument(options.symbol)
        start = (await venue.account()).balance(instrument.base).total
        async with venue.order_entry(cancel_on_disconnect=True) as entry:
            print(f"quoting {instrument.symbol} as {options.account}, Ctrl-C ends it", flush=True)
            while True:
                fair = await fair_price(venue, instrument.symbol, Decimal(options.price))
                held = (await entry.account()).balance(instrument.base).total
                await quote(entry, instrument, fair, held - start, options)
                await asyncio.sleep(REQUOTE_INTERVAL_S)


def main() -> None:
    """Read the options and run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--venue", help="data directory or gateway URL; default: as tapewire does")
    parser.add_argument("--account", default="maker")
    parser.add_argument("--symbol", default="BTC-USDT")
    parser.add_argument("--price", default="60000", help="fair price before the first trade")
    parser.add_argument("--quantity", default="0.1", help="of each quote")
    parser.add_argument("--half-spread", type=int, default=100, help="in ticks")
    parser.add_argument("--levels", type=int, default=3, help="quotes of each side")
    try:
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(make(parser.parse_args()))
    except TapewireError as error:
        raise SystemExit(f"{error.code}: {error.detail}") from None
    except InvalidOperation:
        raise SystemExit("--price and --quantity must be decimal numbers, such as 0.1") from None


if __name__ == "__main__":
    main()
