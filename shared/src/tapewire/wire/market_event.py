"""The market event, as published on `market_events` and as sent in `data` of `market` messages.

The function library writes it when a market's state is switched, an instrument is added, changed or
delisted (`control.lua`, `instruments.lua`, `delist.lua`), when an auction ends
(`core/auction.lua`), and while it lasts (`indicate.lua`).
"""

from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec

from tapewire.errors import MessageError
from tapewire.limits import SYMBOL_CHARACTERS_MAX, TRADE_MESSAGE_BYTES_MAX

_Text = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


@dataclass(frozen=True, slots=True)
class MarketEvent:
    """A change of a market; `timestamp` is ISO 8601 UTC.

    `uncrossed` has the price and the traded quantity of an auction, as decimal texts. `indicative`
    has what an uncross would give now and what would be left over: no price if no orders cross, no
    quantity either if more orders cross than one command reads.
    """

    symbol: Annotated[str, msgspec.Meta(min_length=1, max_length=SYMBOL_CHARACTERS_MAX)]
    state: Literal["trading", "cancel_only", "halted", "post_only", "auction"]
    change: Literal["state", "added", "changed", "delisted", "uncrossed", "indicative"]
    timestamp: _Text
    epoch: _Text
    price: _Text | None = None
    quantity: _Text | None = None
    surplus: _Text | None = None
    surplus_side: Literal["buy", "sell"] | None = None


_DECODER = msgspec.json.Decoder(MarketEvent)


def decode_market_event(payload: bytes) -> MarketEvent:
    """Read one published event. Raises MessageError for anything that is not one of ours."""
    if len(payload) > TRADE_MESSAGE_BYTES_MAX:
        raise MessageError(f"a market event of {len(payload)} bytes is over the limit")
    try:
        return _DECODER.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MessageError(f"not a market event: {error}") from None
