"""The indicative price of an auction as clients see it. Pure."""

from typing import Any

from tapewire.market.market_records import AuctionRecord
from tapewire.values.timestamps import format_timestamp


def render_auction(symbol: str, record: AuctionRecord) -> dict[str, Any]:
    """The newest indicative price; members are None outside of an auction and without a price."""
    market, indicative = record.market, record.indicative
    auction: dict[str, Any] = {
        "symbol": symbol,
        "state": record.state,
        "price": None,
        "quantity": None,
        "surplus": None,
        "surplus_side": None,
        "timestamp": None,
        "epoch": market.epoch,
    }
    if indicative is None:
        return auction
    auction["timestamp"] = format_timestamp(int(indicative.time_us))
    if indicative.ticks:
        ticks = int(indicative.ticks)
        auction |= {
            "price": market.price_text(ticks) if ticks else None,
            "quantity": market.quantity_text(int(indicative.lots)),
            "surplus": market.quantity_text(int(indicative.surplus)),
            "surplus_side": indicative.surplus_side or None,
        }
    return auction
