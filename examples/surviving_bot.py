"""A bot that survives: buys an amount in slices, and is killed and started again without harm.

    python examples/surviving_bot.py --plan monday --quantity 1 --slices 20 --price 60000

The bot keeps nothing: its memory is the venue. The name of a slice is its `client_order_id`. A bot
that starts again places every slice under its name again, and the venue answers with the order that
it has, so that no slice is bought twice. Names are free again 24 hours after their order closed.
"""

import argparse
import asyncio
import contextlib
from decimal import Decimal

from tapewire.client import OrderKeeper, OrderReport, RestOptions, TrackedStream, VenueClient

# A venue that is away for minutes is waited for.
OPTIONS = RestOptions(attempts_max=200, retry_delay_max_s=2.0)


async def wait_until_closed(
    order_id: str, keeper: OrderKeeper, reports: TrackedStream[OrderReport]
) -> Decimal:
    """Read execution reports until the order is closed; what was bought."""
    while order_id not in keeper.orders or keeper.orders[order_id].is_open:
        keeper.take(await anext(reports))
    return Decimal(keeper.orders[order_id].state.executed_quantity)


async def buy(options: argparse.Namespace) -> None:
    """Buy slice after slice."""
    async with VenueClient(options.venue, account=options.account, options=OPTIONS) as venue:
        instrument = await venue.instrument(options.symbol)
        lots = Decimal(options.quantity) / options.slices / instrument.lot_size
        quantity = lots.to_integral_value() * instrument.lot_size
        # A feed that is away is waited for too, and resumed where it was.
        keeper, reports = OrderKeeper(), venue.feed().orders(since=0)
        bought = Decimal(0)
        for number in range(1, options.slices + 1):
            name = f"{options.plan}-{number}"
            order = await venue.place(
                options.symbol, "buy", quantity, options.price, client_order_id=name
            )
            bought += await wait_until_closed(order.order_id, keeper, reports)
            print(f"{name}: {bought} of {options.quantity} bought", flush=True)
            await asyncio.sleep(options.pause)


def main() -> None:
    """Read the options and run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--venue", help="data directory or gateway URL; default: as tapewire does")
    parser.add_argument("--account", default="survivor")
    parser.add_argument("--plan", required=True, help="the name of what is to be bought")
    parser.add_argument("--symbol", default="BTC-USDT")
    parser.add_argument("--quantity", default="1")
    parser.add_argument("--slices", type=int, default=20)
    parser.add_argument("--price", default="60000", help="the most to pay")
    parser.add_argument("--pause", type=float, default=1.0, help="seconds between slices")
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(buy(parser.parse_args()))


if __name__ == "__main__":
    main()
