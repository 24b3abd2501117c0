"""The demo crowd: the same seed decides the same, every order is valid, quotes are bounded."""

from collections import Counter
from dataclasses import replace

import msgspec
import pytest

from order_gateway.catalogue import Market
from order_gateway.replies import instrument_reply
from tapewire.client import InstrumentInfo
from tapewire.crowd.examples import example_price_ticks, example_quantity_lots
from tapewire.crowd.session import read_instrument
from tapewire.crowd.traders import LEVELS, MAKERS, Crowd, Intent
from tapewire.errors import MessageError
from tapewire.values.instruments import packaged_instruments, parse_instruments
from tapewire.values.types import Instrument, MarketState, OrderType, Side

INSTRUMENTS = list(packaged_instruments().values())
SHARES = """
[[instrument]]
symbol = "ACME"
base = "ACME"
quote = "USD"
tick_size = "0.05"
lot_size = "10"
min_quantity = "10"
max_quantity = "1000"
max_price = "120"
min_notional = "5000"
"""


def decide(crowd: Crowd, count: int) -> list[Intent]:
    """Decisions of a crowd whose every quote comes to rest."""
    intents = []
    for number in range(count):
        intent = crowd.next_intent()
        if intent.slot is not None:
            intent.slot.order_id = str(number)
        intents.append(replace(intent, slot=None))
    return intents


def assert_valid(intent: Intent) -> None:
    instrument = intent.instrument
    assert instrument.quantity_lots_min <= intent.quantity_lots <= instrument.quantity_lots_max
    if intent.price_ticks is None:
        assert intent.order_type is OrderType.MARKET
    else:
        assert 1 <= intent.price_ticks <= instrument.price_ticks_max
        assert intent.price_ticks * intent.quantity_lots >= instrument.notional_min


def test_the_seed_repeats_the_decisions() -> None:
    """Equal seeds give equal orders, another seed gives others."""
    assert decide(Crowd(INSTRUMENTS, 1), 500) == decide(Crowd(INSTRUMENTS, 1), 500)
    assert decide(Crowd(INSTRUMENTS, 1), 500) != decide(Crowd(INSTRUMENTS, 2), 500)


@pytest.mark.parametrize(
    "instruments", [INSTRUMENTS, list(parse_instruments(SHARES, "shares").values())]
)
def test_every_order_is_valid(instruments: list[Instrument]) -> None:
    """Price, quantity and notional stay within what the instrument allows."""
    for intent in decide(Crowd(instruments, 3), 5_000):
        assert_valid(intent)


def test_everyone_takes_part() -> None:
    """All accounts, sides, kinds of order and instruments occur."""
    intents = decide(Crowd(INSTRUMENTS, 4), 2_000)
    assert len({intent.account for intent in intents}) == 7
    assert {intent.side for intent in intents} == set(Side)
    assert {intent.instrument.symbol for intent in intents} == {i.symbol for i in INSTRUMENTS}
    kinds = Counter(intent.order_type for intent in intents)
    assert kinds[OrderType.LIMIT] > kinds[OrderType.IOC] > 0 < kinds[OrderType.MARKET]


def test_open_orders_are_bounded() -> None:
    """There is one slot for each maker, instrument, side and level, and no quote outside."""
    crowd = Crowd(INSTRUMENTS, 5)
    decide(crowd, 2_000)
    bound = len(MAKERS) * len(INSTRUMENTS) * 2 * LEVELS
    assert sum(slot.order_id is not None for slot in crowd.slots) <= len(crowd.slots) == bound


def test_empty_slots_are_filled_first() -> None:
    """A fresh crowd shows a full book after as many quotes as it has slots."""
    crowd = Crowd(INSTRUMENTS, 6)
    quotes = 0
    while quotes < len(crowd.slots):
        intent = crowd.next_intent()
        if intent.slot is not None:
            assert intent.slot.order_id is None
            intent.slot.order_id = "1"
            quotes += 1


@pytest.mark.parametrize("instrument", INSTRUMENTS)
def test_example_orders_are_valid(instrument: Instrument) -> None:
    """What the first screen proposes is accepted."""
    price = example_price_ticks(instrument)
    lots = example_quantity_lots(instrument)
    assert instrument.quantity_lots_min <= lots <= instrument.quantity_lots_max
    assert price * lots >= instrument.notional_min


def test_an_instrument_is_read_as_the_gateway_writes_it() -> None:
    """Sizes in decimal text become the same integers that the venue uses."""
    (expected,) = parse_instruments(SHARES, "shares").values()
    entry = instrument_reply(Market(expected, MarketState.TRADING))
    text = msgspec.json.encode(entry)
    assert read_instrument(msgspec.json.decode(text, type=InstrumentInfo)) == expected
    for name, value in (("min_quantity", "15"), ("lot_size", "3"), ("max_price", "120.001")):
        broken = msgspec.json.decode(text) | {name: value}
        with pytest.raises(MessageError, match="describes ACME badly"):
            read_instrument(msgspec.convert(broken, InstrumentInfo, strict=False))
