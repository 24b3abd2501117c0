"""A bot that survives: buys an amount in slices, and is killed and started again without harm.

    python examples/surviving_bot.py --plan monday --quantity 1 --slices 20 --price 60000

The bot stores nothing on disk. The name of a slice is its `client_order_id`. A restarted bot places
every slice under the same name again, and the venue answers with the existing order, so that no
slice is bought twice. Names are free again 24 hours after their order closed.
"""

import argparse
import asyncio
import contextlib
from decimal import Decimal, InvalidOperation

from tapewire.client import (
    OrderKeeper,
    OrderReport,
    RestOptions,
    TapewireError,
    TrackedStream,
    VenueClient,
)

# The bot waits some minutes for a venue that does not answer.
OPTIONS = RestOptions(attempts_max=200, retry_delay_max_s=2.0)


async def wait_until_closed(
    order_id: str, keeper: OrderKeeper, reports: TrackedStream[OrderReport]
) -> Decimal:
    """Read execution reports until the order is closed; returns the bought quantity."""
    while order_id not in keeper.orders or keeper.orders[order_id].is_open:
        keeper.take(await anext(reports))
    return Decimal(keeper.orders[order_id].state.executed_quantity)


async def buy(options: argparse.Namespace) -> None:
    """Buy slice after slice."""
    async with VenueClient(options.venue, account=options.account, options=OPTIONS) as venue:
        instrument = await venue.instrument(options.symbol)
        lots = Decimal(options.quantity) / options.slices / instrument.lot_size
        quantity = lots.to_integral_value() * instrument.lot_size
        # The stream reconnects and resumes by itself.
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
    parser.add_argument("--plan", required=True, help="name of the plan; a new name buys again")
    parser.add_argument("--symbol", default="BTC-USDT")
    parser.add_argument("--quantity", default="1")
    parser.add_argument("--slices", type=int, default=20)
    parser.add_argument("--price", default="60000", help="limit price")
    parser.add_argument("--pause", type=float, default=1.0, help="seconds between slices")
    try:
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(buy(parser.parse_args()))
    except TapewireError as error:
        raise SystemExit(f"{error.code}: {error.detail}") from None
    except InvalidOperation:
        raise SystemExit("--quantity must be a decimal number, such as 0.1") from None


if __name__ == "__main__":
    main()
