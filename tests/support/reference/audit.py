"""One audit of the venue at a URL, and a venue in which everything that it checks is present."""

from dataclasses import replace

from tapewire.audit.auditor import Auditor
from tapewire.audit.findings import Findings
from tapewire.matching.batcher import Batcher
from tapewire.matching.library import load_library
from tapewire.matching.treasury import Treasury
from tapewire.redis.client import open_async
from tapewire.values.types import Lots, OrderType, Side, Ticks, TimeInForce
from tests.support.venue import ALICE, BOB, BTC, Venue, address_of, order_command

UNITS = 10**15
LATER_US = 10**16


async def audited(
    url: str, *, log_events_max: int = 10_000, is_checked: bool | None = None
) -> Findings:
    """What an audit finds now."""
    client = open_async(address_of(url))
    batcher = Batcher(client, timeout_s=5.0, library=load_library())
    try:
        auditor = Auditor(batcher, log_events_max=log_events_max, is_checked=is_checked)
        return await auditor.run()
    finally:
        await batcher.close()
        await client.aclose()


async def trade_everything(venue: Venue) -> None:
    """Fills with fees; then orders 3 (bid), 4 (iceberg), 5 (stop) and 6 (with an end) are open."""
    for account in (ALICE, BOB):
        for asset in ("BTC", "USDT"):
            await Treasury(venue.engine).deposit(account, asset, UNITS)
    await venue.engine.control_market(BTC, maker_fee_ppm=300, taker_fee_ppm=700)
    await venue.sell(9, 100, account=BOB)
    await venue.buy(9, 100)
    await venue.buy(7, 98)
    iceberg = order_command(Side.SELL, 8, 105, account=BOB)
    await venue.engine.place(replace(iceberg, display_lots=Lots(3)))
    stop = order_command(Side.BUY, 2, account=ALICE)
    await venue.engine.place(
        replace(
            stop,
            order_type=OrderType.STOP,
            time_in_force=TimeInForce.GTC,
            stop_price_ticks=Ticks(120),
        )
    )
    dated = order_command(Side.BUY, 5, 97, account=BOB)
    await venue.engine.place(replace(dated, time_in_force=TimeInForce.GTD, expire_us=LATER_US))
